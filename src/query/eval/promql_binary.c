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
            double v, was = row->v[i];
            bool holds = promql_apply(op, swapped ? scalar[i] : was, swapped ? was : scalar[i], &v);
            if (flag)
                row->v[i] = holds;
            else if (!compares)
                row->v[i] = v;
            else if (!holds)
                row->has[i] = POINT_NONE;
        }
        if (flag || promql_op_drops_name(op)) row_drop_name(ev, row);
    }
    *ret = *vec;
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}

status eval_binary(struct evaluator *ev, struct promql_expr *e, struct grid g, struct value *ret)
{
    enum promql_op op = e->binary.op;
    if (op == OP_TRIM_LOWER || op == OP_TRIM_UPPER)
        return eval_unsupported(ev, e, "trimming a histogram");
    struct value l, r;
    TRY(eval_expr(ev, e->binary.lhs, g, &l));
    TRY(eval_expr(ev, e->binary.rhs, g, &r));
    if (l.kind == VALUE_SCALAR && r.kind == VALUE_SCALAR) return scalars(e, &l, &r, ret);
    if (r.kind == VALUE_SCALAR) return vector_scalar(ev, e, &l, r.scalar, false, ret);
    if (l.kind == VALUE_SCALAR) return vector_scalar(ev, e, &r, l.scalar, true, ret);
    if (promql_op_is_set(op)) return eval_set(ev, e, &l, &r, ret);
    return eval_match(ev, e, &l, &r, ret);
}
