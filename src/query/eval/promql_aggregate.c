/* Aggregations: those that look at a group as a whole. promql_fold.c has those that add up one row
 * after the other, promql_topk.c those that pick rows. */
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "base/utf8.h"
#include "query/eval/promql_eval.h"

struct labels eval_group_labels(struct evaluator *ev, const struct promql_expr *e, struct labels l)
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
        struct row *h =
            rows_with(ev, &heads, &index, eval_group_labels(ev, e, in->rows[i].labels), 1);
        h->drop_name |= in->rows[i].drop_name;
        g->of[i] = (uint32_t)(h - heads.list);
    }
    g->n = heads.n;
    g->labels = arena_array(ev->arena, struct labels, heads.n + 1);
    g->drop_name = arena_array(ev->arena, bool, heads.n + 1);
    for (uint32_t i = 0; i < heads.n; i++) g->drop_name[i] = heads.list[i].drop_name;
    for (uint32_t i = 0; i < heads.n; i++) g->labels[i] = heads.list[i].labels;
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
    struct grouping groups;
    if (eval_folds(e->aggregate.op)) return eval_fold(ev, e, g, ret);
    if (e->aggregate.param) TRY(eval_expr(ev, e->aggregate.param, g, &param));
    TRY(eval_expr(ev, e->aggregate.expr, g, &in));
    group_rows(ev, e, &in, &groups);
    if (e->aggregate.op == AGG_QUANTILE) return quantiles(ev, e, &in, &groups, param.scalar, ret);
    if (e->aggregate.op == AGG_COUNT_VALUES) return count_values(ev, &in, &groups, param.text, ret);
    return eval_pick(ev, e, &in, &groups, param.scalar, ret);
}
