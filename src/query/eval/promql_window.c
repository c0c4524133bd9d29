/* Functions of a range vector: one per name in promql_functions.def marked WINDOW. Each sees the
 * samples of one window and says what they make, or that they make nothing. */
#include <stdlib.h>

#include "query/eval/promql_eval.h"

bool window_restarted(int64_t start, int64_t t, int64_t start_before, int64_t t_before)
{
    if (start == 0 || start >= t || start < t_before) return false;
    /* A delta begins where the one before ended; a cumulative one of unknown start does so once. */
    return start > t_before || (start_before != 0 && start_before < t_before);
}

void window_note_overlap(struct evaluator *ev, const struct promql_expr *at, const struct window *w,
                         str name)
{
    bool overlaps = false;
    for (uint32_t i = 1; w->starts && i < w->n; i++)
        overlaps |=
            w->starts[i] != 0 && w->starts[i] < w->s[i - 1].t && w->starts[i] != w->starts[i - 1];
    for (uint32_t i = 1; i < w->n_h; i++)
        overlaps |= w->h[i].start != 0 && w->h[i].start < w->h[i - 1].t &&
                    w->h[i].start != w->h[i - 1].start;
    if (overlaps)
        eval_warn(ev, at,
                  "sample has start time that overlaps with previous sample timestamp for metric "
                  "\"" STR_FMT "\"",
                  STR_ARG(name));
}

static bool fn_rate(const struct window *w, double *ret)
{
    return window_change(w, true, true, ret);
}
static bool fn_increase(const struct window *w, double *ret)
{
    return window_change(w, true, false, ret);
}
static bool fn_delta(const struct window *w, double *ret)
{
    return window_change(w, false, false, ret);
}

static bool instant(const struct window *w, bool rate, double *ret)
{
    if (w->n < 2) return false;
    const struct sample *a = &w->s[w->n - 2], *b = &w->s[w->n - 1];
    if (b->t == a->t) return false;
    bool reset = rate && (b->v < a->v || window_restarts(w, w->n - 1));
    double v = reset ? b->v : b->v - a->v;
    *ret = rate ? v / ((double)(b->t - a->t) / 1000) : v;
    return true;
}

static bool fn_irate(const struct window *w, double *ret) { return instant(w, true, ret); }
static bool fn_idelta(const struct window *w, double *ret) { return instant(w, false, ret); }

static bool fn_sum_over_time(const struct window *w, double *ret)
{
    struct kahan k = {};
    for (uint32_t i = 0; i < w->n; i++) kahan_add(&k, w->s[i].v);
    *ret = isinf(k.sum) ? k.sum : kahan_value(&k);
    return true;
}

static bool fn_avg_over_time(const struct window *w, double *ret)
{
    struct kahan k = {w->s[0].v, 0};
    bool incremental = false; /* once the sum would overflow */
    double count = 1;
    for (uint32_t i = 1; i < w->n; i++) {
        count++;
        if (!incremental) {
            struct kahan next = k;
            kahan_add(&next, w->s[i].v);
            if (!isinf(next.sum)) {
                k = next;
                continue;
            }
            incremental = true;
            k.sum /= count - 1;
            k.c /= count - 1;
        }
        double q = (count - 1) / count;
        k.sum *= q;
        k.c *= q;
        kahan_add(&k, w->s[i].v / count);
    }
    *ret = incremental ? kahan_value(&k) : k.sum / count + k.c / count;
    return true;
}

static bool fn_count_over_time(const struct window *w, double *ret)
{
    *ret = w->n;
    return true;
}

static uint32_t extreme(const struct window *w, bool max, bool last)
{
    uint32_t at = 0;
    for (uint32_t i = 1; i < w->n; i++) {
        double v = w->s[i].v, best = w->s[at].v;
        if ((max ? v > best : v < best) || isnan(best) || (last && v == best)) at = i;
    }
    return at;
}

static bool fn_min_over_time(const struct window *w, double *ret)
{
    *ret = w->s[extreme(w, false, false)].v;
    return true;
}

static bool fn_max_over_time(const struct window *w, double *ret)
{
    *ret = w->s[extreme(w, true, false)].v;
    return true;
}

static bool fn_ts_of_min_over_time(const struct window *w, double *ret)
{
    *ret = (double)w->s[extreme(w, false, true)].t / 1000;
    return true;
}

static bool fn_ts_of_max_over_time(const struct window *w, double *ret)
{
    *ret = (double)w->s[extreme(w, true, true)].t / 1000;
    return true;
}

static bool fn_ts_of_first_over_time(const struct window *w, double *ret)
{
    *ret = (double)w->s[0].t / 1000;
    return true;
}

static bool fn_ts_of_last_over_time(const struct window *w, double *ret)
{
    *ret = (double)w->s[w->n - 1].t / 1000;
    return true;
}

static bool fn_first_over_time(const struct window *w, double *ret)
{
    *ret = w->s[0].v;
    return true;
}

static bool fn_last_over_time(const struct window *w, double *ret)
{
    *ret = w->s[w->n - 1].v;
    return true;
}

static bool fn_present_over_time(const struct window *, double *ret)
{
    *ret = 1;
    return true;
}

static bool fn_stdvar_over_time(const struct window *w, double *ret)
{
    struct kahan mean = {}, aux = {};
    for (uint32_t i = 0; i < w->n; i++) {
        double delta = w->s[i].v - kahan_value(&mean);
        kahan_add(&mean, delta / (i + 1));
        kahan_add(&aux, delta * (w->s[i].v - kahan_value(&mean)));
    }
    *ret = kahan_value(&aux) / w->n;
    return true;
}

static bool fn_stddev_over_time(const struct window *w, double *ret)
{
    fn_stdvar_over_time(w, ret);
    *ret = sqrt(*ret);
    return true;
}

static double quantile_of(double q, const struct window *w, double minus, bool distance)
{
    double *v = malloc(w->n * sizeof *v);
    if (!v) abort();
    for (uint32_t i = 0; i < w->n; i++) v[i] = distance ? fabs(w->s[i].v - minus) : w->s[i].v;
    q = promql_quantile(q, v, w->n);
    free(v);
    return q;
}

static bool fn_quantile_over_time(const struct window *w, double *ret)
{
    *ret = quantile_of(w->args[0], w, 0, false);
    return true;
}

static bool fn_mad_over_time(const struct window *w, double *ret)
{
    *ret = NAN;
    for (uint32_t i = 0; i < w->n; i++)
        if (isnan(w->s[i].v)) return true;
    *ret = quantile_of(0.5, w, quantile_of(0.5, w, 0, false), true);
    return true;
}

static bool fn_changes(const struct window *w, double *ret)
{
    *ret = 0;
    for (uint32_t i = 1; i < w->n; i++) {
        double a = w->s[i - 1].v, b = w->s[i].v;
        *ret += a != b && !(isnan(a) && isnan(b));
    }
    return true;
}

static bool fn_resets(const struct window *w, double *ret)
{
    *ret = 0;
    for (uint32_t i = 1; i < w->n; i++) *ret += w->s[i].v < w->s[i - 1].v || window_restarts(w, i);
    return true;
}

/* Least squares; x in seconds from `zero`. */
static void regress(const struct window *w, int64_t zero, double *slope, double *intercept)
{
    struct kahan x = {}, y = {}, xy = {}, xx = {};
    double n = w->n, first = w->s[0].v;
    bool constant = true;
    for (uint32_t i = 0; i < w->n; i++) {
        double t = (double)(w->s[i].t - zero) / 1000, v = w->s[i].v;
        if (v != first) constant = false;
        kahan_add(&x, t);
        kahan_add(&y, v);
        kahan_add(&xy, t * v);
        kahan_add(&xx, t * t);
    }
    if (constant) {
        *slope = isinf(first) ? NAN : 0;
        *intercept = isinf(first) ? NAN : first;
        return;
    }
    double sx = kahan_value(&x), sy = kahan_value(&y);
    *slope = (kahan_value(&xy) - sx * sy / n) / (kahan_value(&xx) - sx * sx / n);
    *intercept = sy / n - *slope * sx / n;
}

static bool fn_deriv(const struct window *w, double *ret)
{
    double intercept;
    if (w->n < 2) return false;
    regress(w, w->s[0].t, ret, &intercept);
    return true;
}

static bool fn_predict_linear(const struct window *w, double *ret)
{
    double slope, intercept;
    if (w->n < 2) return false;
    regress(w, w->at, &slope, &intercept);
    *ret = slope * w->args[0] + intercept;
    return true;
}

static bool fn_double_exponential_smoothing(const struct window *w, double *ret)
{
    if (w->n < 2) return false;
    double sf = w->args[0], tf = w->args[1];
    double before = 0, level = w->s[0].v, trend = w->s[1].v - w->s[0].v;
    for (uint32_t i = 1; i < w->n; i++) {
        if (i > 1) trend = tf * (level - before) + (1 - tf) * trend;
        double next = sf * w->s[i].v + (1 - sf) * (level + trend);
        before = level;
        level = next;
    }
    *ret = level;
    return true;
}

static const window_fn table[] = {
#define WINDOW(name) fn_##name,
#define MAP(name) NULL,
#define CALL(name) NULL,
#define F(name, ret, args, variadic, experimental, how) how(name)
#include "query/ir/promql_functions.def"
#undef F
};

static bool is_named(const struct promql_expr *e, const char *name)
{
    return strcmp(e->call.fn->name, name) == 0;
}

static bool ends_with(str s, const char *tail)
{
    size_t n = strlen(tail);
    return s.len >= n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

static void note_not_a_counter(struct evaluator *ev, const struct promql_expr *e,
                               const struct raw_series *s)
{
    str name = labels_get(s->labels, LABEL_NAME);
    if (!name.len || ends_with(name, "_total") || ends_with(name, "_sum") ||
        ends_with(name, "_count") || ends_with(name, "_bucket"))
        return;
    eval_info(
        ev, e->call.args[0],
        "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"" STR_FMT
        "\"",
        STR_ARG(name));
}

static status check_args(struct evaluator *ev, const struct promql_expr *e, const double *args)
{
    static const char *const what[] = {"smoothing", "trend"}, *const letter[] = {"sf", "tf"};
    if (is_named(e, "double_exponential_smoothing"))
        for (int i = 0; i < 2; i++)
            if (args[i] <= 0 || args[i] >= 1)
                return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                               "invalid %s factor. Expected: 0 < %s < 1, got: %f", what[i],
                               letter[i], args[i]);
    return ST_OK;
}

uint64_t eval_fresh(const struct evaluator *ev, const struct ranges *r, uint32_t i,
                    const struct window *w)
{
    if (!ev->reads || r->derived) return 0;
    if (r->first + i == 0) return w->n + w->n_h;
    int64_t before = r->ends[i] - r->g.step;
    uint32_t n = 0, n_h = 0;
    while (n < w->n && w->s[w->n - 1 - n].t > before) n++;
    while (n_h < w->n_h && w->h[w->n_h - 1 - n_h].t > before) n_h++;
    return n + n_h;
}

static struct row *row_of(struct evaluator *ev, struct rows *rows, const struct raw_series *s,
                          struct grid g)
{
    struct row *row = rows_add(ev, rows, s->labels, g.n);
    row->rank = s->rank;
    return row;
}

/* Of numbers alone: no start times, no histograms, nothing rolled up; and nobody counts samples by
 * the step. */
static bool slides(const struct evaluator *ev, const struct raw_series *s, window_fn fn)
{
    return (fn == fn_rate || fn == fn_increase || fn == fn_delta) && !s->starts &&
           !s->n_histograms && !s->n_rolled && !ev->per_step && !ev->reads;
}

static bool slide_series(const struct raw_series *s, const struct ranges *r, window_fn fn,
                         struct evaluator *ev, struct rows *rows)
{
    enum { STEPS = 512 };
    double v[STEPS];
    uint8_t has[STEPS];
    struct grid g = r->g;
    struct row *row = NULL;
    struct sliding x = {.s = s->samples,
                        .n = s->n,
                        .length = r->length,
                        .counter = fn != fn_delta,
                        .per_second = fn == fn_rate};
    for (uint32_t i = 0, n; i < g.n; i += n) {
        n = g.n - i < STEPS ? g.n - i : STEPS;
        if (i && eval_check(ev) != ST_OK) break; /* who calls asks again */
        if (!window_slide(&x, r->ends + i, n, v, has)) continue;
        if (!row) row = row_of(ev, rows, s, g);
        memcpy(row->v + i, v, n * sizeof *v);
        memcpy(row->has + i, has, n);
    }
    ev->queryable += x.looked;
    return x.several;
}

/* True: some window had samples enough for a rate. */
static bool one_series(const struct promql_expr *e, const struct raw_series *s,
                       const struct ranges *r, double *const scalars[3], unsigned n_scalars,
                       struct evaluator *ev, struct rows *rows)
{
    window_fn fn = table[e->call.fn->id];
    struct grid g = r->g;
    bool counter = is_named(e, "rate") || is_named(e, "increase");
    bool several = false;
    struct row *row = NULL;
    uint32_t lo = 0, hi = 0, lo_h = 0, hi_h = 0;
    struct rolled_midst midst = {};
    if (slides(ev, s, fn)) return slide_series(s, r, fn, ev, rows);
    for (uint32_t i = 0; i < g.n; i++) {
        int64_t to = r->ends[i], from = to - r->length;
        if (i % 128 == 127 && eval_check(ev) != ST_OK) break; /* who calls asks again */
        if (eval_rolled_has(s, &r->horizon, from, to)) {
            struct cell c = {};
            uint64_t before = ev->queryable;
            bool has_value = eval_rolled_call(ev, e, s, &r->horizon, from, to, &c);
            if (ev->per_step) ev->per_step[i] += ev->queryable - before;
            if (ev->reads) ev->reads[i] += ev->queryable - before;
            if (!has_value) continue;
            if (!row) row = row_of(ev, rows, s, g);
            row_put_cell(ev, row, i, g.n, c);
            continue;
        }
        if (s->n_rolled && !r->horizon.any) { /* NEEDS_CHANGE, NEEDS_SUM */
            struct cell c = {};
            bool has_value = eval_rolled_midst(ev, e, s, from, to, &midst, &c.v);
            several |= midst.samples > 1;
            if (!has_value) continue;
            if (!row) row = row_of(ev, rows, s, g);
            row_put_cell(ev, row, i, g.n, c);
            continue;
        }
        while (hi < s->n && s->samples[hi].t <= to) hi++;
        while (lo < hi && s->samples[lo].t <= from) lo++;
        while (hi_h < s->n_histograms && s->histograms[hi_h].t <= to) hi_h++;
        while (lo_h < hi_h && s->histograms[lo_h].t <= from) lo_h++;
        if (lo == hi && lo_h == hi_h) continue;
        struct window w = {.s = s->samples + lo,
                           .starts = s->starts ? s->starts + lo : NULL,
                           .n = hi - lo,
                           .h = s->histograms + lo_h,
                           .n_h = hi_h - lo_h,
                           .from = from,
                           .to = to,
                           .at = grid_at(g, i)};
        eval_count(ev, i, w.n + w.n_h, eval_fresh(ev, r, i, &w));
        several |= w.n > 1;
        for (unsigned k = 0; k < n_scalars; k++) w.args[k] = scalars[k][r->first + i];
        if (w.n && fn == fn_quantile_over_time && !(w.args[0] >= 0 && w.args[0] <= 1))
            eval_warn_quantile(ev, e->call.args[0], w.args[0]);
        if (counter && (w.starts || w.n_h))
            window_note_overlap(ev, e->call.args[0], &w, labels_get(s->labels, LABEL_NAME));
        struct cell c = {};
        bool has = w.n_h ? eval_window_native(ev, e, s->labels, &w, fn, &c) : fn(&w, &c.v);
        if (!has) continue;
        if (!row) row = row_of(ev, rows, s, g);
        row_put_cell(ev, row, i, g.n, c);
    }
    return several;
}

/* A call under way. */
struct calling {
    struct evaluator *ev;
    const struct promql_expr *e;
    struct promql_expr *ranges;
    struct grid g;
    double *scalars[3];
    unsigned n_scalars;
    struct rows rows;
    const struct row_sink *sink; /* NULL: all rows are kept */
};

static status call_set(void *ctx, const struct ranges *r)
{
    struct calling *x = ctx;
    bool counter = is_named(x->e, "rate") || is_named(x->e, "increase");
    bool keeps_name = is_named(x->e, "last_over_time") || is_named(x->e, "first_over_time");
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t before = x->rows.n;
        bool several =
            one_series(x->e, &r->series[i], r, x->scalars, x->n_scalars, x->ev, &x->rows);
        if (counter && several) note_not_a_counter(x->ev, x->e, &r->series[i]);
        if (x->rows.n > before && !keeps_name) row_drop_name(x->ev, &x->rows.list[before]);
        TRY(eval_check(x->ev));
    }
    return ST_OK;
}

static status hand_over_set(void *ctx, const struct ranges *r)
{
    struct calling *x = ctx;
    struct arena *arena = x->ev->arena;
    x->ev->arena = x->ev->room; /* rows go with the samples */
    x->rows = (struct rows){};
    status s = call_set(x, r);
    if (s == ST_OK) s = rows_hand_over(x->ev, x->rows, r->g, x->sink);
    x->ev->arena = arena;
    return s;
}

/* The arguments but the ranges. */
static status begin_call(struct calling *x)
{
    const struct promql_expr *e = x->e;
    for (uint32_t i = 0; i < e->call.n_args; i++) {
        if (promql_type_of(e->call.args[i]) == PROMQL_MATRIX) {
            x->ranges = e->call.args[i];
            continue;
        }
        struct value v;
        TRY(eval_expr(x->ev, e->call.args[i], x->g, &v));
        x->scalars[x->n_scalars++] = v.scalar;
    }
    for (uint32_t i = 0; x->n_scalars && i < x->g.n; i++) {
        double args[3] = {};
        for (unsigned k = 0; k < x->n_scalars; k++) args[k] = x->scalars[k][i];
        TRY(check_args(x->ev, e, args));
    }
    return ST_OK;
}

/* Who counts samples has to see them. */
static enum series_needs needs_of(const struct evaluator *ev, const struct promql_expr *e,
                                  struct grid g)
{
    window_fn fn = table[e->call.fn->id];
    if (ev->reads) return NEEDS_ALL;
    if (fn == fn_rate || fn == fn_increase || fn == fn_delta) return NEEDS_CHANGE;
    if (fn == fn_sum_over_time || fn == fn_avg_over_time || fn == fn_count_over_time)
        return NEEDS_SUM;
    if (g.n > 1) return NEEDS_ALL;
    return fn == fn_min_over_time       ? NEEDS_LEAST
           : fn == fn_max_over_time     ? NEEDS_MOST
           : fn == fn_present_over_time ? NEEDS_ONE
                                        : NEEDS_ALL;
}

bool eval_is_window_call(const struct promql_expr *call) { return table[call->call.fn->id]; }

status eval_window_each(struct evaluator *ev, struct promql_expr *e, struct grid g,
                        const struct row_sink *sink)
{
    struct calling x = {.ev = ev, .e = e, .g = g, .sink = sink};
    TRY(begin_call(&x));
    return eval_ranges_each(ev, x.ranges, g, eval_rolled_knows(e),
                            &(struct ranges_sink){hand_over_set, &x, true, needs_of(ev, e, g)});
}

status eval_window_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
                        struct value *ret)
{
    struct calling x = {.ev = ev, .e = e, .g = g};
    for (uint32_t i = 0; i < e->call.n_args; i++) {
        const struct promql_expr *arg = promql_bare(e->call.args[i]);
        if (arg->kind == PROMQL_RANGE && arg->range.selector->selector.reach)
            return eval_extended_call(ev, e, e->call.args[i], g, ret);
    }
    TRY(begin_call(&x));
    TRY(eval_ranges_each(ev, x.ranges, g, eval_rolled_knows(e),
                         &(struct ranges_sink){call_set, &x, false, needs_of(ev, e, g)}));
    *ret = rows_ranked(x.rows, g);
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}
