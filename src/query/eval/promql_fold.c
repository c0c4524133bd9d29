/* Aggregations that add up one row after the other: sum, avg, min, ... Rows come some at a time
 * where that can be (promql_stream.c) and go when they are added, so that what is held grows with
 * the groups. */
#include <stdlib.h>

#include "base/map.h"
#include "query/eval/promql_eval.h"

/* What a group has gathered at one step. */
struct gathered {
    struct kahan k;
    double count, extra;
    bool incremental;
    struct native *native; /* of histograms; NULL while there is none */
};

struct native {
    struct histogram_sum sum;
    double count;
    bool reset, not_reset, incremental;
    str misfit; /* the name of the first series whose buckets were of the other kind */
};

static void gather_avg(struct gathered *x, double v)
{
    if (!x->incremental) {
        struct kahan next = x->k;
        kahan_add(&next, v);
        if (!isinf(next.sum) || x->count == 1) {
            x->k = next;
            return;
        }
        x->incremental = true; /* the sum would overflow: go on with the mean */
        x->k.sum /= x->count - 1;
        x->k.c /= x->count - 1;
    }
    double q = (x->count - 1) / x->count;
    x->k.sum *= q;
    x->k.c *= q;
    kahan_add(&x->k, v / x->count);
}

static void gather_var(struct gathered *x, double v)
{
    if (x->count == 1) {
        x->k.sum = v;
        x->extra = isfinite(v) ? 0 : NAN;
        return;
    }
    double delta = v - x->k.sum;
    x->k.sum += delta / x->count;
    x->extra += delta * (v - x->k.sum);
}

static void gather(enum promql_aggregate op, struct gathered *x, double v)
{
    x->count++;
    switch (op) {
    case AGG_SUM: kahan_add(&x->k, v); break;
    case AGG_AVG: gather_avg(x, v); break;
    case AGG_MIN:
        if (x->count == 1 || v < x->extra || isnan(x->extra)) x->extra = v;
        break;
    case AGG_MAX:
        if (x->count == 1 || v > x->extra || isnan(x->extra)) x->extra = v;
        break;
    case AGG_STDDEV:
    case AGG_STDVAR: gather_var(x, v); break;
    default: break;
    }
}

/* sum and avg of histograms. */
static void gather_native(struct evaluator *ev, bool average, struct gathered *x,
                          const struct histogram *h)
{
    if (!x->native) {
        x->native = arena_new(ev->arena, struct native);
        x->native->sum.exact = true;
    }
    struct native *n = x->native;
    double before = n->count++;
    n->reset |= h->hint == HINT_RESET;
    n->not_reset |= h->hint == HINT_NOT_RESET;
    if (average && !n->incremental && before > 0) {
        struct histogram_sum next = histogram_sum_copy(ev->arena, &n->sum);
        histogram_sum_add(ev->arena, &next, h, 1);
        if (!histogram_sum_overflows(&next)) {
            n->sum = next;
            return;
        }
        n->incremental = true; /* the sum would overflow: go on with the mean */
        histogram_sum_scale(&n->sum, 1 / before);
    }
    if (n->incremental) {
        histogram_sum_scale(&n->sum, before / n->count);
        h = histogram_div(ev->arena, h, n->count);
    }
    histogram_sum_add(ev->arena, &n->sum, h, 1);
}

/* False: the group makes nothing at this step (noted). */
static bool native_result(struct evaluator *ev, const struct promql_expr *e,
                          const struct gathered *x, struct cell *ret)
{
    struct native *n = x->native;
    const struct promql_expr *at = e->aggregate.expr;
    if (x->count > 0) {
        eval_warn(ev, at, "encountered a mix of histograms and floats for aggregation");
        return false;
    }
    if (n->sum.incompatible) {
        note_mixed_buckets(ev, at, n->misfit);
        n->sum.resets_collide = false;
        note_sum(ev, at, &n->sum, "aggregation"); /* what was reconciled before it */
        return false;
    }
    n->sum.resets_collide = n->reset && n->not_reset;
    note_sum(ev, at, &n->sum, "aggregation");
    ret->h = histogram_sum_value(ev->arena, &n->sum);
    if (e->aggregate.op == AGG_AVG && !n->incremental)
        ret->h = histogram_div(ev->arena, ret->h, n->count);
    return true;
}

static double result(enum promql_aggregate op, const struct gathered *x)
{
    switch (op) {
    case AGG_SUM: return isinf(x->k.sum) ? x->k.sum : kahan_value(&x->k);
    case AGG_AVG:
        return x->incremental ? kahan_value(&x->k) : x->k.sum / x->count + x->k.c / x->count;
    case AGG_MIN:
    case AGG_MAX: return x->extra;
    case AGG_COUNT: return x->count;
    case AGG_STDVAR: return x->extra / x->count;
    case AGG_STDDEV: return sqrt(x->extra / x->count);
    default: return 1; /* group */
    }
}

static void gather_point(struct evaluator *ev, const struct promql_expr *e, struct gathered *x,
                         const struct row *row, uint32_t i)
{
    enum promql_aggregate op = e->aggregate.op;
    if (row->has[i] == POINT_FLOAT || op == AGG_COUNT || op == AGG_GROUP)
        gather(op, x, row->v[i]);
    else if (op == AGG_SUM || op == AGG_AVG) {
        bool fitted = !x->native || !x->native->sum.incompatible;
        gather_native(ev, op == AGG_AVG, x, row->h[i]);
        if (fitted && x->native->sum.incompatible)
            x->native->misfit = labels_get(row->labels, LABEL_NAME);
    } else
        eval_info(ev, e->aggregate.expr, "ignored histogram in %s aggregation",
                  promql_aggregate_name(op));
}

struct group {
    struct labels labels;
    struct labels first; /* of its rows, the first by labels */
    bool drop_name;      /* of what the group makes */
    struct gathered *steps;
};

struct folding {
    struct evaluator *ev;
    const struct promql_expr *e;
    struct grid g;
    struct arena *arena; /* what is gathered outlives the rows */
    struct map index;
    struct group *list;
    uint32_t n, cap;
};

bool eval_folds(enum promql_aggregate op) { return op <= AGG_STDVAR; }

struct looking {
    const struct folding *f;
    struct labels labels;
};

static bool is_group(const void *ctx, uint32_t at)
{
    const struct looking *x = ctx;
    return labels_equal(x->f->list[at].labels, x->labels);
}

static struct labels keep_labels(struct arena *a, struct labels l)
{
    struct label *list = arena_array(a, struct label, l.n + 1);
    for (uint32_t i = 0; i < l.n; i++) list[i] = l.list[i];
    return (struct labels){list, l.n};
}

static struct group *add_group(struct folding *f, struct labels l)
{
    if (f->n == f->cap) {
        uint32_t cap = f->cap * 2 + 16;
        struct group *list = arena_array(f->arena, struct group, cap);
        if (f->n) memcpy(list, f->list, f->n * sizeof *list);
        f->list = list;
        f->cap = cap;
    }
    struct group *x = &f->list[f->n++];
    *x = (struct group){.labels = keep_labels(f->arena, l),
                        .steps = arena_array(f->arena, struct gathered, f->g.n)};
    memset(x->steps, 0, f->g.n * sizeof *x->steps);
    return x;
}

static status group_of(struct folding *f, const struct row *row, struct group **ret)
{
    struct looking x = {f, eval_group_labels(f->ev, f->e, row->labels)};
    uint64_t h = labels_hash(x.labels);
    uint32_t at;
    bool found = map_find(&f->index, h, is_group, &x, &at);
    if (!found) map_add(&f->index, h, f->n);
    struct group *of = *ret = found ? &f->list[at] : add_group(f, x.labels);
    if (!found || labels_compare(row->labels, of->first) < 0)
        of->first = keep_labels(f->arena, row->labels);
    of->drop_name |= row->drop_name;
    return found ? ST_OK : eval_samples(f->ev, f->g.n);
}

static status fold_rows(void *ctx, const struct value *in)
{
    struct folding *f = ctx;
    struct evaluator *ev = f->ev;
    struct arena *room = ev->arena;
    uint32_t first = f->g.n > 1 ? (uint32_t)((in->grid.start - f->g.start) / f->g.step) : 0;
    for (uint32_t r = 0; r < in->n_rows; r++) {
        const struct row *row = &in->rows[r];
        struct group *of;
        TRY(group_of(f, row, &of));
        ev->arena = f->arena; /* what histograms add up to */
        for (uint32_t i = 0; i < in->grid.n; i++)
            if (row->has[i]) gather_point(ev, f->e, &of->steps[first + i], row, i);
        status s = eval_check(ev);
        ev->arena = room;
        TRY(s);
    }
    return ST_OK;
}

static int by_first(const void *a, const void *b)
{
    return labels_compare(((const struct group *)a)->first, ((const struct group *)b)->first);
}

status eval_fold(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    struct folding f = {.ev = ev, .e = e, .g = g, .arena = ev->arena};
    struct rows rows = {};
    map_init(&f.index, ev->arena, 16);
    TRY(eval_rows_each(ev, e, g, &(struct row_sink){fold_rows, &f}));
    if (ev->source->scan && f.n) /* rows may have come in another order than that of labels */
        qsort(f.list, f.n, sizeof *f.list, by_first);
    for (uint32_t k = 0; k < f.n; k++) {
        struct row *row = rows_add(ev, &rows, f.list[k].labels, g.n);
        row->drop_name = f.list[k].drop_name;
        for (uint32_t i = 0; i < g.n; i++) {
            const struct gathered *of = &f.list[k].steps[i];
            struct cell c = {0};
            if (of->native ? !native_result(ev, e, of, &c) : of->count == 0) continue;
            if (!c.h) c.v = result(e->aggregate.op, of);
            row_put_cell(ev, row, i, g.n, c);
        }
    }
    *ret = rows_value(rows, g);
    return ST_OK;
}
