/* Aggregations that pick rows of a group: topk, bottomk, limitk. */
#include <stdlib.h>

#include "query/eval/promql_eval.h"

struct candidate {
    double v;
    uint32_t row;
};

/* Best first; NaN is never good; equal values in the order they came. */
static int best_first(const void *pa, const void *pb, void *bottom)
{
    const struct candidate *a = pa, *b = pb;
    bool na = isnan(a->v), nb = isnan(b->v);
    int c = na || nb ? na - nb : (a->v < b->v) - (a->v > b->v);
    if (!na && !nb && *(bool *)bottom) c = -c;
    return c ? c : (a->row > b->row) - (a->row < b->row);
}

/* How many of a group to keep: the parameter, as Prometheus turns it into a number. */
static status count_of(struct evaluator *ev, double k, uint32_t rows, uint32_t *ret)
{
    if (isnan(k)) return err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "Parameter value is NaN");
    if (k >= 9.223372036854775807e18 || k <= -9.223372036854775808e18)
        return err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "Scalar value %g overflows int64", k);
    *ret = k < 1 ? 0 : k > rows ? rows : (uint32_t)k;
    return ST_OK;
}

status eval_pick(struct evaluator *ev, struct promql_expr *e, const struct value *in,
                 const struct grouping *groups, const double *param, struct value *ret)
{
    enum promql_aggregate op = e->aggregate.op;
    if (op == AGG_LIMIT_RATIO) return eval_unsupported(ev, e, "limit_ratio");
    bool bottom = op == AGG_BOTTOMK;
    uint32_t steps = in->grid.n, *begin = arena_array(ev->arena, uint32_t, groups->n + 2);
    uint32_t *member = arena_array(ev->arena, uint32_t, in->n_rows + 1), n = 0;
    for (uint32_t k = 0; k < groups->n; k++) {
        begin[k] = n;
        for (uint32_t r = 0; r < in->n_rows; r++)
            if (groups->of[r] == k) member[n++] = r;
    }
    begin[groups->n] = n;

    struct rows rows = {};
    struct candidate *list = arena_array(ev->arena, struct candidate, in->n_rows + 1);
    uint32_t *out = arena_array(ev->arena, uint32_t, in->n_rows + 1); /* row + 1 of the answer */
    memset(out, 0, (in->n_rows + 1) * sizeof *out);
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t keep = 0;
        TRY(count_of(ev, param[i], in->n_rows, &keep));
        for (uint32_t k = 0; keep && k < groups->n; k++) {
            uint32_t found = 0;
            for (uint32_t m = begin[k]; m < begin[k + 1]; m++)
                if (in->rows[member[m]].has[i])
                    list[found++] = (struct candidate){in->rows[member[m]].v[i], member[m]};
            if (op != AGG_LIMITK && found) qsort_r(list, found, sizeof *list, best_first, &bottom);
            for (uint32_t m = 0; m < found && m < keep; m++) {
                const struct row *from = &in->rows[list[m].row];
                if (!out[list[m].row]) {
                    rows_add(ev, &rows, from->labels, steps)->drop_name = from->drop_name;
                    out[list[m].row] = rows.n;
                }
                row_put(&rows.list[out[list[m].row] - 1], i, list[m].v);
            }
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}
