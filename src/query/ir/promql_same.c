/* Whether two expressions mean the same, wherever they are written. */
#include <string.h>

#include "query/ir/promql.h"

static bool same_duration(const struct promql_duration *a, const struct promql_duration *b)
{
    if (!a || !b) return a == b;
    return a->op == b->op && a->seconds == b->seconds && same_duration(a->lhs, b->lhs) &&
           same_duration(a->rhs, b->rhs);
}

static bool same_shift(const struct promql_shift *a, const struct promql_shift *b)
{
    return a->at == b->at && (a->at != AT_TIME || a->at_ms == b->at_ms) &&
           same_duration(a->offset, b->offset);
}

static bool same_names(const str *a, uint32_t n, const str *b, uint32_t m)
{
    if (n != m) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!str_eq(a[i], b[i])) return false;
    return true;
}

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

bool promql_same_series(const struct promql_expr *a, const struct promql_expr *b)
{
    if (a->selector.n_matchers != b->selector.n_matchers) return false;
    for (uint32_t i = 0; i < a->selector.n_matchers; i++) {
        const struct label_matcher *x = &a->selector.matchers[i], *y = &b->selector.matchers[i];
        if (x->op != y->op || !str_eq(x->name, y->name) || !str_eq(x->value, y->value))
            return false;
    }
    return true;
}

static bool same_selector(const struct promql_expr *a, const struct promql_expr *b)
{
    return promql_same_series(a, b) && a->selector.reach == b->selector.reach &&
           a->selector.label_selectors_only == b->selector.label_selectors_only &&
           same_shift(&a->selector.shift, &b->selector.shift);
}

static bool same_call(const struct promql_expr *a, const struct promql_expr *b)
{
    if (a->call.fn != b->call.fn || a->call.n_args != b->call.n_args) return false;
    for (uint32_t i = 0; i < a->call.n_args; i++)
        if (!promql_same(a->call.args[i], b->call.args[i])) return false;
    return true;
}

static bool same_aggregate(const struct promql_expr *a, const struct promql_expr *b)
{
    if (a->aggregate.op != b->aggregate.op || a->aggregate.without != b->aggregate.without ||
        !a->aggregate.param != !b->aggregate.param)
        return false;
    return same_names(a->aggregate.labels, a->aggregate.n_labels, b->aggregate.labels,
                      b->aggregate.n_labels) &&
           (!a->aggregate.param || promql_same(a->aggregate.param, b->aggregate.param)) &&
           promql_same(a->aggregate.expr, b->aggregate.expr);
}

static bool same_binary(const struct promql_expr *a, const struct promql_expr *b)
{
    const struct promql_matching *x = &a->binary.matching, *y = &b->binary.matching;
    return a->binary.op == b->binary.op && a->binary.returns_bool == b->binary.returns_bool &&
           x->card == y->card && x->on == y->on && x->given == y->given &&
           x->has_fill_left == y->has_fill_left && x->has_fill_right == y->has_fill_right &&
           (!x->has_fill_left || same_bits(x->fill_left, y->fill_left)) &&
           (!x->has_fill_right || same_bits(x->fill_right, y->fill_right)) &&
           same_names(x->labels, x->n_labels, y->labels, y->n_labels) &&
           same_names(x->include, x->n_include, y->include, y->n_include) &&
           promql_same(a->binary.lhs, b->binary.lhs) && promql_same(a->binary.rhs, b->binary.rhs);
}

bool promql_same(const struct promql_expr *a, const struct promql_expr *b)
{
    while (a->kind == PROMQL_PAREN) a = a->paren;
    while (b->kind == PROMQL_PAREN) b = b->paren;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case PROMQL_NUMBER: return same_bits(a->number.value, b->number.value);
    case PROMQL_TEXT: return str_eq(a->text, b->text);
    case PROMQL_SELECTOR: return same_selector(a, b);
    case PROMQL_RANGE:
        return same_duration(a->range.length, b->range.length) &&
               same_selector(a->range.selector, b->range.selector);
    case PROMQL_SUBQUERY:
        return same_duration(a->subquery.length, b->subquery.length) &&
               same_duration(a->subquery.step, b->subquery.step) &&
               same_shift(&a->subquery.shift, &b->subquery.shift) &&
               promql_same(a->subquery.expr, b->subquery.expr);
    case PROMQL_CALL: return same_call(a, b);
    case PROMQL_AGGREGATE: return same_aggregate(a, b);
    case PROMQL_BINARY: return same_binary(a, b);
    case PROMQL_UNARY:
        return a->unary.minus == b->unary.minus && promql_same(a->unary.expr, b->unary.expr);
    case PROMQL_PAREN: break; /* taken away above */
    }
    return false;
}
