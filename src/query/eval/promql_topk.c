/* Aggregations that pick rows of a group: topk, bottomk, limitk, limit_ratio. */
#include <stdlib.h>

#include "base/num.h"
#include "query/eval/promql_eval.h"

struct candidate {
    double v;
    uint32_t row;
};

/* limit_ratio: by a hash of the labels between 0 and 1, so that r and r - 1 are each other's rest.
 */
static bool in_ratio(double r, struct labels l)
{
    double at = (double)labels_hash(l) / 18446744073709551615.0;
    return r >= 0 ? at < r || r >= 1 : at >= 1 + r;
}

static status ratio_of(struct evaluator *ev, const struct promql_expr *e, double *io)
{
    if (isnan(*io)) return err_set(ev->err, ST_EXECUTION, ERR_NOPOS, "Ratio value is NaN");
    double capped = *io > 1 ? 1 : *io < -1 ? -1 : *io;
    if (capped == *io) return ST_OK;
    char was[NUM_MAX], now[NUM_MAX];
    eval_warn(
        ev, e->aggregate.param, "ratio value should be between -1 and 1, got %.*s, capping to %.*s",
        (int)num_format_prometheus(*io, was), was, (int)num_format_prometheus(capped, now), now);
    *io = capped;
    return ST_OK;
}

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
    bool bottom = op == AGG_BOTTOMK, by_value = bottom || op == AGG_TOPK;
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
        uint32_t keep = in->n_rows;
        double ratio = param[i];
        if (op == AGG_LIMIT_RATIO)
            TRY(ratio_of(ev, e, &ratio));
        else
            TRY(count_of(ev, param[i], in->n_rows, &keep));
        for (uint32_t k = 0; keep && k < groups->n; k++) {
            uint32_t found = 0;
            for (uint32_t m = begin[k]; m < begin[k + 1]; m++) {
                const struct row *row = &in->rows[member[m]];
                if (!row->has[i]) continue;
                if (by_value && row->has[i] == POINT_HISTOGRAM)
                    eval_info(ev, e->aggregate.expr, "ignored histogram in %s aggregation",
                              promql_aggregate_name(op));
                else if (op != AGG_LIMIT_RATIO || in_ratio(ratio, row->labels))
                    list[found++] = (struct candidate){row->v[i], member[m]};
            }
            if (by_value && found) qsort_r(list, found, sizeof *list, best_first, &bottom);
            for (uint32_t m = 0; m < found && m < keep; m++) {
                const struct row *from = &in->rows[list[m].row];
                if (!out[list[m].row]) {
                    rows_add(ev, &rows, from->labels, steps)->drop_name = from->drop_name;
                    out[list[m].row] = rows.n;
                }
                row_put_cell(ev, &rows.list[out[list[m].row] - 1], i, steps, row_cell(from, i));
            }
        }
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, in->grid);
    return ST_OK;
}
