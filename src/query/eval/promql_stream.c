/* Rows for whoever needs each only once: set by set as the samples come, where an expression is one
 * selection and what is done to each of its rows by itself. */
#include "query/eval/promql_eval.h"

static void look_for_selectors(void *ctx, struct promql_expr *e)
{
    if (e->kind == PROMQL_SELECTOR) *(bool *)ctx = true;
}

/* A scalar that reads nothing: it is evaluated for each set again. */
static bool is_plain(struct promql_expr *e)
{
    bool reads = false;
    promql_walk(e, look_for_selectors, &reads);
    return !reads && promql_type_of(e) == PROMQL_SCALAR;
}

static bool rest_is_plain(const struct promql_expr *call, const struct promql_expr *but)
{
    for (uint32_t i = 0; i < call->call.n_args; i++)
        if (call->call.args[i] != but && !is_plain(call->call.args[i])) return false;
    return true;
}

/* The range selector of a function of windows. NULL: it has none. */
static const struct promql_expr *selector_of(const struct promql_expr *call)
{
    for (uint32_t i = 0; i < call->call.n_args; i++) {
        const struct promql_expr *arg = promql_bare(call->call.args[i]);
        if (arg->kind == PROMQL_RANGE && rest_is_plain(call, call->call.args[i]))
            return arg->range.selector->selector.reach ? NULL : arg->range.selector;
    }
    return NULL;
}

/* The part of `e` whose rows are made of a selection, everything above being done to each row by
 * itself; *ret_selector is what it reads. NULL: `e` is not like that. */
static struct promql_expr *leaf_of(struct promql_expr *e, const struct promql_expr **ret_selector)
{
    switch (e->kind) {
    case PROMQL_SELECTOR: *ret_selector = e; return e;
    case PROMQL_PAREN: return leaf_of(e->paren, ret_selector);
    case PROMQL_UNARY: return leaf_of(e->unary.expr, ret_selector);
    case PROMQL_BINARY:
        if (is_plain(e->binary.rhs)) return leaf_of(e->binary.lhs, ret_selector);
        return is_plain(e->binary.lhs) ? leaf_of(e->binary.rhs, ret_selector) : NULL;
    case PROMQL_CALL:
        if (eval_is_window_call(e)) return (*ret_selector = selector_of(e)) ? e : NULL;
        if (!eval_is_row_call(e) || !rest_is_plain(e, e->call.args[0])) return NULL;
        return leaf_of(e->call.args[0], ret_selector);
    default: return NULL;
    }
}

/* Without their names rows of different metrics may be equal, which can only be seen of all. */
static bool has_one_name(const struct promql_expr *selector)
{
    for (uint32_t i = 0; i < selector->selector.n_matchers; i++) {
        const struct label_matcher *m = &selector->selector.matchers[i];
        if (str_eq(m->name, LABEL_NAME) && m->op == MATCH_EQUAL) return true;
    }
    return false;
}

struct streaming {
    struct evaluator *ev;
    struct promql_expr *e;
    const struct promql_expr *leaf;
    const struct row_sink *sink;
};

static status take_rows(void *ctx, const struct value *rows)
{
    struct streaming *x = ctx;
    struct value in;
    x->ev->given_for = x->leaf;
    x->ev->given = *rows;
    status s = eval_expr(x->ev, x->e, rows->grid, &in);
    x->ev->given_for = NULL;
    TRY(s);
    return x->sink->take(x->sink->ctx, &in);
}

status eval_rows_each(struct evaluator *ev, struct promql_expr *of, struct grid g,
                      const struct row_sink *sink)
{
    struct promql_expr *e = of->aggregate.expr;
    const struct promql_expr *selector = NULL;
    struct promql_expr *leaf = leaf_of(e, &selector);
    struct streaming x = {ev, e, leaf, sink};
    const struct row_sink rows = {take_rows, &x};
    struct value whole;
    bool keeps_names = leaf == promql_bare(e) && leaf->kind == PROMQL_SELECTOR;
    if (leaf && (!leaf->invariant || of->invariant) &&
        (keeps_names || ev->opt.delayed_names || has_one_name(selector)))
        return leaf->kind == PROMQL_SELECTOR ? eval_selector_each(ev, leaf, g, &rows)
                                             : eval_window_each(ev, leaf, g, &rows);
    TRY(eval_expr(ev, e, g, &whole));
    return sink->take(sink->ctx, &whole);
}
