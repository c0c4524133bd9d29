/* Binary operators: scalars with scalars and vectors here, vectors with vectors in promql_match.c.
 */
#include "query/eval/promql_eval.h"

bool promql_op_drops_name(enum promql_op op) { return op <= OP_ATAN2; }

bool promql_apply(enum promql_op op, double l, double r, double *ret)
{
    *ret = l;
    switch (op) {
    case OP_ADD: *ret = l + r; return true;
    case OP_SUB: *ret = l - r; return true;
    case OP_MUL: *ret = l * r; return true;
    case OP_DIV: *ret = l / r; return true;
    case OP_MOD: *ret = fmod(l, r); return true;
    case OP_POW: *ret = pow(l, r); return true;
    case OP_ATAN2: *ret = atan2(l, r); return true;
    case OP_EQ: return l == r;
    case OP_NE: return l != r;
    case OP_GT: return l > r;
    case OP_LT: return l < r;
    case OP_GE: return l >= r;
    case OP_LE: return l <= r;
    default: return false;
    }
}

static bool incompatible(struct evaluator *ev, const struct promql_expr *e, struct cell l,
                         struct cell r)
{
    const char *op = promql_op_name(e->binary.op);
    eval_info(ev, e, "incompatible sample types encountered for binary operator \"%s\": %s %s %s",
              op, l.h ? "histogram" : "float", op, r.h ? "histogram" : "float");
    return false;
}

/* Two histograms to one. NULL: they do not fit (noted). */
static const struct histogram *join(struct evaluator *ev, const struct promql_expr *e,
                                    const struct histogram *l, const struct histogram *r)
{
    bool minus = e->binary.op == OP_SUB;
    struct histogram_sum s = {0};
    histogram_sum_add(ev->arena, &s, l, 1);
    histogram_sum_add(ev->arena, &s, r, minus ? -1 : 1);
    if (s.incompatible) {
        eval_warn(ev, e, "incompatible bucket layout encountered for binary operator %s",
                  promql_op_name(e->binary.op));
        return NULL;
    }
    note_sum(ev, e, &s, minus ? "subtraction" : "addition");
    if (minus) s.hint = HINT_GAUGE;
    return histogram_sum_value(ev->arena, &s);
}

bool eval_apply(struct evaluator *ev, const struct promql_expr *e, struct cell l, struct cell r,
                struct cell *ret, bool *ret_has)
{
    enum promql_op op = e->binary.op;
    *ret = l;
    *ret_has = true;
    if (!l.h && !r.h) {
        if (op == OP_TRIM_LOWER || op == OP_TRIM_UPPER) return *ret_has = incompatible(ev, e, l, r);
        return promql_apply(op, l.v, r.v, &ret->v);
    }
    if (l.h && r.h) {
        if (op == OP_EQ || op == OP_NE) return histogram_equal(l.h, r.h) == (op == OP_EQ);
        if (op != OP_ADD && op != OP_SUB) return *ret_has = incompatible(ev, e, l, r);
        ret->h = join(ev, e, l.h, r.h);
        return *ret_has = ret->h != NULL;
    }
    if (op == OP_MUL)
        ret->h = l.h ? histogram_mul(ev->arena, l.h, r.v) : histogram_mul(ev->arena, r.h, l.v);
    else if (op == OP_DIV && l.h)
        ret->h = histogram_div(ev->arena, l.h, r.v);
    else if ((op == OP_TRIM_LOWER || op == OP_TRIM_UPPER) && l.h)
        ret->h = histogram_cut(ev->arena, l.h, r.v, op == OP_TRIM_UPPER);
    else
        return *ret_has = incompatible(ev, e, l, r);
    return true;
}

static status scalars(struct promql_expr *e, const struct value *l, const struct value *r,
                      struct value *ret)
{
    *ret = *l;
    for (uint32_t i = 0; i < l->grid.n; i++) {
        double v;
        bool holds = promql_apply(e->binary.op, l->scalar[i], r->scalar[i], &v);
        ret->scalar[i] = promql_op_compares(e->binary.op) ? holds : v;
    }
    return ST_OK;
}

static status vector_scalar(struct evaluator *ev, struct promql_expr *e, struct value *vec,
                            const double *scalar, bool swapped, struct value *ret)
{
    enum promql_op op = e->binary.op;
    bool compares = promql_op_compares(op), flag = e->binary.returns_bool;
    for (uint32_t k = 0; k < vec->n_rows; k++) {
        struct row *row = &vec->rows[k];
        for (uint32_t i = 0; i < vec->grid.n; i++) {
            if (!row->has[i]) continue;
            struct cell out, was = row_cell(row, i), by = {scalar[i], NULL};
            bool has, holds = eval_apply(ev, e, swapped ? by : was, swapped ? was : by, &out, &has);
            if (!has || (compares && !flag && !holds))
                row->has[i] = POINT_NONE;
            else if (flag)
                row_put(row, i, holds);
            else if (!compares)
                row_put_cell(ev, row, i, vec->grid.n, out);
        }
        if (flag || promql_op_drops_name(op)) row_drop_name(ev, row);
    }
    *ret = *vec;
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}

status eval_binary(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    enum promql_op op = e->binary.op;
    struct value l, r;
    TRY(eval_expr(ev, e->binary.lhs, g, &l));
    TRY(eval_expr(ev, e->binary.rhs, g, &r));
    if (l.kind == VALUE_SCALAR && r.kind == VALUE_SCALAR) return scalars(e, &l, &r, ret);
    if (r.kind == VALUE_SCALAR) return vector_scalar(ev, e, &l, r.scalar, false, ret);
    if (l.kind == VALUE_SCALAR) return vector_scalar(ev, e, &r, l.scalar, true, ret);
    if (promql_op_is_set(op)) return eval_set(ev, e, &l, &r, ret);
    return eval_match(ev, e, &l, &r, ret);
}
