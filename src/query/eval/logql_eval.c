/* Metric queries, all times of the grid at once: every operator works on whole series. */
#include "query/eval/logql_eval.h"

#include <stdlib.h>

#include "base/regex.h"
#include "query/eval/logql_windows.h"

/* sum by (a) (count_over_time(...)): the sums can be made of lines that are grouped by `a` alone.
 * Other aggregations must see whole series. */
static struct logql_needs needs_of(const struct logql_expr *aggregation)
{
    if (!aggregation || aggregation->vector_op != LOGQL_SUM || aggregation->by.without)
        return (struct logql_needs){.all = true};
    return (struct logql_needs){.names = aggregation->by.labels, .n = aggregation->by.n};
}

static status eval_range(struct logql_eval *e, const struct logql_expr *x, struct logql_needs needs,
                         struct logql_matrix *ret, struct err *err)
{
    struct logql_windows w;
    if (x->range_op == LOGQL_ABSENT_OVER_TIME) needs = (struct logql_needs){0};
    logql_windows_init(&w, e, &needs);
    struct logql_grid moved = e->grid;
    if (__builtin_sub_overflow(moved.start, x->offset, &moved.start))
        return err_set(err, ST_INVALID, ERR_NOPOS, "the offset leads out of the range of times");
    TRY(e->source->load(e->source, x, &moved, &needs, &w, err));
    if (x->range_op == LOGQL_ABSENT_OVER_TIME)
        logql_windows_absent(&w, &x->log.matchers, ret);
    else
        logql_windows_values(&w, x->range_op, x->range, ret);
    return ST_OK;
}

static void eval_constant(struct logql_eval *e, const struct logql_expr *x,
                          struct logql_matrix *ret)
{
    struct logql_series *s = arena_new(e->arena, struct logql_series);
    s->values = arena_array(e->arena, double, e->grid.n);
    s->present = arena_array(e->arena, bool, e->grid.n);
    for (uint32_t i = 0; i < e->grid.n; i++) {
        s->values[i] = x->number;
        s->present[i] = true;
    }
    *ret = (struct logql_matrix){.v = s, .n = 1};
}

static status eval_label_replace(struct logql_eval *e, const struct logql_expr *x,
                                 struct logql_matrix *m, struct err *err)
{
    struct regex *r;
    struct buf b;
    TRY(regex_new(e->arena, x->regex, REGEX_WHOLE, &r, err));
    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < m->n; i++) {
        struct loki_labels l = loki_labels_copy(e->arena, &m->v[i].labels);
        buf_clear(&b);
        if (!regex_expand(r, loki_labels_get(&l, x->src), x->replacement, &b)) continue;
        if (b.len)
            loki_labels_set(e->arena, &l, x->dst, arena_str(e->arena, buf_str(&b)));
        else
            loki_labels_remove(&l, x->dst);
        loki_labels_sort(&l);
        m->v[i].labels = l;
    }
    buf_done(&b);
    return ST_OK;
}

static status eval_expr(struct logql_eval *e, const struct logql_expr *x,
                        const struct logql_expr *parent, struct logql_matrix *ret, struct err *err)
{
    struct logql_matrix left, right;
    switch (x->kind) {
    case LOGQL_LOG: break;
    case LOGQL_RANGE: return eval_range(e, x, needs_of(parent), ret, err);
    case LOGQL_CONSTANT: eval_constant(e, x, ret); return ST_OK;
    case LOGQL_LITERAL:
        *ret = (struct logql_matrix){.scalar = true, .number = x->number};
        return ST_OK;
    case LOGQL_LABEL_REPLACE:
        TRY(eval_expr(e, x->left, NULL, ret, err));
        return eval_label_replace(e, x, ret, err);
    case LOGQL_VECTOR:
        TRY(eval_expr(e, x->left, x, &left, err));
        return logql_aggregate(e, x, &left, ret, err);
    case LOGQL_BINARY:
        TRY(eval_expr(e, x->left, NULL, &left, err));
        TRY(eval_expr(e, x->right, NULL, &right, err));
        return logql_binary(e, x, &left, &right, ret, err);
    }
    return err_set(err, ST_INVALID, ERR_NOPOS, "a log query where a metric is needed");
}

static int by_labels(const void *x, const void *y)
{
    return loki_labels_compare(&((const struct logql_series *)x)->labels,
                               &((const struct logql_series *)y)->labels);
}

static bool keeps_order(const struct logql_expr *x)
{
    if (x->kind != LOGQL_VECTOR) return false;
    return x->vector_op == LOGQL_SORT || x->vector_op == LOGQL_SORT_DESC ||
           x->vector_op == LOGQL_TOPK || x->vector_op == LOGQL_BOTTOMK;
}

status logql_eval(struct logql_eval *e, const struct logql_expr *x, struct logql_matrix *ret,
                  struct err *err)
{
    struct logql_matrix m;
    TRY(eval_expr(e, x, NULL, &m, err));
    uint32_t n = 0; /* series without any value are not there */
    for (uint32_t i = 0; i < m.n; i++) {
        bool any = false;
        for (uint32_t k = 0; k < e->grid.n && !any; k++) any = m.v[i].present[k];
        if (any) m.v[n++] = m.v[i];
    }
    m.n = n;
    if (m.n > 1 && !(e->grid.n == 1 && keeps_order(x))) qsort(m.v, m.n, sizeof *m.v, by_labels);
    *ret = m;
    return ST_OK;
}
