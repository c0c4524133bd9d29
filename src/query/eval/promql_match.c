/* Vectors with vectors: one-to-one, group_left and group_right, fill; and the set operators.
 *
 * Which rows can meet does not change from step to step, so rows of both sides are put into match
 * groups once; each step then looks at those that have a value. */
#include <stdlib.h>

#include "base/map.h"
#include "query/eval/promql_eval.h"

struct side {
    uint32_t *group;          /* of each row */
    uint32_t *begin, *member; /* rows of group g: member[begin[g] .. begin[g + 1]) */
};

struct meeting {
    struct side many, one;
    struct labels *labels; /* the match labels of each group */
    uint32_t groups;
};

static struct labels match_labels(struct evaluator *ev, const struct promql_matching *m,
                                  struct labels l)
{
    if (m->on) return labels_keep(ev->arena, l, m->labels, m->n_labels);
    l = labels_set(ev->arena, l, LABEL_NAME, (str){0});
    return labels_drop(ev->arena, l, m->labels, m->n_labels);
}

static void list_members(struct evaluator *ev, struct side *s, uint32_t rows, uint32_t groups)
{
    s->begin = arena_array(ev->arena, uint32_t, groups + 2);
    s->member = arena_array(ev->arena, uint32_t, rows + 1);
    memset(s->begin, 0, (groups + 2) * sizeof *s->begin);
    for (uint32_t i = 0; i < rows; i++) s->begin[s->group[i] + 1]++;
    for (uint32_t g = 0; g < groups; g++) s->begin[g + 1] += s->begin[g];
    uint32_t *at = arena_array(ev->arena, uint32_t, groups + 1);
    memcpy(at, s->begin, (groups + 1) * sizeof *at);
    for (uint32_t i = 0; i < rows; i++) s->member[at[s->group[i]]++] = i;
}

static void meet(struct evaluator *ev, const struct promql_matching *m, const struct value *many,
                 const struct value *one, struct meeting *ret)
{
    struct rows heads = {};
    struct map index;
    map_init(&index, ev->arena, 64);
    const struct value *v[] = {many, one};
    struct side *s[] = {&ret->many, &ret->one};
    for (int k = 0; k < 2; k++) {
        s[k]->group = arena_array(ev->arena, uint32_t, v[k]->n_rows + 1);
        for (uint32_t i = 0; i < v[k]->n_rows; i++) {
            struct row *h =
                rows_with(ev, &heads, &index, match_labels(ev, m, v[k]->rows[i].labels), 1);
            s[k]->group[i] = (uint32_t)(h - heads.list);
        }
    }
    ret->groups = heads.n;
    ret->labels = arena_array(ev->arena, struct labels, heads.n + 1);
    for (uint32_t i = 0; i < heads.n; i++) ret->labels[i] = heads.list[i].labels;
    list_members(ev, s[0], many->n_rows, heads.n);
    list_members(ev, s[1], one->n_rows, heads.n);
}

struct matcher {
    struct evaluator *ev;
    struct promql_expr *e;
    const struct promql_matching *m;
    bool swapped; /* group_right: the many side is on the right */
    const struct value *many, *one;
    struct meeting meeting;
    struct rows rows;
    struct map index;
    uint32_t *last_step; /* of each row of the answer: step + 1 it was written in */
    uint32_t cap;
    uint32_t *pair_one,
        *pair_row; /* of each many row: the one row it last met, and what that made */
};

static struct labels result_labels(const struct matcher *x, struct labels many, struct labels one)
{
    struct arena *a = x->ev->arena;
    const struct promql_matching *m = x->m;
    if (promql_op_drops_name(x->e->binary.op) && !x->ev->opt.delayed_names)
        many = without_name(x->ev, many);
    if (m->card == CARD_ONE_TO_ONE) {
        if (m->on)
            many = labels_keep(a, many, m->labels, m->n_labels);
        else
            many = labels_drop(a, many, m->labels, m->n_labels);
    }
    for (uint32_t i = 0; i < m->n_include; i++)
        many = labels_set(a, many, m->include[i], labels_get(one, m->include[i]));
    if (x->e->binary.returns_bool && !x->ev->opt.delayed_names) many = without_name(x->ev, many);
    return many;
}

static status duplicate(const struct matcher *x, uint32_t group, struct labels a, struct labels b)
{
    if (labels_compare(a, b) > 0) {
        struct labels first = b;
        b = a;
        a = first;
    }
    struct buf text;
    buf_init(&text, 4096);
    buf_add(&text, S("found duplicate series for the match group "));
    labels_print(&text, x->meeting.labels[group]);
    buf_printf(&text, " on the %s hand-side of the operation: [", x->swapped ? "left" : "right");
    labels_print(&text, a);
    buf_add(&text, S(", "));
    labels_print(&text, b);
    buf_add(&text,
            S("];many-to-many matching not allowed: matching labels must be unique on one side"));
    status s = err_set(x->ev->err, ST_EXECUTION, ERR_NOPOS, STR_FMT, STR_ARG(buf_str(&text)));
    buf_done(&text);
    return s;
}

static struct row *result_row(struct matcher *x, struct labels l, uint32_t *ret_at)
{
    struct row *r = rows_with(x->ev, &x->rows, &x->index, l, x->many->grid.n);
    if (x->rows.cap > x->cap) {
        uint32_t *last = arena_array(x->ev->arena, uint32_t, x->rows.cap);
        memset(last, 0, x->rows.cap * sizeof *last);
        if (x->cap) memcpy(last, x->last_step, x->cap * sizeof *last);
        x->last_step = last;
        x->cap = x->rows.cap;
    }
    *ret_at = (uint32_t)(r - x->rows.list);
    return r;
}

/* One pair at one step. `many` or `one` may be made up (fill), then its row is UINT32_MAX. */
static status pair(struct matcher *x, uint32_t step, uint32_t many_row, struct labels many,
                   struct cell mv, uint32_t one_row, struct labels one, struct cell ov,
                   bool *matched)
{
    enum promql_op op = x->e->binary.op;
    struct cell v;
    bool has, holds = eval_apply(x->ev, x->e, x->swapped ? ov : mv, x->swapped ? mv : ov, &v, &has);
    if (!has) return ST_OK; /* kinds that do not go together are no match either */
    if (x->m->card == CARD_ONE_TO_ONE && *matched)
        return err_set(x->ev->err, ST_EXECUTION, ERR_NOPOS,
                       "multiple matches for labels: many-to-one matching must be explicit "
                       "(group_left/group_right)");
    *matched = true;
    if (x->e->binary.returns_bool)
        v = (struct cell){holds, NULL};
    else if (!holds)
        return ST_OK;
    uint32_t at;
    if (many_row != UINT32_MAX && one_row != UINT32_MAX && x->pair_one[many_row] == one_row + 1) {
        at = x->pair_row[many_row];
    } else {
        struct row *r = result_row(x, result_labels(x, many, one), &at);
        bool drop = x->e->binary.returns_bool || promql_op_drops_name(op);
        if (drop && x->ev->opt.delayed_names) r->drop_name = true;
        if (!drop && many_row != UINT32_MAX) r->drop_name = x->many->rows[many_row].drop_name;
        if (many_row != UINT32_MAX && one_row != UINT32_MAX) {
            x->pair_one[many_row] = one_row + 1;
            x->pair_row[many_row] = at;
        }
    }
    if (x->last_step[at] == step + 1)
        return err_set(x->ev->err, ST_EXECUTION, ERR_NOPOS,
                       "multiple matches for labels: grouping labels must ensure unique matches");
    x->last_step[at] = step + 1;
    row_put_cell(x->ev, &x->rows.list[at], step, x->many->grid.n, v);
    return ST_OK;
}

/* The row of the one side; UINT32_MAX: there is none. */
static status the_one(const struct matcher *x, uint32_t g, uint32_t step, uint32_t *ret)
{
    const struct side *one = &x->meeting.one;
    *ret = UINT32_MAX;
    for (uint32_t i = one->begin[g]; i < one->begin[g + 1]; i++) {
        uint32_t r = one->member[i];
        if (!x->one->rows[r].has[step]) continue;
        if (*ret != UINT32_MAX)
            return duplicate(x, g, x->one->rows[r].labels, x->one->rows[*ret].labels);
        *ret = r;
    }
    return ST_OK;
}

static status match_group(struct matcher *x, uint32_t g, uint32_t step)
{
    const struct side *many = &x->meeting.many;
    uint32_t found;
    TRY(the_one(x, g, step, &found));
    /* Upstream turns the sides of group_right around and leaves the fills where they are. */
    bool fill_one = x->m->has_fill_right, fill_many = x->m->has_fill_left;
    bool matched = false, any = false;
    for (uint32_t i = many->begin[g]; i < many->begin[g + 1]; i++) {
        uint32_t r = many->member[i];
        const struct row *row = &x->many->rows[r];
        if (!row->has[step]) continue;
        any = true;
        if (found != UINT32_MAX)
            TRY(pair(x, step, r, row->labels, row_cell(row, step), found,
                     x->one->rows[found].labels, row_cell(&x->one->rows[found], step), &matched));
        else if (fill_one)
            TRY(pair(x, step, r, row->labels, row_cell(row, step), UINT32_MAX, x->meeting.labels[g],
                     (struct cell){x->m->fill_right, NULL}, &matched));
    }
    if (any || found == UINT32_MAX || !fill_many) return ST_OK;
    const struct row *row = &x->one->rows[found];
    return pair(x, step, UINT32_MAX, x->meeting.labels[g], (struct cell){x->m->fill_left, NULL},
                found, row->labels, row_cell(row, step), &matched);
}

static void mark(const struct value *v, uint8_t *steps, uint8_t bit)
{
    for (uint32_t r = 0; r < v->n_rows; r++)
        for (uint32_t i = 0; i < v->grid.n; i++)
            if (v->rows[r].has[i]) steps[i] |= bit;
}

/* Steps at which there is something to match: else not even duplicates are looked for. */
static const uint8_t *live_steps(const struct matcher *x)
{
    uint32_t n = x->many->grid.n;
    bool fills = x->m->has_fill_left || x->m->has_fill_right;
    uint8_t *steps = arena_array(x->ev->arena, uint8_t, n + 1);
    memset(steps, 0, n);
    mark(x->many, steps, 1);
    mark(x->one, steps, 2);
    for (uint32_t i = 0; i < n; i++) steps[i] = fills ? steps[i] != 0 : steps[i] == 3;
    return steps;
}

static void begin(struct matcher *x)
{
    struct arena *a = x->ev->arena;
    map_init(&x->index, a, x->many->n_rows + 1);
    x->rows = (struct rows){0};
    x->cap = 0;
    x->pair_one = arena_array(a, uint32_t, x->many->n_rows + 1);
    x->pair_row = arena_array(a, uint32_t, x->many->n_rows + 1);
    memset(x->pair_one, 0, (x->many->n_rows + 1) * sizeof *x->pair_one);
}

/* Something went wrong: tells what did first, as steps follow each other. */
static status first_mistake(struct matcher *x, const uint8_t *live)
{
    begin(x);
    for (uint32_t i = 0; i < x->many->grid.n; i++) {
        uint32_t ignored;
        if (!live[i]) continue;
        for (uint32_t g = 0; g < x->meeting.groups; g++) TRY(the_one(x, g, i, &ignored));
        for (uint32_t g = 0; g < x->meeting.groups; g++) TRY(match_group(x, g, i));
        TRY(eval_check(x->ev));
    }
    return err_set(x->ev->err, ST_INTERNAL, ERR_NOPOS, "a match failed in one order only");
}

status eval_match(struct evaluator *ev, struct promql_expr *e, const struct value *l,
                  const struct value *r, struct value *ret)
{
    struct matcher x = {.ev = ev,
                        .e = e,
                        .m = &e->binary.matching,
                        .swapped = e->binary.matching.card == CARD_ONE_TO_MANY};
    x.many = x.swapped ? r : l;
    x.one = x.swapped ? l : r;
    meet(ev, x.m, x.many, x.one, &x.meeting);
    begin(&x);
    const uint8_t *live = live_steps(&x);
    for (uint32_t g = 0; g < x.meeting.groups; g++) {
        for (uint32_t i = 0; i < l->grid.n; i++)
            if (live[i] && match_group(&x, g, i) != ST_OK) return first_mistake(&x, live);
        TRY(eval_check(ev));
    }
    *ret = rows_value(x.rows, l->grid);
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}

/* Steps at which a side has anything in each group. */
static uint8_t *presence(struct evaluator *ev, const struct value *v, const uint32_t *group,
                         uint32_t groups)
{
    uint32_t steps = v->grid.n;
    uint8_t *p = arena_array(ev->arena, uint8_t, (size_t)groups * steps + 1);
    memset(p, 0, (size_t)groups * steps);
    for (uint32_t r = 0; r < v->n_rows; r++)
        for (uint32_t i = 0; i < steps; i++) p[(size_t)group[r] * steps + i] |= v->rows[r].has[i];
    return p;
}

static void keep(const struct value *v, const uint32_t *group, const uint8_t *other,
                 bool when_present)
{
    for (uint32_t r = 0; r < v->n_rows; r++)
        for (uint32_t i = 0; i < v->grid.n; i++)
            if ((other[(size_t)group[r] * v->grid.n + i] != 0) != when_present)
                v->rows[r].has[i] = POINT_NONE;
}

status eval_set(struct evaluator *ev, struct promql_expr *e, const struct value *l,
                const struct value *r, struct value *ret)
{
    struct meeting m;
    meet(ev, &e->binary.matching, l, r, &m);
    TRY(eval_samples(ev, (uint64_t)m.groups * l->grid.n / 4));
    if (e->binary.op != OP_OR) {
        keep(l, m.many.group, presence(ev, r, m.one.group, m.groups), e->binary.op == OP_AND);
        *ret = *l;
        return ST_OK;
    }
    keep(r, m.one.group, presence(ev, l, m.many.group, m.groups), false);
    struct rows rows = {.list = arena_array(ev->arena, struct row, l->n_rows + r->n_rows + 1),
                        .n = l->n_rows + r->n_rows};
    if (l->n_rows) memcpy(rows.list, l->rows, l->n_rows * sizeof *l->rows);
    if (r->n_rows) memcpy(rows.list + l->n_rows, r->rows, r->n_rows * sizeof *r->rows);
    *ret = rows_value(rows, l->grid);
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}
