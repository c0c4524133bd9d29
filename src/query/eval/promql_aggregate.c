/* Aggregations that make one value of a group: sum, avg, ...; the others are in promql_topk.c. */
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"
#include "query/eval/promql_eval.h"

static struct labels group_labels(struct evaluator *ev, const struct promql_expr *e,
                                  struct labels l)
{
    if (!e->aggregate.without)
        return labels_keep(ev->arena, l, e->aggregate.labels, e->aggregate.n_labels);
    l = labels_set(ev->arena, l, LABEL_NAME, (str){0});
    return labels_drop(ev->arena, l, e->aggregate.labels, e->aggregate.n_labels);
}

static void group_rows(struct evaluator *ev, const struct promql_expr *e, const struct value *in,
                       struct grouping *g)
{
    struct rows heads = {};
    struct map index;
    map_init(&index, ev->arena, 16);
    g->of = arena_array(ev->arena, uint32_t, in->n_rows + 1);
    for (uint32_t i = 0; i < in->n_rows; i++) {
        struct row *h = rows_with(ev, &heads, &index, group_labels(ev, e, in->rows[i].labels), 1);
        h->drop_name |= in->rows[i].drop_name;
        g->of[i] = (uint32_t)(h - heads.list);
    }
    g->n = heads.n;
    g->labels = arena_array(ev->arena, struct labels, heads.n + 1);
    g->drop_name = arena_array(ev->arena, bool, heads.n + 1);
    for (uint32_t i = 0; i < heads.n; i++) g->drop_name[i] = heads.list[i].drop_name;
    for (uint32_t i = 0; i < heads.n; i++) g->labels[i] = heads.list[i].labels;
}

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

static status fold(struct evaluator *ev, const struct promql_expr *e, const struct value *in,
                   const struct grouping *groups, struct value *ret)
{
    enum promql_aggregate op = e->aggregate.op;
    uint32_t steps = in->grid.n;
    uint64_t cells = (uint64_t)groups->n * steps;
    TRY(eval_samples(ev, cells));
    struct gathered *x = arena_array(ev->arena, struct gathered, cells + 1);
    memset(x, 0, cells * sizeof *x);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        struct gathered *of = x + (uint64_t)groups->of[r] * steps;
        const struct row *row = &in->rows[r];
        for (uint32_t i = 0; i < steps; i++)
            if (row->has[i]) gather_point(ev, e, &of[i], row, i);
        TRY(eval_check(ev));
    }
    struct rows rows = {};
    for (uint32_t k = 0; k < groups->n; k++) {
        struct row *row = rows_add(ev, &rows, groups->labels[k], steps);
        row->drop_name = groups->drop_name[k];
        for (uint32_t i = 0; i < steps; i++) {
            const struct gathered *of = &x[k * (uint64_t)steps + i];
            struct cell c = {0};
            if (of->native ? !native_result(ev, e, of, &c) : of->count == 0) continue;
            if (!c.h) c.v = result(op, of);
            row_put_cell(ev, row, i, steps, c);
        }
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}

static status quantiles(struct evaluator *ev, const struct promql_expr *e, const struct value *in,
                        const struct grouping *groups, const double *q, struct value *ret)
{
    for (uint32_t i = 0; i < in->grid.n; i++)
        if (!(q[i] >= 0 && q[i] <= 1)) eval_warn_quantile(ev, e->aggregate.param, q[i]);
    double *v = arena_array(ev->arena, double, in->n_rows + 1);
    struct rows rows = {};
    for (uint32_t k = 0; k < groups->n; k++) {
        struct row *row = rows_add(ev, &rows, groups->labels[k], in->grid.n);
        row->drop_name = groups->drop_name[k];
        for (uint32_t i = 0; i < in->grid.n; i++) {
            uint32_t n = 0;
            for (uint32_t r = 0; r < in->n_rows; r++) {
                if (groups->of[r] != k || !in->rows[r].has[i]) continue;
                if (in->rows[r].has[i] == POINT_FLOAT)
                    v[n++] = in->rows[r].v[i];
                else
                    eval_info(ev, e->aggregate.expr, "ignored histogram in quantile aggregation");
            }
            if (n) row_put(row, i, promql_quantile(q[i], v, n));
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}

static str value_text(struct evaluator *ev, struct cell c)
{
    char text[NUM_MAX];
    if (!c.h) return arena_str(ev->arena, (str){text, num_format_f(c.v, text)});
    struct buf b;
    buf_init(&b, 1 << 20);
    histogram_print(&b, c.h);
    str value = arena_str(ev->arena, buf_str(&b));
    buf_done(&b);
    return value;
}

static status count_values(struct evaluator *ev, const struct value *in,
                           const struct grouping *groups, str label, struct value *ret)
{
    if (!label.len || !utf8_valid(label)) {
        struct buf quoted;
        buf_init(&quoted, 512);
        quote_go(&quoted, label);
        status s = err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "invalid label name " STR_FMT,
                           STR_ARG(buf_str(&quoted)));
        buf_done(&quoted);
        return s;
    }
    struct rows rows = {};
    struct map index;
    map_init(&index, ev->arena, 64);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        struct labels of = groups->labels[groups->of[r]];
        for (uint32_t i = 0; i < in->grid.n; i++) {
            if (!in->rows[r].has[i]) continue;
            str value = value_text(ev, row_cell(&in->rows[r], i));
            struct row *row =
                rows_with(ev, &rows, &index, labels_set(ev->arena, of, label, value), in->grid.n);
            row_put(row, i, row->has[i] ? row->v[i] + 1 : 1);
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}

status eval_aggregate(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    struct value in, param = {};
    if (e->aggregate.param) TRY(eval_expr(ev, e->aggregate.param, g, &param));
    TRY(eval_expr(ev, e->aggregate.expr, g, &in));
    struct grouping groups;
    group_rows(ev, e, &in, &groups);
    switch (e->aggregate.op) {
    case AGG_TOPK:
    case AGG_BOTTOMK:
    case AGG_LIMITK:
    case AGG_LIMIT_RATIO: return eval_pick(ev, e, &in, &groups, param.scalar, ret);
    case AGG_QUANTILE: return quantiles(ev, e, &in, &groups, param.scalar, ret);
    case AGG_COUNT_VALUES: return count_values(ev, &in, &groups, param.text, ret);
    default: return fold(ev, e, &in, &groups, ret);
    }
}
