/* Ranges that reach past their ends (experimental): `anchored` begins with the last sample at or
 * before the range, `smoothed` interpolates at both ends; and instant selectors that interpolate.
 *
 *        anchor            first in range   last in range         next
 *   ------x------|-----------x-----...-------x-----------|---------x-----
 *              start                                    end
 *
 * Spec: Prometheus, feature "promql-extended-range-selectors". */
#include "query/eval/promql_eval.h"

struct at {
    int64_t t;
    struct cell c;
};

struct extended {
    struct evaluator *ev;
    const struct promql_expr *e, *arg;
    str name; /* of the metric */
    bool smoothed, counter;
    int64_t start, end;
    const struct at *p; /* p[0 .. n) */
    uint32_t n;
};

static struct at *merged(struct evaluator *ev, const struct raw_series *s)
{
    struct at *out = arena_array(ev->arena, struct at, (size_t)s->n + s->n_histograms + 1);
    uint32_t n = 0, i = 0, k = 0;
    while (i < s->n || k < s->n_histograms) {
        if (k == s->n_histograms || (i < s->n && s->samples[i].t <= s->histograms[k].t)) {
            out[n++] = (struct at){s->samples[i].t, {s->samples[i].v, NULL}};
            i++;
        } else {
            out[n++] = (struct at){s->histograms[k].t, {0, s->histograms[k].h}};
            k++;
        }
    }
    return out;
}

/* The samples of a step in all[0 .. n_all): from the anchor to the last, or for smoothed ranges the
 * first at or behind the end. False: none. */
static bool cut_out(struct extended *x, const struct at *all, uint32_t n_all, int64_t lookback)
{
    uint32_t from = 0, to = n_all;
    while (from < to && all[from].t <= x->start - lookback) from++;
    int64_t until = x->smoothed ? x->end + lookback : x->end;
    while (to > from && all[to - 1].t > until) to--;
    while (from + 1 < to && all[from + 1].t <= x->start) from++;
    if (x->smoothed)
        while (to - from > 1 && all[to - 2].t >= x->end) to--;
    if (from == to || all[to - 1].t <= x->start || all[from].t > x->end) return false;
    x->p = all + from;
    x->n = to - from;
    return true;
}

/* The value at `t` between two samples. False: they cannot be put together (noted). */
static bool between(struct evaluator *ev, const struct promql_expr *at, str name, bool counter,
                    const struct at *a, const struct at *b, int64_t t, struct cell *ret)
{
    double part = (double)(t - a->t) / (double)(b->t - a->t);
    if (!a->c.h && !b->c.h) {
        double low = counter && b->c.v < a->c.v ? 0 : a->c.v;
        *ret = (struct cell){low + (b->c.v - low) * part, NULL};
        return true;
    }
    if (!a->c.h || !b->c.h) {
        eval_warn(ev, at,
                  "encountered a mix of histograms and floats for metric name \"" STR_FMT "\"",
                  STR_ARG(name));
        return false;
    }
    if (histogram_is_custom(a->c.h) != histogram_is_custom(b->c.h)) {
        note_mixed_buckets(ev, at, name);
        return false;
    }
    const struct histogram *h = histogram_mul(ev->arena, b->c.h, part);
    if (!counter || !histogram_is_reset(ev->arena, b->c.h, a->c.h)) {
        struct histogram_sum s = {0};
        histogram_sum_add(ev->arena, &s, histogram_mul(ev->arena, a->c.h, 1 - part), 1);
        histogram_sum_add(ev->arena, &s, h, 1);
        h = histogram_with_hint(ev->arena, histogram_sum_value(ev->arena, &s), b->c.h->hint);
    }
    *ret = (struct cell){0, h};
    return true;
}

/* ---- rate, increase, delta ---- */

static bool ends_of(const struct extended *x, struct cell *left, struct cell *right)
{
    const struct at *p = x->p;
    *left = p[0].c;
    *right = p[x->n - 1].c;
    if (!x->smoothed || x->n < 2) return true;
    if (p[0].t < x->start &&
        !between(x->ev, x->arg, x->name, x->counter, &p[0], &p[1], x->start, left))
        return false;
    return p[x->n - 1].t <= x->end ||
           between(x->ev, x->arg, x->name, x->counter, &p[x->n - 2], &p[x->n - 1], x->end, right);
}

static bool left_is_between(const struct extended *x)
{
    return x->smoothed && x->n > 1 && x->p[0].t < x->start;
}

static double difference(const struct extended *x, struct cell left, struct cell right)
{
    double v = right.v - left.v, before = left.v;
    if (!x->counter) return v;
    for (uint32_t i = 1; i + 1 < x->n; i++) {
        if (x->p[i].c.v < before) v += before;
        before = x->p[i].c.v;
    }
    return right.v < before ? v + before : v;
}

static void note_kind(const struct extended *x)
{
    const struct at *p = x->p;
    bool any = false;
    for (uint32_t i = 0; i < x->n; i++) any |= p[i].c.h->hint == HINT_GAUGE;
    if (x->counter && any)
        eval_warn(x->ev, x->arg, "this native histogram metric is not a counter: \"" STR_FMT "\"",
                  STR_ARG(x->name));
    if (!x->counter && (p[0].c.h->hint != HINT_GAUGE || p[x->n - 1].c.h->hint != HINT_GAUGE))
        eval_warn(x->ev, x->arg, "this native histogram metric is not a gauge: \"" STR_FMT "\"",
                  STR_ARG(x->name));
}

static const struct histogram *native_difference(const struct extended *x, struct cell left,
                                                 struct cell right)
{
    struct arena *a = x->ev->arena;
    struct histogram_sum s = {0};
    histogram_sum_add(a, &s, right.h, 1);
    histogram_sum_add(a, &s, left.h, -1);
    /* What was interpolated on the left has the reset between the first two in it. */
    for (uint32_t i = left_is_between(x) ? 2 : 1; x->counter && i < x->n; i++)
        if (histogram_is_reset(a, x->p[i].c.h, x->p[i - 1].c.h))
            histogram_sum_add(a, &s, x->p[i - 1].c.h, 1);
    s.resets_collide = false;
    note_sum(x->ev, x->arg, &s, "subtraction");
    s.hint = HINT_GAUGE;
    return histogram_sum_value(a, &s);
}

static bool extended_rate(const struct extended *x, bool per_second, struct cell *ret)
{
    uint32_t native = 0, custom = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        native += x->p[i].c.h != NULL;
        custom += x->p[i].c.h && histogram_is_custom(x->p[i].c.h);
    }
    if (native && native < x->n) {
        eval_warn(x->ev, x->arg,
                  "encountered a mix of histograms and floats for metric name \"" STR_FMT "\"",
                  STR_ARG(x->name));
        return false;
    }
    if (custom && custom < x->n) {
        note_mixed_buckets(x->ev, x->arg, x->name);
        return false;
    }
    if (native) note_kind(x);
    struct cell left, right;
    if (!ends_of(x, &left, &right)) return false;
    double seconds = per_second ? (double)(x->end - x->start) / 1000 : 1;
    if (native)
        *ret = (struct cell){
            0, histogram_div(x->ev->arena, native_difference(x, left, right), seconds)};
    else
        *ret = (struct cell){difference(x, left, right) / seconds, NULL};
    return true;
}

/* ---- changes, resets ---- */

static double count_steps(const struct extended *x, bool resets)
{
    double n = 0;
    for (uint32_t i = 1; i < x->n; i++) {
        struct cell a = x->p[i - 1].c, b = x->p[i].c;
        if (!a.h != !b.h)
            n++;
        else if (b.h)
            n += resets ? histogram_is_reset(x->ev->arena, b.h, a.h) : !histogram_equal(b.h, a.h);
        else
            n += resets ? b.v < a.v : b.v != a.v && !(isnan(a.v) && isnan(b.v));
    }
    return n;
}

static bool is_named(const struct promql_expr *e, const char *name)
{
    return strcmp(e->call.fn->name, name) == 0;
}

static status check_function(struct evaluator *ev, const struct promql_expr *e, bool smoothed)
{
    bool rates = is_named(e, "rate") || is_named(e, "increase") || is_named(e, "delta");
    if (rates || (!smoothed && (is_named(e, "changes") || is_named(e, "resets")))) return ST_OK;
    return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                   "%s modifier can only be used with: %s - not with %s",
                   smoothed ? "smoothed" : "anchored",
                   smoothed ? "delta, increase, rate" : "changes, delta, increase, rate, resets",
                   e->call.fn->name);
}

static uint64_t fresh(const struct extended *x, int64_t after)
{
    uint64_t n = 0;
    while (n < x->n && x->p[x->n - 1 - n].t > after) n++;
    return n;
}

status eval_extended_call(struct evaluator *ev, struct promql_expr *e, struct promql_expr *arg,
                          struct grid g, struct value *ret)
{
    bool smoothed = promql_bare(arg)->range.selector->selector.reach == REACH_SMOOTHED;
    TRY(check_function(ev, e, smoothed));
    struct ranges r;
    TRY(eval_ranges(ev, arg, g, false, &r));
    struct rows rows = {};
    for (uint32_t k = 0; k < r.n; k++) {
        const struct raw_series *s = &r.series[k];
        const struct at *all = merged(ev, s);
        struct extended x = {.ev = ev,
                             .e = e,
                             .arg = arg,
                             .name = labels_get(s->labels, LABEL_NAME),
                             .smoothed = smoothed,
                             .counter = !is_named(e, "delta")};
        struct row *row = NULL;
        for (uint32_t i = 0; i < g.n; i++) {
            x.start = r.ends[i] - r.length;
            x.end = r.ends[i];
            struct cell c = {};
            if (!cut_out(&x, all, s->n + s->n_histograms, ev->opt.lookback_ms)) continue;
            eval_count(ev, i, x.n, fresh(&x, i ? x.end - g.step : INT64_MIN));
            if (is_named(e, "changes") || is_named(e, "resets"))
                c.v = count_steps(&x, is_named(e, "resets"));
            else if (!extended_rate(&x, is_named(e, "rate"), &c))
                continue;
            if (!row) row = rows_add(ev, &rows, s->labels, g.n);
            row_put_cell(ev, row, i, g.n, c);
        }
        if (row) row_drop_name(ev, row);
        TRY(eval_check(ev));
    }
    *ret = rows_value(rows, g);
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}

/* ---- instant selectors ---- */

bool eval_smoothed_at(struct evaluator *ev, const struct promql_expr *e, const struct raw_series *s,
                      int64_t t, struct cell *ret)
{
    const struct at *all = merged(ev, s);
    uint32_t n = s->n + s->n_histograms, next = 0;
    while (next < n && all[next].t <= t) next++;
    if (next == 0) return false;
    const struct at *last = &all[next - 1];
    if (last->t <= t - ev->opt.lookback_ms || (!last->c.h && is_stale(last->c.v))) return false;
    bool has_next = next < n && all[next].t <= t + ev->opt.lookback_ms &&
                    (all[next].c.h || !is_stale(all[next].c.v));
    *ret = last->c;
    if (last->t == t || !has_next) return true;
    bool counter = last->c.h && last->c.h->hint != HINT_GAUGE;
    return between(ev, e, labels_get(s->labels, LABEL_NAME), counter, last, &all[next], t, ret);
}
