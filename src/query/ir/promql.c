#include "query/ir/promql.h"

const char *promql_op_name(enum promql_op op)
{
    static const char *const names[] = {
        [OP_ADD] = "+", [OP_SUB] = "-",         [OP_MUL] = "*",         [OP_DIV] = "/",
        [OP_MOD] = "%", [OP_POW] = "^",         [OP_ATAN2] = "atan2",   [OP_EQ] = "==",
        [OP_NE] = "!=", [OP_GT] = ">",          [OP_LT] = "<",          [OP_GE] = ">=",
        [OP_LE] = "<=", [OP_TRIM_UPPER] = "</", [OP_TRIM_LOWER] = ">/", [OP_AND] = "and",
        [OP_OR] = "or", [OP_UNLESS] = "unless",
    };
    return names[op];
}

const char *promql_aggregate_name(enum promql_aggregate op)
{
    static const char *const names[] = {
        [AGG_SUM] = "sum",
        [AGG_AVG] = "avg",
        [AGG_COUNT] = "count",
        [AGG_MIN] = "min",
        [AGG_MAX] = "max",
        [AGG_GROUP] = "group",
        [AGG_STDDEV] = "stddev",
        [AGG_STDVAR] = "stdvar",
        [AGG_TOPK] = "topk",
        [AGG_BOTTOMK] = "bottomk",
        [AGG_COUNT_VALUES] = "count_values",
        [AGG_QUANTILE] = "quantile",
        [AGG_LIMITK] = "limitk",
        [AGG_LIMIT_RATIO] = "limit_ratio",
    };
    return names[op];
}

bool promql_op_compares(enum promql_op op) { return op >= OP_EQ && op <= OP_LE; }
bool promql_op_is_set(enum promql_op op) { return op >= OP_AND; }

const char *promql_type_text(enum promql_type t)
{
    switch (t) {
    case PROMQL_SCALAR: return "scalar";
    case PROMQL_VECTOR: return "instant vector";
    case PROMQL_MATRIX: return "range vector";
    case PROMQL_STRING: return "string";
    case PROMQL_NONE: break;
    }
    return "none";
}

enum promql_type promql_type_of(const struct promql_expr *e)
{
    switch (e->kind) {
    case PROMQL_NUMBER: return PROMQL_SCALAR;
    case PROMQL_TEXT: return PROMQL_STRING;
    case PROMQL_SELECTOR:
    case PROMQL_AGGREGATE: return PROMQL_VECTOR;
    case PROMQL_RANGE:
    case PROMQL_SUBQUERY: return PROMQL_MATRIX;
    case PROMQL_CALL: return e->call.fn->returns;
    case PROMQL_UNARY: return promql_type_of(e->unary.expr);
    case PROMQL_PAREN: return promql_type_of(e->paren);
    case PROMQL_BINARY:
        return promql_type_of(e->binary.lhs) == PROMQL_SCALAR &&
                       promql_type_of(e->binary.rhs) == PROMQL_SCALAR
                   ? PROMQL_SCALAR
                   : PROMQL_VECTOR;
    }
    return PROMQL_NONE;
}

struct promql_expr *promql_bare(struct promql_expr *e)
{
    while (e->kind == PROMQL_PAREN) e = e->paren;
    return e;
}

void promql_walk(struct promql_expr *e, void (*visit)(void *ctx, struct promql_expr *e), void *ctx)
{
    visit(ctx, e);
    switch (e->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT:
    case PROMQL_SELECTOR: break;
    case PROMQL_RANGE: promql_walk(e->range.selector, visit, ctx); break;
    case PROMQL_SUBQUERY: promql_walk(e->subquery.expr, visit, ctx); break;
    case PROMQL_CALL:
        for (uint32_t i = 0; i < e->call.n_args; i++) promql_walk(e->call.args[i], visit, ctx);
        break;
    case PROMQL_AGGREGATE:
        if (e->aggregate.param) promql_walk(e->aggregate.param, visit, ctx);
        promql_walk(e->aggregate.expr, visit, ctx);
        break;
    case PROMQL_BINARY:
        promql_walk(e->binary.lhs, visit, ctx);
        promql_walk(e->binary.rhs, visit, ctx);
        break;
    case PROMQL_UNARY: promql_walk(e->unary.expr, visit, ctx); break;
    case PROMQL_PAREN: promql_walk(e->paren, visit, ctx); break;
    }
}

void promql_place(struct buf *out, str query, uint32_t pos)
{
    if (pos > query.len) pos = (uint32_t)query.len;
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < pos; i++)
        if (query.ptr[i] == '\n') {
            line++;
            begin = i + 1;
        }
    buf_printf(out, "%zu:%zu", line, pos - begin + 1);
}
