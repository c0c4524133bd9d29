/* Windows that hold native histograms, alone or among numbers. */
#include "query/eval/promql_eval.h"

struct native {
    struct evaluator *ev;
    const struct promql_expr *e, *at;
    const struct window *w;
    str name;
    struct cell *ret;
};

static bool is_named(const struct promql_expr *e, const char *name)
{
    return strcmp(e->call.fn->name, name) == 0;
}

static bool mixed(const struct native *x)
{
    eval_warn(x->ev, x->at,
              "encountered a mix of histograms and floats for metric name \"" STR_FMT "\"",
              STR_ARG(x->name));
    return false;
}

static void not_a(const struct native *x, const char *kind)
{
    eval_warn(x->ev, x->at, "this native histogram metric is not a %s: \"" STR_FMT "\"", kind,
              STR_ARG(x->name));
}

static bool is_gauge(const struct histogram *h) { return h->hint == HINT_GAUGE; }

/* last - first, and for counters plus what was before each reset. NULL: they do not fit (noted). */
static const struct histogram *difference(const struct native *x, bool counter, bool from_zero)
{
    struct arena *a = x->ev->arena;
    const struct histogram_sample *p = x->w->h;
    uint32_t n = x->w->n_h;
    const struct histogram *before = p[0].h, *last = p[n - 1].h;
    if (counter && (is_gauge(before) || is_gauge(last))) not_a(x, "counter");
    if (counter && n > 1 && !from_zero &&
        histogram_is_reset(a, p[1].h, before)) { /* the first one does not matter then */
        struct histogram *empty = arena_new(a, struct histogram);
        *empty = (struct histogram){.schema = p[1].h->schema,
                                    .hint = before->hint,
                                    .zero_threshold = p[1].h->zero_threshold,
                                    .custom = p[1].h->custom,
                                    .n_custom = p[1].h->n_custom};
        before = empty;
    }
    bool fits = histogram_is_custom(last) == histogram_is_custom(before);
    for (uint32_t i = 1; counter && i + 1 < n; i++) {
        if (is_gauge(p[i].h)) not_a(x, "counter");
        fits &= histogram_is_custom(p[i].h) == histogram_is_custom(before);
    }
    if (!fits) {
        note_mixed_buckets(x->ev, x->at, x->name);
        return NULL;
    }
    struct histogram_sum s = {0};
    histogram_sum_add(a, &s, last, 1);
    histogram_sum_add(a, &s, before, -1);
    s.resets_collide = false; /* resets are dealt with here */
    note_sum(x->ev, x->at, &s, "subtraction");
    s.reconciled = false;
    for (uint32_t i = 1; counter && i < n; i++) {
        bool restarted = window_restarted(p[i].start, p[i].t, p[i - 1].start, p[i - 1].t);
        if (restarted || histogram_is_reset(a, p[i].h, before)) histogram_sum_add(a, &s, before, 1);
        before = p[i].h;
    }
    if (from_zero) histogram_sum_add(a, &s, p[0].h, 1);
    if (!counter && (!is_gauge(p[0].h) || !is_gauge(last))) not_a(x, "gauge");
    s.resets_collide = false;
    note_sum(x->ev, x->at, &s, "addition");
    s.hint = HINT_GAUGE;
    return histogram_sum_value(a, &s);
}

static bool native_rate(const struct native *x, bool counter, bool per_second)
{
    const struct window *w = x->w;
    bool from_zero = counter && !w->n && window_has_start(w, w->h[0].start, w->h[0].t);
    if (w->n + w->n_h < 2 && !from_zero) return false;
    if (w->n) return mixed(x);
    const struct histogram *h = difference(x, counter, from_zero);
    if (!h) return false;
    double factor = from_zero ? window_factor_from(w, w->h[0].start, w->h[0].t, w->h[w->n_h - 1].t,
                                                   w->n_h, per_second)
                              : window_factor(w, w->h[0].t, w->h[w->n_h - 1].t, w->n_h, counter,
                                              w->h[0].h->count, h->count, per_second);
    x->ret->h = histogram_mul(x->ev->arena, h, factor);
    return true;
}

/* irate, idelta: of the last two samples, which may be of two kinds. */
static bool native_instant(const struct native *x, bool rate, window_fn fn)
{
    const struct window *w = x->w;
    struct arena *a = x->ev->arena;
    if (w->n + w->n_h < 2) return false;
    int64_t last_float = w->n ? w->s[w->n - 1].t : INT64_MIN;
    int64_t before_float = w->n > 1 ? w->s[w->n - 2].t : INT64_MIN;
    int64_t last_h = w->n_h ? w->h[w->n_h - 1].t : INT64_MIN;
    int64_t before_h = w->n_h > 1 ? w->h[w->n_h - 2].t : INT64_MIN;
    if (before_float > last_h) return fn(w, &x->ret->v);
    if (before_h < last_float) return mixed(x);
    const struct histogram *was = w->h[w->n_h - 2].h, *h = w->h[w->n_h - 1].h;
    if (rate && (is_gauge(was) || is_gauge(h))) not_a(x, "counter");
    if (!rate && (!is_gauge(was) || !is_gauge(h))) not_a(x, "gauge");
    const struct histogram_sample *p = &w->h[w->n_h - 2];
    bool restarted = window_restarted(p[1].start, p[1].t, p[0].start, p[0].t);
    if (!rate || (!restarted && !histogram_is_reset(a, h, was))) {
        struct histogram_sum s = {0};
        histogram_sum_add(a, &s, h, 1);
        histogram_sum_add(a, &s, was, -1);
        if (s.incompatible) {
            note_mixed_buckets(x->ev, x->at, x->name);
            return false;
        }
        s.resets_collide = false;
        note_sum(x->ev, x->at, &s, "subtraction");
        h = histogram_sum_value(a, &s);
    }
    h = histogram_with_hint(a, h, HINT_GAUGE);
    x->ret->h = rate ? histogram_div(a, h, (double)(last_h - before_h) / 1000) : h;
    return true;
}

static bool native_sum(const struct native *x, bool average)
{
    const struct window *w = x->w;
    struct arena *a = x->ev->arena;
    if (w->n) return mixed(x);
    struct histogram_sum s = {.exact = true};
    bool reset = false, not_reset = false, incremental = false;
    for (uint32_t i = 0; i < w->n_h; i++) {
        reset |= w->h[i].h->hint == HINT_RESET;
        not_reset |= w->h[i].h->hint == HINT_NOT_RESET;
        struct histogram_sum next = average && !incremental ? histogram_sum_copy(a, &s) : s;
        const struct histogram *h = w->h[i].h;
        if (incremental) {
            histogram_sum_scale(&next, (double)i / (i + 1));
            h = histogram_div(a, h, i + 1);
        }
        histogram_sum_add(a, &next, h, 1);
        if (average && !incremental && i > 0 && histogram_sum_overflows(&next)) {
            incremental = true; /* the sum would overflow: go on with the mean */
            histogram_sum_scale(&s, 1.0 / i);
            i--;
            continue;
        }
        s = next;
    }
    if (s.incompatible) {
        note_mixed_buckets(x->ev, x->at, x->name);
        return false;
    }
    s.resets_collide = reset && not_reset;
    note_sum(x->ev, x->at, &s, "aggregation");
    x->ret->h = histogram_sum_value(a, &s);
    if (average && !incremental) x->ret->h = histogram_div(a, x->ret->h, w->n_h);
    return true;
}

/* The samples of both kinds in time order. */
static struct cell nth(const struct window *w, uint32_t *io_f, uint32_t *io_h, int64_t *ret_t,
                       int64_t *ret_start)
{
    bool is_float = *io_f < w->n && (*io_h == w->n_h || w->s[*io_f].t < w->h[*io_h].t);
    *ret_t = is_float ? w->s[*io_f].t : w->h[*io_h].t;
    *ret_start = is_float ? (w->starts ? w->starts[*io_f] : 0) : w->h[*io_h].start;
    if (is_float) return (struct cell){w->s[(*io_f)++].v, NULL};
    return (struct cell){0, w->h[(*io_h)++].h};
}

static bool native_changes(const struct native *x, bool resets)
{
    uint32_t f = 0, h = 0, n = x->w->n + x->w->n_h;
    int64_t t, t_before, start, start_before;
    double count = 0;
    struct cell before = nth(x->w, &f, &h, &t_before, &start_before);
    for (uint32_t i = 1; i < n; i++, t_before = t, start_before = start) {
        struct cell now = nth(x->w, &f, &h, &t, &start);
        if (resets && window_restarted(start, t, start_before, t_before))
            count++;
        else if (!now.h != !before.h)
            count++;
        else if (now.h)
            count += resets ? histogram_is_reset(x->ev->arena, now.h, before.h)
                            : !histogram_equal(now.h, before.h);
        else
            count +=
                resets ? now.v < before.v : now.v != before.v && !(isnan(now.v) && isnan(before.v));
        before = now;
    }
    x->ret->v = count;
    return true;
}

static bool native_end(const struct native *x, bool last, bool times)
{
    uint32_t f = 0, h = 0, n = x->w->n + x->w->n_h;
    int64_t t = 0, start;
    struct cell c = {};
    for (uint32_t i = 0; i < n && (last || i == 0); i++) c = nth(x->w, &f, &h, &t, &start);
    *x->ret = times ? (struct cell){(double)t / 1000, NULL} : c;
    return true;
}

bool eval_window_native(struct evaluator *ev, const struct promql_expr *e, struct labels l,
                        const struct window *w, window_fn fn, struct cell *ret)
{
    uint32_t matrix = 0;
    while (promql_type_of(e->call.args[matrix]) != PROMQL_MATRIX) matrix++;
    struct native x = {ev, e, e->call.args[matrix], w, labels_get(l, LABEL_NAME), ret};
    *ret = (struct cell){0};
    if (is_named(e, "rate")) return native_rate(&x, true, true);
    if (is_named(e, "increase")) return native_rate(&x, true, false);
    if (is_named(e, "delta")) return native_rate(&x, false, false);
    if (is_named(e, "irate")) return native_instant(&x, true, fn);
    if (is_named(e, "idelta")) return native_instant(&x, false, fn);
    if (is_named(e, "sum_over_time")) return native_sum(&x, false);
    if (is_named(e, "avg_over_time")) return native_sum(&x, true);
    if (is_named(e, "changes")) return native_changes(&x, false);
    if (is_named(e, "resets")) return native_changes(&x, true);
    if (is_named(e, "last_over_time")) return native_end(&x, true, false);
    if (is_named(e, "first_over_time")) return native_end(&x, false, false);
    if (is_named(e, "ts_of_last_over_time")) return native_end(&x, true, true);
    if (is_named(e, "ts_of_first_over_time")) return native_end(&x, false, true);
    if (is_named(e, "present_over_time")) return ret->v = 1, true;
    if (is_named(e, "count_over_time")) return ret->v = w->n + w->n_h, true;
    if (!w->n) return false; /* the others know numbers only */
    eval_info(ev, x.at,
              "ignored histograms in a range containing both floats and histograms for metric name "
              "\"" STR_FMT "\"",
              STR_ARG(x.name));
    return fn(w, &ret->v);
}
