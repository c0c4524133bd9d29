/* Aggregations that make one value of a group: sum, avg, ...; the others are in promql_topk.c. */
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
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

static status fold(struct evaluator *ev, enum promql_aggregate op, const struct value *in,
                   const struct grouping *groups, struct value *ret)
{
    uint32_t steps = in->grid.n;
    uint64_t cells = (uint64_t)groups->n * steps;
    TRY(eval_samples(ev, cells));
    struct gathered *x = arena_array(ev->arena, struct gathered, cells + 1);
    memset(x, 0, cells * sizeof *x);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        struct gathered *of = x + (uint64_t)groups->of[r] * steps;
        const struct row *row = &in->rows[r];
        for (uint32_t i = 0; i < steps; i++)
            if (row->has[i]) gather(op, &of[i], row->v[i]);
        TRY(eval_check(ev));
    }
    struct rows rows = {};
    for (uint32_t k = 0; k < groups->n; k++) {
        struct row *row = rows_add(ev, &rows, groups->labels[k], steps);
        row->drop_name = groups->drop_name[k];
        for (uint32_t i = 0; i < steps; i++)
            if (x[k * (uint64_t)steps + i].count > 0)
                row_put(row, i, result(op, &x[k * (uint64_t)steps + i]));
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
            for (uint32_t r = 0; r < in->n_rows; r++)
                if (groups->of[r] == k && in->rows[r].has[i]) v[n++] = in->rows[r].v[i];
            if (n) row_put(row, i, promql_quantile(q[i], v, n));
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}

static status count_values(struct evaluator *ev, const struct value *in,
                           const struct grouping *groups, str label, struct value *ret)
{
    if (!label.len)
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "invalid label name \"" STR_FMT "\"",
                       STR_ARG(label));
    struct rows rows = {};
    struct map index;
    map_init(&index, ev->arena, 64);
    for (uint32_t r = 0; r < in->n_rows; r++) {
        struct labels of = groups->labels[groups->of[r]];
        for (uint32_t i = 0; i < in->grid.n; i++) {
            if (!in->rows[r].has[i]) continue;
            char text[NUM_MAX];
            str value = arena_str(ev->arena, (str){text, num_format_f(in->rows[r].v[i], text)});
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
    default: return fold(ev, e->aggregate.op, &in, &groups, ret);
    }
}
