#include "query/plan/promql_reach.h"

#include <math.h>
#include <string.h>

struct walk {
    int64_t lookback_ms;
    bool any;   /* a selector was met */
    bool stats; /* below histogram_count and its like, which look at hints of counter resets */
};

static bool reach(struct walk *w, const struct promql_expr *e, struct promql_span *ret);

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

static bool literal_ms(const struct promql_duration *d, int64_t *ret)
{
    if (d->op != DUR_LITERAL || !(fabs(d->seconds) < 1e9)) return false;
    *ret = (int64_t)round(d->seconds * 1000);
    return true;
}

static bool shift_by(const struct promql_shift *s, struct promql_span *io)
{
    int64_t offset = 0;
    if (s->at != AT_NONE || (s->offset && !literal_ms(s->offset, &offset))) return false;
    io->before_ms += offset;
    io->after_ms -= offset;
    return true;
}

static bool reach_selector(struct walk *w, const struct promql_expr *e, int64_t back,
                           struct promql_span *ret)
{
    if (e->selector.reach != REACH_NONE || e->selector.label_selectors_only) return false;
    w->any = true;
    *ret = (struct promql_span){.before_ms = back};
    return shift_by(&e->selector.shift, ret);
}

static bool reach_subquery(struct walk *w, const struct promql_expr *e, struct promql_span *ret)
{
    int64_t length, step;
    if (w->stats || !literal_ms(e->subquery.length, &length) ||
        (e->subquery.step && !literal_ms(e->subquery.step, &step)) ||
        !reach(w, e->subquery.expr, ret))
        return false;
    ret->before_ms += length;
    return shift_by(&e->subquery.shift, ret);
}

/* The widest of all parts. */
static bool add(struct walk *w, const struct promql_expr *e, bool *first, struct promql_span *io)
{
    struct promql_span r;
    bool before = w->any;
    w->any = false;
    bool ok = reach(w, e, &r);
    bool reads = w->any;
    w->any |= before;
    if (!ok || !reads) return ok;
    if (*first || r.before_ms > io->before_ms) io->before_ms = r.before_ms;
    if (*first || r.after_ms > io->after_ms) io->after_ms = r.after_ms;
    *first = false;
    return true;
}

static bool reach_call(struct walk *w, const struct promql_expr *e, struct promql_span *ret)
{
    static const char *const by_hints[] = {"histogram_count", "histogram_sum", "histogram_avg", 0};
    static const char *const rates[] = {"rate", "increase", "delta", "irate", "idelta", 0};
    static const char *const not [] = {"sort", "sort_desc", 0};
    const char *name = e->call.fn->name;
    if (e->call.fn->experimental || is_one_of(name, not )) return false;
    bool first = true, stats = w->stats;
    *ret = (struct promql_span){0};
    if (is_one_of(name, by_hints)) {
        w->stats = true;
        if (promql_bare(e->call.args[0])->kind == PROMQL_SELECTOR) w->stats = false;
    } else if (is_one_of(name, rates)) {
        w->stats = false; /* what comes of them has no such hints */
    }
    bool ok = true;
    for (uint32_t i = 0; ok && i < e->call.n_args; i++) ok = add(w, e->call.args[i], &first, ret);
    w->stats = stats;
    return ok;
}

static bool reach_aggregate(struct walk *w, const struct promql_expr *e, struct promql_span *ret)
{
    enum promql_aggregate op = e->aggregate.op;
    bool first = true;
    *ret = (struct promql_span){0};
    if (op == AGG_LIMITK || op == AGG_LIMIT_RATIO || op == AGG_COUNT_VALUES) return false;
    return (!e->aggregate.param || add(w, e->aggregate.param, &first, ret)) &&
           add(w, e->aggregate.expr, &first, ret);
}

static bool reach(struct walk *w, const struct promql_expr *e, struct promql_span *ret)
{
    int64_t length;
    bool first = true;
    *ret = (struct promql_span){0};
    switch (e->kind) {
    case PROMQL_NUMBER:
    case PROMQL_TEXT: return true;
    case PROMQL_SELECTOR: return !w->stats && reach_selector(w, e, w->lookback_ms, ret);
    case PROMQL_RANGE:
        return !w->stats && literal_ms(e->range.length, &length) &&
               reach_selector(w, e->range.selector, length, ret);
    case PROMQL_SUBQUERY: return reach_subquery(w, e, ret);
    case PROMQL_CALL: return reach_call(w, e, ret);
    case PROMQL_AGGREGATE: return reach_aggregate(w, e, ret);
    case PROMQL_BINARY:
        return add(w, e->binary.lhs, &first, ret) && add(w, e->binary.rhs, &first, ret);
    case PROMQL_UNARY: return reach(w, e->unary.expr, ret);
    case PROMQL_PAREN: return reach(w, e->paren, ret);
    }
    return false;
}

bool promql_reach_of(const struct promql_expr *e, int64_t lookback_ms, struct promql_span *ret)
{
    struct walk w = {.lookback_ms = lookback_ms};
    return reach(&w, e, ret) && w.any;
}
