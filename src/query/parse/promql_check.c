/* Types, as Prometheus' checkAST finds them and in its order; and which parts are the same at every
 * step. */
#include <ctype.h>
#include <stdio.h>

#include "query/parse/promql_parser.h"

struct checker {
    str query;
    struct arena *arena;
    struct err *err;
};

static status check(struct checker *c, struct promql_expr *e);

static status want(struct checker *c, struct promql_expr *e, enum promql_type type,
                   const char *context)
{
    TRY(check(c, e));
    enum promql_type got = promql_type_of(e);
    if (got == type) return ST_OK;
    return err_set(c->err, ST_INVALID, e->start, "expected type %s in %s, got %s",
                   promql_type_text(type), context, promql_type_text(got));
}

static status check_aggregate(struct checker *c, struct promql_expr *e)
{
    TRY(want(c, e->aggregate.expr, PROMQL_VECTOR, "aggregation expression"));
    if (!e->aggregate.param) return ST_OK;
    return want(c, e->aggregate.param,
                e->aggregate.op == AGG_COUNT_VALUES ? PROMQL_STRING : PROMQL_SCALAR,
                "aggregation parameter");
}

static status check_call(struct checker *c, struct promql_expr *e)
{
    const struct promql_function *f = e->call.fn;
    int n_types = (int)strlen(f->args), n = (int)e->call.n_args;
    if (f->variadic == 0 && n != n_types)
        return err_set(c->err, ST_INVALID, e->start,
                       "expected %d argument(s) in call to \"%s\", got %d", n_types, f->name, n);
    if (f->variadic != 0 && n < n_types - 1)
        return err_set(c->err, ST_INVALID, e->start,
                       "expected at least %d argument(s) in call to \"%s\", got %d", n_types - 1,
                       f->name, n);
    if (f->variadic > 0 && n > n_types - 1 + f->variadic)
        return err_set(c->err, ST_INVALID, e->start,
                       "expected at most %d argument(s) in call to \"%s\", got %d",
                       n_types - 1 + f->variadic, f->name, n);
    char context[80];
    snprintf(context, sizeof context, "call to function \"%s\"", f->name);
    if (strcmp(f->name, "info") == 0 && n > 1) {
        struct promql_expr *s = e->call.args[1];
        if (promql_type_of(s) != PROMQL_VECTOR) return want(c, s, PROMQL_VECTOR, context);
        if (s->kind != PROMQL_SELECTOR)
            return err_set(c->err, ST_INVALID, s->start, "expected label selectors only");
        if (s->selector.name.len)
            return err_set(c->err, ST_INVALID, s->start,
                           "expected label selectors only, got vector selector instead");
        s->selector.label_selectors_only = true;
    }
    for (int i = 0; i < n; i++) {
        char letter = f->args[i < n_types ? i : n_types - 1];
        enum promql_type type = letter == 's'   ? PROMQL_SCALAR
                                : letter == 'v' ? PROMQL_VECTOR
                                : letter == 'm' ? PROMQL_MATRIX
                                                : PROMQL_STRING;
        TRY(want(c, e->call.args[i], type, context));
    }
    return ST_OK;
}

static status check_binary(struct checker *c, struct promql_expr *e)
{
    struct promql_expr *l = e->binary.lhs, *r = e->binary.rhs;
    struct promql_matching *m = &e->binary.matching;
    const char *name = promql_op_name(e->binary.op);
    TRY(check(c, l));
    TRY(check(c, r));
    enum promql_type lt = promql_type_of(l), rt = promql_type_of(r);
    uint32_t op_at = l->end;
    while (op_at < c->query.len && isspace((unsigned char)c->query.ptr[op_at])) op_at++;

    if (e->binary.returns_bool && !promql_op_compares(e->binary.op))
        return err_set(c->err, ST_INVALID, op_at,
                       "bool modifier can only be used on comparison operators");
    if (promql_op_compares(e->binary.op) && !e->binary.returns_bool && lt == PROMQL_SCALAR &&
        rt == PROMQL_SCALAR)
        return err_set(c->err, ST_INVALID, op_at,
                       "comparisons between scalars must use BOOL modifier");
    if (promql_op_is_set(e->binary.op) && m->card == CARD_ONE_TO_ONE) m->card = CARD_MANY_TO_MANY;
    for (uint32_t i = 0; m->on && i < m->n_labels; i++)
        for (uint32_t k = 0; k < m->n_include; k++)
            if (str_eq(m->labels[i], m->include[k]))
                return err_set(c->err, ST_INVALID, op_at,
                               "label \"" STR_FMT
                               "\" must not occur in ON and GROUP clause at once",
                               STR_ARG(m->labels[i]));
    if (lt != PROMQL_SCALAR && lt != PROMQL_VECTOR)
        return err_set(c->err, ST_INVALID, l->start,
                       "binary expression must contain only scalar and instant vector types");
    if (rt != PROMQL_SCALAR && rt != PROMQL_VECTOR)
        return err_set(c->err, ST_INVALID, r->start,
                       "binary expression must contain only scalar and instant vector types");
    if (lt != PROMQL_VECTOR || rt != PROMQL_VECTOR) {
        if (m->n_labels)
            return err_set(c->err, ST_INVALID, e->start,
                           "vector matching only allowed between instant vectors");
        if (m->has_fill_left || m->has_fill_right)
            return err_set(c->err, ST_INVALID, op_at,
                           "filling in missing series only allowed between instant vectors");
    } else if (promql_op_is_set(e->binary.op)) {
        if (m->card != CARD_MANY_TO_MANY)
            return err_set(c->err, ST_INVALID, e->start, "no grouping allowed for \"%s\" operation",
                           name);
        if (m->has_fill_left || m->has_fill_right)
            return err_set(c->err, ST_INVALID, op_at,
                           "filling in missing series not allowed for set operators");
    }
    if ((lt == PROMQL_SCALAR || rt == PROMQL_SCALAR) && promql_op_is_set(e->binary.op))
        return err_set(c->err, ST_INVALID, e->start,
                       "set operator \"%s\" not allowed in binary scalar expression", name);
    return ST_OK;
}

static status check_selector(struct checker *c, struct promql_expr *e)
{
    str name = e->selector.name;
    const struct label_matcher *m = e->selector.matchers;
    bool non_empty = e->selector.label_selectors_only;
    for (uint32_t i = 0; i < e->selector.n_matchers; i++) {
        if (name.len && i + 1 < e->selector.n_matchers && str_eq(m[i].name, LABEL_NAME))
            return err_set(c->err, ST_INVALID, e->start,
                           "metric name must not be set twice: \"" STR_FMT "\" or \"" STR_FMT "\"",
                           STR_ARG(name), STR_ARG(m[i].value));
        if (!matcher_accepts(&m[i], S(""))) non_empty = true;
    }
    if (!non_empty)
        return err_set(c->err, ST_INVALID, e->start,
                       "vector selector must contain at least one non-empty matcher");
    return ST_OK;
}

static status check(struct checker *c, struct promql_expr *e)
{
    switch (e->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT: return ST_OK;
    case PROMQL_SELECTOR: return check_selector(c, e);
    case PROMQL_RANGE: return check(c, e->range.selector);
    case PROMQL_CALL: return check_call(c, e);
    case PROMQL_AGGREGATE: return check_aggregate(c, e);
    case PROMQL_BINARY: return check_binary(c, e);
    case PROMQL_PAREN: return check(c, e->paren);
    case PROMQL_SUBQUERY:
        TRY(check(c, e->subquery.expr));
        if (promql_type_of(e->subquery.expr) != PROMQL_VECTOR) {
            enum promql_type t = promql_type_of(e->subquery.expr);
            return err_set(c->err, ST_INVALID, e->start,
                           "subquery is only allowed on instant vector, got %s instead",
                           t == PROMQL_MATRIX ? "matrix" : promql_type_text(t));
        }
        return ST_OK;
    case PROMQL_UNARY:
        TRY(check(c, e->unary.expr));
        if (promql_type_of(e->unary.expr) == PROMQL_SCALAR ||
            promql_type_of(e->unary.expr) == PROMQL_VECTOR)
            return ST_OK;
        return err_set(c->err, ST_INVALID, e->start,
                       "unary expression only allowed on expressions of type scalar or instant "
                       "vector, got \"%s\"",
                       promql_type_text(promql_type_of(e->unary.expr)));
    }
    return ST_OK;
}

/* Functions whose answer depends on the step even when their arguments do not. */
static bool moves_with_time(const struct promql_function *f)
{
    static const char *const names[] = {
        "days_in_month", "day_of_month", "day_of_week",    "day_of_year", "hour",     "minute",
        "month",         "year",         "predict_linear", "time",        "timestamp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(f->name, names[i]) == 0) return true;
    return false;
}

static bool mark(struct promql_expr *e)
{
    bool all = true;
    switch (e->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT: break;
    case PROMQL_SELECTOR: all = e->selector.shift.at != AT_NONE; break;
    case PROMQL_RANGE: all = mark(e->range.selector); break;
    case PROMQL_SUBQUERY: /* what is inside runs on its own steps, shared by all of ours when @
                             fixes them */
        mark(e->subquery.expr);
        all = e->subquery.shift.at != AT_NONE;
        break;
    case PROMQL_CALL:
        for (uint32_t i = 0; i < e->call.n_args; i++) all &= mark(e->call.args[i]);
        all = all && !moves_with_time(e->call.fn);
        break;
    case PROMQL_AGGREGATE:
        all = mark(e->aggregate.expr);
        if (e->aggregate.param) all &= mark(e->aggregate.param);
        break;
    case PROMQL_BINARY:
        all = mark(e->binary.lhs);
        all &= mark(e->binary.rhs);
        break;
    case PROMQL_UNARY: all = mark(e->unary.expr); break;
    case PROMQL_PAREN: all = mark(e->paren); break;
    }
    return e->invariant = all;
}

status promql_check(str query, struct arena *a, struct promql_expr *e, struct err *err)
{
    struct checker c = {query, a, err};
    TRY(check(&c, e));
    mark(e);
    return ST_OK;
}
