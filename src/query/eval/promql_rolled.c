/* Where raw samples are gone: what windows of rollups answer.
 *
 * A window has the first and the last of its samples, so what looks at the first, the last and the
 * number of the samples of a range (rate, increase, delta) comes out as from the samples
 * themselves, and so do sums and extremes, when the range begins and ends with windows. Other
 * ranges are rounded to them:
 *
 *      from |----------------------------| to          asked for
 *   |--------|--------|--------|--------|--------|     windows
 *            |--------------------------|              answered
 */
#include "query/eval/promql_eval.h"

enum fn {
    FN_RATE,
    FN_INCREASE,
    FN_DELTA,
    FN_SUM,
    FN_AVG,
    FN_COUNT,
    FN_MIN,
    FN_MAX,
    FN_LAST,
    FN_FIRST,
    FN_PRESENT,
    FN_NONE
};

static enum fn function_of(const struct promql_expr *call)
{
    static const char *const names[] = {"rate",
                                        "increase",
                                        "delta",
                                        "sum_over_time",
                                        "avg_over_time",
                                        "count_over_time",
                                        "min_over_time",
                                        "max_over_time",
                                        "last_over_time",
                                        "first_over_time",
                                        "present_over_time"};
    enum fn f = 0;
    while (f < FN_NONE && strcmp(call->call.fn->name, names[f]) != 0) f++;
    return f;
}

bool eval_rolled_knows(const struct promql_expr *call) { return function_of(call) != FN_NONE; }

static int64_t width_at(const struct horizon *h, int64_t t)
{
    return t > h->fine_after ? ROLLED_FINE : ROLLED_COARSE;
}

static int64_t floor_to(int64_t t, int64_t width) { return t - ((t % width) + width) % width; }

/* Where a range ends, and where one begins. */
static int64_t round_end(const struct horizon *h, int64_t t)
{
    return t >= h->raw_after ? t : floor_to(t, width_at(h, t));
}

static int64_t round_begin(const struct horizon *h, int64_t t)
{
    if (t >= h->raw_after) return t;
    int64_t width = t >= h->fine_after ? ROLLED_FINE : ROLLED_COARSE;
    return floor_to(t + width / 2, width);
}

static void round_range(const struct horizon *h, int64_t *io_from, int64_t *io_to)
{
    *io_to = round_end(h, *io_to);
    *io_from = round_begin(h, *io_from);
    if (*io_from >= *io_to) *io_from = *io_to - width_at(h, *io_to);
}

void eval_note_rounded(struct evaluator *ev, const struct promql_expr *at,
                       const struct horizon *horizon, const int64_t *ends, uint32_t n,
                       int64_t length)
{
    for (uint32_t i = 0; i < n; i++) {
        int64_t from = ends[i] - length, to = ends[i];
        if (from >= horizon->raw_after) continue;
        int64_t begin = from, end = to;
        if (length)
            round_range(horizon, &begin, &end);
        else
            begin = end = round_end(horizon, to);
        if (begin == from && end == to) continue;
        eval_info(
            ev, at,
            "samples this old are kept as windows of 5 minutes or 1 hour, and steps and ranges "
            "are rounded to these");
        return;
    }
}

/* The first window that ends after `t`. */
static uint32_t windows_after(const struct raw_series *s, int64_t t)
{
    uint32_t lo = 0, hi = s->n_rolled;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->rolled[mid].end > t)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

bool eval_rolled_last(const struct raw_series *s, const struct horizon *horizon, int64_t at,
                      int64_t lookback, int64_t *ret_t, struct cell *ret)
{
    if (!horizon->any) return false;
    int64_t end = round_end(horizon, at), width = width_at(horizon, end);
    uint32_t i = windows_after(s, end);
    if (i == 0) return false;
    const struct rolled *w = &s->rolled[i - 1];
    /* Right behind the horizon the usual lookback holds; before it a window counts as a whole. */
    bool seen = at > horizon->raw_after ? w->last.t > at - lookback
                                        : w->end > end - (width > lookback ? width : lookback);
    if (!seen || w->ended) return false;
    *ret_t = w->last.t;
    *ret = (struct cell){w->last.v, w->h};
    return true;
}

bool eval_rolled_has(const struct raw_series *s, const struct horizon *horizon, int64_t from,
                     int64_t to)
{
    if (!horizon->any || from >= horizon->raw_after) return false;
    round_range(horizon, &from, &to);
    return windows_after(s, from) < windows_after(s, to);
}

/* What is known of the samples of a range. */
struct tally {
    uint32_t n;
    struct sample first, last;
    int64_t began, start;    /* as of the first and the last window */
    double min, max, gained; /* gained: by a counter, from first to last */
    struct kahan sum;
};

static void add_window(struct tally *t, const struct rolled *w)
{
    if (t->n) {
        double step = w->first.v - t->last.v;
        bool anew =
            w->first.v < t->last.v || window_restarted(w->start, w->first.t, t->start, t->last.t);
        t->gained += anew ? w->first.v : step;
    } else {
        t->first = w->first;
        t->began = w->start;
        t->min = w->min;
        t->max = w->max;
    }
    t->gained += w->increase;
    t->last = w->last;
    t->start = w->start;
    t->n += w->n;
    kahan_add(&t->sum, w->sum);
    if (w->min < t->min || isnan(t->min)) t->min = w->min;
    if (w->max > t->max || isnan(t->max)) t->max = w->max;
}

static void add_sample(struct tally *t, struct sample s, int64_t start)
{
    struct rolled w = {.n = 1,
                       .start = start,
                       .first = s,
                       .last = s,
                       .min = s.v,
                       .max = s.v,
                       .sum = s.v,
                       .increase = 0};
    add_window(t, &w);
}

static bool value_of(const struct tally *t, enum fn f, int64_t from, int64_t to, double *ret)
{
    const struct window w = {.from = from, .to = to};
    double v = f == FN_DELTA ? t->last.v - t->first.v : t->gained;
    switch (f) {
    case FN_RATE:
    case FN_INCREASE:
    case FN_DELTA:
        if (f != FN_DELTA && window_has_start(&w, t->began, t->first.t)) {
            *ret = (v + t->first.v) *
                   window_factor_from(&w, t->began, t->first.t, t->last.t, t->n, f == FN_RATE);
            return true;
        }
        if (t->n < 2) return false;
        *ret = v * window_factor(&w, t->first.t, t->last.t, t->n, f != FN_DELTA, t->first.v, v,
                                 f == FN_RATE);
        return true;
    case FN_SUM: *ret = isinf(t->sum.sum) ? t->sum.sum : kahan_value(&t->sum); return true;
    case FN_AVG: *ret = kahan_value(&t->sum) / t->n; return true;
    case FN_COUNT: *ret = t->n; return true;
    case FN_MIN: *ret = t->min; return true;
    case FN_MAX: *ret = t->max; return true;
    case FN_LAST: *ret = t->last.v; return true;
    case FN_FIRST: *ret = t->first.v; return true;
    case FN_PRESENT: *ret = 1; return true;
    case FN_NONE: break;
    }
    return false;
}

static uint32_t samples_after(const struct raw_series *s, int64_t t)
{
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (s->samples[mid].t > t)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static enum rolled_known needed(enum fn f)
{
    switch (f) {
    case FN_LAST:
    case FN_COUNT:
    case FN_PRESENT: return ROLLED_LAST;
    case FN_RATE:
    case FN_INCREASE:
    case FN_DELTA:
    case FN_FIRST: return ROLLED_COUNTER;
    case FN_SUM:
    case FN_AVG:
    case FN_MIN:
    case FN_MAX:
    case FN_NONE: break;
    }
    return ROLLED_ALL;
}

/* The last of the histograms in the range. */
static const struct histogram *last_histogram(const struct raw_series *s, uint32_t windows_end,
                                              int64_t to)
{
    const struct histogram *h = s->rolled[windows_end - 1].h;
    for (uint32_t i = 0; i < s->n_histograms && s->histograms[i].t <= to; i++)
        h = s->histograms[i].h;
    return h;
}

bool eval_rolled_call(struct evaluator *ev, const struct promql_expr *e, const struct raw_series *s,
                      const struct horizon *horizon, int64_t from, int64_t to, struct cell *ret)
{
    enum fn f = function_of(e);
    int64_t asked = to - from;
    round_range(horizon, &from, &to);
    struct tally t = {};
    uint32_t begin = windows_after(s, from), end = windows_after(s, to);
    for (uint32_t i = begin; i < end; i++) {
        if (s->rolled[i].known < needed(f)) {
            eval_warn(ev, e->call.args[0],
                      "samples this old are kept as windows of 5 minutes or 1 hour, which cannot "
                      "answer %s() of such a series: it is left out there",
                      e->call.fn->name);
            return false;
        }
        add_window(&t, &s->rolled[i]);
    }
    ev->queryable += end - begin;
    if (f == FN_LAST && s->rolled[end - 1].h) {
        ret->h = last_histogram(s, end, to);
        return true;
    }
    begin = samples_after(s, from), end = samples_after(s, to);
    for (uint32_t i = begin; i < end; i++)
        add_sample(&t, s->samples[i], s->starts ? s->starts[i] : 0);
    ev->queryable += end - begin;
    if (!t.n || !value_of(&t, f, from, to, &ret->v)) return false;
    if (f == FN_INCREASE || f == FN_DELTA) ret->v *= (double)asked / (double)(to - from);
    return true;
}

/* --- windows in the midst of samples */

/* What the resets within a window add to the difference of its ends. The window has the sum of the
 * steps, whose last digits are not those of that difference when the numbers are no integers. */
static double resets_in(const struct rolled *w)
{
    if (w->n == 1) return 0;
    double more = w->increase - (w->last.v - w->first.v);
    return fabs(more) <= 1e-9 * (fabs(w->first.v) + fabs(w->last.v)) ? 0 : more;
}

/* Prometheus adds to the difference of the last and the first what a counter had reached before it
 * fell. */
static void add_resets(struct tally *t, const struct rolled *w, double *io_resets)
{
    if (t->n &&
        (w->first.v < t->last.v || window_restarted(w->start, w->first.t, t->start, t->last.t)))
        *io_resets += t->last.v;
    *io_resets += resets_in(w);
    add_window(t, w);
}

/* Slides to (from, to]. */
static void look_at(const struct raw_series *s, int64_t from, int64_t to, struct rolled_midst *io)
{
    while (io->hi < s->n && s->samples[io->hi].t <= to) io->hi++;
    while (io->lo < io->hi && s->samples[io->lo].t <= from) io->lo++;
    while (io->windows_hi < s->n_rolled && s->rolled[io->windows_hi].end <= to) io->windows_hi++;
    while (io->windows_lo < io->windows_hi && s->rolled[io->windows_lo].end <= from)
        io->windows_lo++;
}

bool eval_rolled_midst(struct evaluator *ev, const struct promql_expr *e,
                       const struct raw_series *s, int64_t from, int64_t to,
                       struct rolled_midst *io, double *ret)
{
    struct tally t = {};
    double resets = 0;
    look_at(s, from, to, io);
    uint32_t k = io->windows_lo;
    for (uint32_t i = io->lo; i <= io->hi; i++) {
        for (; k < io->windows_hi && (i == io->hi || s->rolled[k].last.t < s->samples[i].t); k++)
            add_resets(&t, &s->rolled[k], &resets);
        if (i == io->hi) break;
        struct sample x = s->samples[i];
        struct rolled one = {.start = s->starts ? s->starts[i] : 0,
                             .n = 1,
                             .first = x,
                             .last = x,
                             .min = x.v,
                             .max = x.v,
                             .sum = x.v};
        add_resets(&t, &one, &resets);
    }
    ev->queryable += io->hi - io->lo + io->windows_hi - io->windows_lo;
    io->samples = t.n;
    t.gained = t.last.v - t.first.v + resets;
    return t.n && value_of(&t, function_of(e), from, to, ret);
}
