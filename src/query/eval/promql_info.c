/* info(v, {selector}): each series gets the data labels of the info series (target_info, or what
 * the selector names) of the same instance and job, as of the moment its own samples are of.
 *
 * Spec: Prometheus, querying functions, info() (experimental). */
#include "base/map.h"
#include "query/eval/promql_eval.h"

static const str identifying[] = {{"instance", 8}, {"job", 3}};
enum { IDENTIFYING = 2 };

struct info {
    struct evaluator *ev;
    const struct label_matcher *data; /* matchers of data labels */
    uint32_t n_data;
    struct label_matcher *names; /* of __name__ */
    uint32_t n_names;
    bool needs_match; /* a data matcher does not accept an empty value */
    struct series_set series;
    uint64_t *key; /* of each series: its identifying labels */
    int64_t *at;   /* the moment of each step */
};

/* ---- the moment a step's samples are of: that of the first selector ---- */

static const struct promql_expr *first_selector(struct promql_expr *e, int64_t *io_t,
                                                struct evaluator *ev, status *s);

static const struct promql_expr *first_of(struct promql_expr *const *list, uint32_t n,
                                          int64_t *io_t, struct evaluator *ev, status *s)
{
    for (uint32_t i = 0; i < n; i++) {
        int64_t t = *io_t;
        const struct promql_expr *found = list[i] ? first_selector(list[i], &t, ev, s) : NULL;
        if (!found) continue;
        *io_t = t;
        return found;
    }
    return NULL;
}

static const struct promql_expr *first_selector(struct promql_expr *e, int64_t *io_t,
                                                struct evaluator *ev, status *s)
{
    switch (e->kind) {
    case PROMQL_SELECTOR: *s = eval_moment(ev, &e->selector.shift, io_t); return e;
    case PROMQL_RANGE: return first_selector(e->range.selector, io_t, ev, s);
    case PROMQL_SUBQUERY:
        *s = eval_moment(ev, &e->subquery.shift, io_t);
        return *s == ST_OK ? first_selector(e->subquery.expr, io_t, ev, s) : e;
    case PROMQL_CALL: return first_of(e->call.args, e->call.n_args, io_t, ev, s);
    case PROMQL_AGGREGATE:
        return first_of((struct promql_expr *[]){e->aggregate.expr, e->aggregate.param}, 2, io_t,
                        ev, s);
    case PROMQL_BINARY:
        return first_of((struct promql_expr *[]){e->binary.lhs, e->binary.rhs}, 2, io_t, ev, s);
    case PROMQL_UNARY: return first_selector(e->unary.expr, io_t, ev, s);
    case PROMQL_PAREN: return first_selector(e->paren, io_t, ev, s);
    default: return NULL;
    }
}

/* ---- the info series ---- */

static status read_matchers(struct info *x, const struct promql_expr *e)
{
    struct arena *a = x->ev->arena;
    const struct promql_expr *sel = e->call.n_args > 1 ? promql_bare(e->call.args[1]) : NULL;
    uint32_t n = sel ? sel->selector.n_matchers : 0;
    struct label_matcher *data = arena_array(a, struct label_matcher, n + 1);
    x->names = arena_array(a, struct label_matcher, n + 2);
    bool positive = false;
    for (uint32_t i = 0; i < n; i++) {
        const struct label_matcher *m = &sel->selector.matchers[i];
        if (str_eq(m->name, LABEL_NAME)) {
            positive |= m->op == MATCH_EQUAL || m->op == MATCH_REGEX;
            x->names[x->n_names++] = *m;
        } else {
            x->needs_match |= !matcher_accepts(m, (str){0});
            data[x->n_data++] = *m;
        }
    }
    x->data = data;
    if (positive) return ST_OK;
    struct label_matcher *m = &x->names[x->n_names];
    if (x->n_names == 0) {
        *m = (struct label_matcher){MATCH_EQUAL, LABEL_NAME, S("target_info"), NULL};
    } else { /* what is left of those called so */
        *m = (struct label_matcher){MATCH_REGEX, LABEL_NAME, S(".+_info"), NULL};
        TRY(regex_new(a, m->value, REGEX_WHOLE, &m->regex, x->ev->err));
    }
    x->n_names++;
    return ST_OK;
}

static bool is_info(const struct info *x, struct labels l)
{
    for (uint32_t i = 0; i < x->n_names; i++)
        if (!matcher_accepts(&x->names[i], labels_get(l, LABEL_NAME))) return false;
    return true;
}

static uint64_t key_of(struct evaluator *ev, struct labels l)
{
    return labels_hash(labels_keep(ev->arena, l, identifying, IDENTIFYING));
}

static bool same_identity(struct labels a, struct labels b)
{
    bool any = false;
    for (int i = 0; i < IDENTIFYING; i++) {
        str x = labels_get(a, identifying[i]);
        if (!str_eq(x, labels_get(b, identifying[i]))) return false;
        any |= x.len > 0;
    }
    return any;
}

static status read_series(struct info *x, struct grid g)
{
    struct evaluator *ev = x->ev;
    int64_t from = x->at[0], to = x->at[0];
    for (uint32_t i = 1; i < g.n; i++) {
        if (x->at[i] < from) from = x->at[i];
        if (x->at[i] > to) to = x->at[i];
    }
    struct label_matcher *all =
        arena_array(ev->arena, struct label_matcher, x->n_names + x->n_data + 1);
    memcpy(all, x->names, x->n_names * sizeof *all);
    if (x->n_data) memcpy(all + x->n_names, x->data, x->n_data * sizeof *all);
    TRY(ev->source->select(ev->source, ev->arena, all, x->n_names + x->n_data,
                           from - ev->opt.lookback_ms + 1, to, ev->warnings, &x->series, ev->err));
    x->key = arena_array(ev->arena, uint64_t, x->series.n + 1);
    for (uint32_t i = 0; i < x->series.n; i++) {
        if (x->series.list[i].n_histograms)
            return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                           "this should be an info metric, with float samples: " STR_FMT,
                           STR_ARG(labels_get(x->series.list[i].labels, LABEL_NAME)));
        x->key[i] = key_of(ev, x->series.list[i].labels);
    }
    return eval_check(ev);
}

/* The sample a series has at the moment; false: none. */
static bool sample_at(const struct info *x, uint32_t i, int64_t t, int64_t *ret_t)
{
    const struct raw_series *s = &x->series.list[i];
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->samples[mid].t <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0) return false;
    const struct sample *last = &s->samples[lo - 1];
    *ret_t = last->t;
    return last->t > t - x->ev->opt.lookback_ms && !is_stale(last->v);
}

/* ---- enriching ---- */

static bool takes(const struct info *x, str name)
{
    if (str_eq(name, LABEL_NAME)) return false;
    for (int i = 0; i < IDENTIFYING; i++)
        if (str_eq(name, identifying[i])) return false;
    for (uint32_t i = 0; i < x->n_data; i++)
        if (str_eq(x->data[i].name, name)) return true;
    return x->n_data == 0;
}

static status take_labels(struct info *x, struct labels base, struct labels from, struct labels *io)
{
    for (uint32_t i = 0; i < from.n; i++) {
        str name = from.list[i].name, have = labels_get(*io, name);
        if (!takes(x, name) || labels_get(base, name).len) continue;
        if (have.len && !str_eq(have, from.list[i].value))
            return err_set(x->ev->err, ST_EXECUTION, ERR_NOPOS,
                           "conflicting label: " STR_FMT " is both \"" STR_FMT "\" and \"" STR_FMT
                           "\"",
                           STR_ARG(name), STR_ARG(have), STR_ARG(from.list[i].value));
        *io = labels_set(x->ev->arena, *io, name, from.list[i].value);
    }
    return ST_OK;
}

/* The row's labels at a step. *ret_any: some info series fits. Of several of one name the one with
 * the latest sample counts. */
static status enriched(struct info *x, const struct row *r, const uint32_t *fits, uint32_t n_fits,
                       int64_t t, struct labels *ret, bool *ret_any)
{
    *ret = r->labels;
    *ret_any = false;
    for (uint32_t i = 0; i < n_fits; i++) {
        str name = labels_get(x->series.list[fits[i]].labels, LABEL_NAME);
        int64_t mine, other;
        bool best = sample_at(x, fits[i], t, &mine);
        for (uint32_t k = 0; best && k < n_fits; k++)
            if (k != i && str_eq(labels_get(x->series.list[fits[k]].labels, LABEL_NAME), name) &&
                sample_at(x, fits[k], t, &other) && (other > mine || (other == mine && k < i)))
                best = false;
        if (!best) continue;
        *ret_any = true;
        TRY(take_labels(x, r->labels, x->series.list[fits[i]].labels, ret));
    }
    return ST_OK;
}

static status enrich_row(struct info *x, const struct row *r, struct grid g, struct rows *rows,
                         struct map *index)
{
    struct evaluator *ev = x->ev;
    uint32_t *fits = arena_array(ev->arena, uint32_t, x->series.n + 1), n = 0;
    uint64_t key = key_of(ev, r->labels);
    for (uint32_t i = 0; i < x->series.n; i++)
        if (x->key[i] == key && same_identity(x->series.list[i].labels, r->labels)) fits[n++] = i;
    for (uint32_t i = 0; i < g.n; i++) {
        if (!r->has[i]) continue;
        struct labels l;
        bool any;
        TRY(enriched(x, r, fits, n, x->at[i], &l, &any));
        if (!any && x->needs_match) continue;
        struct row *to = rows_with(ev, rows, index, l, g.n);
        to->drop_name = r->drop_name;
        row_put_cell(ev, to, i, g.n, row_cell(r, i));
    }
    return eval_check(ev);
}

status eval_info_call(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    struct info x = {.ev = ev, .at = arena_array(ev->arena, int64_t, g.n)};
    struct value base;
    TRY(eval_expr(ev, e->call.args[0], g, &base));
    TRY(read_matchers(&x, e));
    for (uint32_t i = 0; i < g.n; i++) {
        status s = ST_OK;
        x.at[i] = grid_at(g, i);
        first_selector(e->call.args[0], &x.at[i], ev, &s);
        TRY(s);
    }
    TRY(read_series(&x, g));
    struct rows rows = {};
    struct map index;
    map_init(&index, ev->arena, base.n_rows + 1);
    for (uint32_t r = 0; r < base.n_rows; r++) {
        const struct row *row = &base.rows[r];
        if (!is_info(&x, row->labels)) {
            TRY(enrich_row(&x, row, g, &rows, &index));
            continue;
        }
        struct row *to = rows_with(ev, &rows, &index, row->labels, g.n);
        to->drop_name = row->drop_name;
        for (uint32_t i = 0; i < g.n; i++)
            if (row->has[i]) row_put_cell(ev, to, i, g.n, row_cell(row, i));
    }
    *ret = rows_value(rows, g);
    return ST_OK;
}
