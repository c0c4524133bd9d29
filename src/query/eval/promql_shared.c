/* Expressions that stand in a query more than once, over the same steps, are evaluated once. What
 * others read more than once is told to the source. */
#include "query/eval/promql_eval.h"

enum { EXPRESSIONS_MOST = 256 }; /* each is compared with each: of more nothing is shared */

struct shared {
    const struct promql_expr *first;
    uint32_t uses, left; /* in the query; not evaluated yet */
    bool kept, stats;
    struct value value;
    uint64_t queryable; /* what evaluating it counted */
    struct shared *next;
};

/* Selectors of the same series, in expressions that are not shared. */
struct selection {
    const struct promql_expr *selector;
    uint32_t left; /* not read yet */
    struct selection *next;
};

struct collecting {
    struct arena *arena;
    struct promql_expr *list[EXPRESSIONS_MOST];
    struct shared *of[EXPRESSIONS_MOST];
    uint32_t n;
    struct selection *selections;
    bool over;
    const struct promql_expr *inside; /* what lies in it is shared with it */
    const struct promql_expr *not_by_itself;
};

static void look_for_selectors(void *ctx, struct promql_expr *e)
{
    if (e->kind == PROMQL_SELECTOR) *(bool *)ctx = true;
}

static bool is_evaluated(const struct collecting *c, struct promql_expr *e)
{
    bool reads = false;
    if (e->kind != PROMQL_SELECTOR && e->kind != PROMQL_CALL && e->kind != PROMQL_AGGREGATE &&
        e->kind != PROMQL_BINARY)
        return false;
    if (e == c->not_by_itself || promql_type_of(e) == PROMQL_MATRIX) return false;
    promql_walk(e, look_for_selectors, &reads);
    return reads;
}

static struct selection *selection_of(struct selection *s, const struct promql_expr *selector)
{
    while (s && !promql_same_series(s->selector, selector)) s = s->next;
    return s;
}

static void count_selection(struct collecting *c, const struct promql_expr *e)
{
    struct selection *s = selection_of(c->selections, e);
    if (!s) {
        s = arena_new(c->arena, struct selection);
        s->selector = e;
        s->next = c->selections;
        c->selections = s;
    }
    s->left++;
}

static void collect(void *ctx, struct promql_expr *e)
{
    struct collecting *c = ctx;
    if (c->inside && e->start >= c->inside->start && e->end <= c->inside->end) return;
    if (e->kind == PROMQL_RANGE) c->not_by_itself = e->range.selector;
    if (c->not_by_itself == e) count_selection(c, e);
    if (c->over || !is_evaluated(c, e)) return;
    uint32_t i = 0;
    while (i < c->n && !promql_same(c->list[i], e)) i++;
    if (i == EXPRESSIONS_MOST) {
        c->over = true;
        return;
    }
    if (i == c->n) {
        c->list[c->n++] = e;
        if (e->kind == PROMQL_SELECTOR) count_selection(c, e);
        return;
    }
    if (!c->of[i]) {
        c->of[i] = arena_new(c->arena, struct shared);
        c->of[i]->first = c->list[i];
        c->of[i]->uses = 1;
    }
    c->of[i]->uses++;
    c->inside = e;
}

void eval_find_shared(struct evaluator *ev, struct promql_expr *e)
{
    struct collecting *c = arena_new(ev->arena, struct collecting);
    c->arena = ev->arena;
    promql_walk(e, collect, c);
    for (uint32_t i = 0; i < c->n && !c->over; i++) {
        if (!c->of[i]) continue;
        c->of[i]->left = c->of[i]->uses;
        c->of[i]->next = ev->shared;
        ev->shared = c->of[i];
    }
    if (!c->over) ev->selections = c->selections;
}

bool eval_reads_again(struct evaluator *ev, const struct promql_expr *selector)
{
    struct selection *s = selection_of(ev->selections, selector);
    return s && s->left && --s->left;
}

struct shared *eval_shared(const struct evaluator *ev, const struct promql_expr *e)
{
    struct shared *s = ev->shared;
    if (!s || ev->given_for || ev->arena != ev->main) return NULL;
    if (e->kind == PROMQL_PAREN) return NULL; /* what is in it */
    while (s && !promql_same(s->first, e)) s = s->next;
    return s;
}

static struct value copy_of(struct evaluator *ev, const struct value *v)
{
    struct value out = *v;
    uint32_t n = v->grid.n;
    if (v->kind == VALUE_SCALAR) {
        out.scalar = arena_array(ev->arena, double, n);
        memcpy(out.scalar, v->scalar, n * sizeof *out.scalar);
    }
    if (v->kind != VALUE_VECTOR) return out;
    out.rows = arena_array(ev->arena, struct row, v->n_rows + 1);
    for (uint32_t r = 0; r < v->n_rows; r++) {
        struct row *row = &out.rows[r];
        *row = v->rows[r];
        row->v = arena_array(ev->arena, double, n);
        row->has = arena_array(ev->arena, uint8_t, n);
        memcpy(row->v, v->rows[r].v, n * sizeof *row->v);
        memcpy(row->has, v->rows[r].has, n * sizeof *row->has);
        if (!row->h) continue;
        row->h = arena_array(ev->arena, const struct histogram *, n);
        memcpy(row->h, v->rows[r].h, n * sizeof(const struct histogram *));
    }
    ev->samples += (uint64_t)v->n_rows * n;
    return out;
}

bool eval_take_shared(struct evaluator *ev, struct shared *s, struct grid g, struct value *ret)
{
    if (s->left) s->left--;
    const struct grid *was = &s->value.grid;
    if (!s->kept || s->stats != ev->stats || was->n != g.n || was->start != g.start ||
        was->step != g.step)
        return false;
    *ret = s->left ? copy_of(ev, &s->value) : s->value;
    s->kept = s->left;
    ev->queryable += s->queryable;
    return true;
}

struct counted eval_counted(const struct evaluator *ev)
{
    return (struct counted){ev->queryable, ev->noted + ev->warnings->n + ev->infos->n};
}

void eval_keep_shared(struct evaluator *ev, struct shared *s, const struct counted *before,
                      const struct value *v)
{
    struct counted now = eval_counted(ev);
    if (!s->left || s->kept || now.notes != before->notes) return; /* notes tell a place each */
    s->value = copy_of(ev, v);
    s->stats = ev->stats;
    s->queryable = now.queryable - before->queryable;
    s->kept = true;
}
