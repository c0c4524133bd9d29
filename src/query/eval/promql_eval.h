/* promql eval: what its files share. Private to eval.
 *
 * Each expression is evaluated over all steps of a grid at once: a vector is rows of one value a
 * step. */
#pragma once

#include <math.h>

#include "query/eval/eval.h"

/* Where buckets of classic histograms were not cumulative: told once for all steps. */
struct forced {
    const struct promql_expr *at;
    str suffix; /* names the metric */
    int64_t from, to;
    double lowest, highest, by; /* bounds; the largest difference */
    uint64_t samples;
    struct forced *next;
};

struct evaluator {
    struct arena *arena, *room; /* room: of the samples that are looked at, as long as they are */
    struct arena *main;         /* of the query; `arena` is another while rows go with samples */
    struct shared *shared;      /* promql_shared.c */
    struct selection *selections;
    uint64_t noted; /* what is told later, or in place of another note */
    str query;
    struct promql_eval_options opt;
    struct series_source *source;
    struct notes *warnings, *infos;
    struct forced *forced;
    uint64_t samples, peak;     /* values held, counted against max_samples; at most */
    uint64_t queryable;         /* struct promql_counts */
    uint64_t *per_step, *reads; /* of the grid that is evaluated; NULL: not counted */
    bool inner; /* in a subquery, or in what is the same at every step: steps of its own, or one */
    bool stats; /* inside histogram_count and its like: resets are told by hints, not by buckets */
    const struct promql_expr *given_for; /* has been evaluated, to this (promql_stream.c) */
    struct value given;
    struct err *err;
};

/* promql_rows.c */
struct rows {
    struct row *list;
    uint32_t n, cap;
};
/* A value: a number, or a histogram where `h` is set. */
struct cell {
    double v;
    const struct histogram *h;
};
static inline struct cell row_cell(const struct row *r, uint32_t step)
{
    return (struct cell){r->v[step], r->has[step] == POINT_HISTOGRAM ? r->h[step] : NULL};
}
void row_put_cell(struct evaluator *ev, struct row *r, uint32_t step, uint32_t steps,
                  struct cell c);
/* Histograms are nothing to most functions. */
void row_drop_histograms(struct row *r, uint32_t steps);
struct row *rows_add(struct evaluator *ev, struct rows *r, struct labels l, uint32_t steps);
void row_put(struct row *r, uint32_t step, double v);
struct value rows_value(struct rows r, struct grid g);
struct row_sink;
/* To whom takes them and lets them go. */
[[nodiscard]] status rows_hand_over(struct evaluator *ev, struct rows r, struct grid g,
                                    const struct row_sink *sink);
struct value rows_ranked(struct rows r, struct grid g); /* in the order of their ranks */
/* Without __name__, __type__ and __unit__: what an operation makes of a metric is not that metric.
 */
struct labels without_name(struct evaluator *ev, struct labels l);
/* Takes the name away now, or marks the row, as the options say. */
void row_drop_name(struct evaluator *ev, struct row *r);
/* Rows with equal labels become one; two values in one step are an error. */
[[nodiscard]] status rows_unite(struct evaluator *ev, struct value *v);
void rows_sort(struct value *v);
/* The row with these labels, made when there is none. `index` maps hashes of labels to rows. */
struct map;
struct row *rows_with(struct evaluator *ev, struct rows *r, struct map *index, struct labels l,
                      uint32_t steps);

/* promql_eval.c */
/* Samples looked at for step `i` of the grid that is evaluated; `fresh` of them are new to it. */
static inline void eval_count(struct evaluator *ev, uint32_t i, uint64_t n, uint64_t fresh)
{
    ev->queryable += n;
    if (ev->per_step) ev->per_step[i] += n;
    if (ev->reads) ev->reads[i] += fresh;
}
[[nodiscard]] status eval_expr(struct evaluator *ev, struct promql_expr *e, struct grid g,
                               struct value *ret);
[[nodiscard]] status eval_check(struct evaluator *ev);
[[nodiscard]] status eval_samples(struct evaluator *ev, uint64_t more);
[[nodiscard]] status eval_unsupported(struct evaluator *ev, const struct promql_expr *e,
                                      const char *what);
[[gnu::format(printf, 3, 4)]] void eval_warn(struct evaluator *ev, const struct promql_expr *e,
                                             const char *fmt, ...);
[[gnu::format(printf, 3, 4)]] void eval_info(struct evaluator *ev, const struct promql_expr *e,
                                             const char *fmt, ...);

void eval_note_forced(struct evaluator *ev); /* promql_histogram.c: once, at the end */
void eval_warn_quantile(struct evaluator *ev, const struct promql_expr *e, double q);

/* promql_select.c */
enum select_what { SELECT_VALUES, SELECT_TIMES, SELECT_STARTS };
[[nodiscard]] status eval_selector(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                   enum select_what what, struct value *ret);
/* The moment that a selector or subquery looks at from *io_t. */
[[nodiscard]] status eval_moment(struct evaluator *ev, const struct promql_shift *s, int64_t *io_t);
/* Takes rows some at a time: of some series, and of some steps of the grid asked for. They go after
 * the call. */
struct row_sink {
    status (*take)(void *ctx, const struct value *rows);
    void *ctx;
};
/* The rows of an instant selector, set by set, in the order of the source. */
[[nodiscard]] status eval_selector_each(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                        const struct row_sink *sink);
/* A range vector for every step of `g`: step i sees the samples in (ends[i] - length, ends[i]]. */
struct ranges {
    struct raw_series *series;
    uint32_t n;
    int64_t length;
    int64_t *ends;
    struct grid g; /* the steps these are of: from step `first` on of the grid asked for */
    uint32_t first;
    struct horizon horizon;
    uint64_t queryable; /* of a subquery: what its steps looked at */
    bool derived;       /* of a subquery: what it read has been counted */
};
/* `rolled`: what asks can do with windows where samples are gone. */
[[nodiscard]] status eval_ranges(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                 bool rolled, struct ranges *ret);
/* The same to `take`, some series at a time, whose samples go after the call. `in_order`: in the
 * order of the source, and some steps after the other where that is better; otherwise in any: a row
 * of one gets its rank, and rows_ranked puts them in order. */
struct ranges_sink {
    status (*take)(void *ctx, const struct ranges *r);
    void *ctx;
    bool in_order;
    enum series_needs needs; /* of a range; with several steps all, but where windows will do */
};
[[nodiscard]] status eval_ranges_each(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                      bool rolled, const struct ranges_sink *sink);

/* promql_rolled.c: what windows of rollups answer. */
bool eval_rolled_knows(const struct promql_expr *call);
/* The sample that an instant selector sees at `at`. False: none. */
bool eval_rolled_last(const struct raw_series *s, const struct horizon *horizon, int64_t at,
                      int64_t lookback, int64_t *ret_t, struct cell *ret);
/* Are there windows in the range (from, to]? */
bool eval_rolled_has(const struct raw_series *s, const struct horizon *horizon, int64_t from,
                     int64_t to);
/* The function over (from, to], a range that has windows. False: it makes nothing. */
bool eval_rolled_call(struct evaluator *ev, const struct promql_expr *e, const struct raw_series *s,
                      const struct horizon *horizon, int64_t from, int64_t to, struct cell *ret);
/* Where in a series with windows in the midst of its samples a range lies: of [lo, hi). */
struct rolled_midst {
    uint32_t lo, hi, windows_lo, windows_hi;
    uint32_t samples; /* in it, those of its windows counted */
};
/* rate(), increase(), delta() (NEEDS_CHANGE), or the sum, average or number (NEEDS_SUM) of
 * (from, to], which begins and ends with windows where it has any: what all the samples would give;
 * of numbers that are no integers and of a counter that fell, but for the last digits. *io: of the
 * range before, which began and ended no later; zeroed for the first. False: it makes nothing. */
bool eval_rolled_midst(struct evaluator *ev, const struct promql_expr *e,
                       const struct raw_series *s, int64_t from, int64_t to,
                       struct rolled_midst *io, double *ret);
/* Says so when a moment or range does not begin and end with windows. */
void eval_note_rounded(struct evaluator *ev, const struct promql_expr *at,
                       const struct horizon *horizon, const int64_t *ends, uint32_t n,
                       int64_t length);

/* promql_window.c */
struct window {
    const struct sample *s;
    uint32_t n;
    const int64_t *starts; /* of `s`; may be NULL */
    const struct histogram_sample *h;
    uint32_t n_h;
    int64_t from, to; /* (from, to] */
    int64_t at;       /* the step */
    double args[3];
};
[[nodiscard]] status eval_window_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                      struct value *ret);
bool eval_is_window_call(const struct promql_expr *call);
/* How many of the window's samples step i is the first to look at. */
uint64_t eval_fresh(const struct evaluator *ev, const struct ranges *r, uint32_t i,
                    const struct window *w);
/* The rows of a call whose range is a selector's, set by set, in the order of the source. */
[[nodiscard]] status eval_window_each(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                      const struct row_sink *sink);

/* promql_window_native.c: a window with histograms in it. False: it makes nothing. `fn` is what
 * does the numbers. */
typedef bool (*window_fn)(const struct window *w, double *ret);
bool eval_window_native(struct evaluator *ev, const struct promql_expr *e, struct labels l,
                        const struct window *w, window_fn fn, struct cell *ret);
/* What rate and its like multiply a difference with to cover the whole window: `first` is the first
 * value and `v` the difference, for counters. `n` samples from t0 to t1. */
double window_factor(const struct window *w, int64_t t0, int64_t t1, uint32_t n, bool counter,
                     double first, double v, bool per_second);
/* The same for a counter known to have been zero at `start`, inside the window. */
double window_factor_from(const struct window *w, int64_t start, int64_t t0, int64_t t1, uint32_t n,
                          bool per_second);
/* rate, increase (counter) and delta of one window. False: it makes nothing. */
bool window_change(const struct window *w, bool counter, bool per_second, double *ret);
/* The same of the windows of one step after the other, of samples without start times: a step looks
 * at the samples that are new to it, and at all of its window only when the counter fell there.
 * What it makes is what window_change makes, to the last bit. */
struct sliding {
    const struct sample *s;
    uint32_t n;
    int64_t length; /* of a window, which is (end - length, end] */
    bool counter, per_second;
    uint32_t lo, hi; /* the window is [lo, hi) */
    uint32_t fell;   /* the last of [1, hi) that is less than the one before; 0: none */
    uint64_t looked; /* samples in all windows */
    bool several;    /* some window had two */
};
/* The next `n` windows, whose ends do not fall: values where ret_has says POINT_FLOAT. Returns how
 * many. */
uint32_t window_slide(struct sliding *io_x, const int64_t *ends, uint32_t n, double *ret_v,
                      uint8_t *ret_has);
/* Says a sample's start time that the counter began anew after the sample before it? */
bool window_restarted(int64_t start, int64_t t, int64_t start_before, int64_t t_before);
static inline bool window_restarts(const struct window *w, uint32_t i)
{
    return w->starts && window_restarted(w->starts[i], w->s[i].t, w->starts[i - 1], w->s[i - 1].t);
}
/* Is the start time of a window's first sample inside the window? */
static inline bool window_has_start(const struct window *w, int64_t start, int64_t t)
{
    return start > w->from && start < t;
}
/* Notes samples that overlap the one before by their start times. */
void window_note_overlap(struct evaluator *ev, const struct promql_expr *at, const struct window *w,
                         str name);

/* promql_extended.c: anchored and smoothed */
[[nodiscard]] status eval_extended_call(struct evaluator *ev, struct promql_expr *e,
                                        struct promql_expr *arg, struct grid g, struct value *ret);
/* The value of a smoothed selector at `t`. False: none. */
bool eval_smoothed_at(struct evaluator *ev, const struct promql_expr *e, const struct raw_series *s,
                      int64_t t, struct cell *ret);

/* promql_native.c: functions of native histograms */
[[nodiscard]] status eval_native_map(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                     struct value *ret);
double native_quantile(struct evaluator *ev, const struct promql_expr *at, double q,
                       const struct histogram *h, str name);
double native_fraction(struct evaluator *ev, const struct promql_expr *at, double lower,
                       double upper, const struct histogram *h, str name);
/* Annotations about histograms; `name` may be empty. */
void note_mixed_buckets(struct evaluator *ev, const struct promql_expr *at, str name);
void note_sum(struct evaluator *ev, const struct promql_expr *at, const struct histogram_sum *s,
              const char *doing);

/* promql_call.c: everything of functions.def */
[[nodiscard]] status eval_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
                               struct value *ret);
/* What the call makes of a row of its first argument hangs on that row alone. */
bool eval_is_row_call(const struct promql_expr *call);
/* promql_info.c */
[[nodiscard]] status eval_info_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                    struct value *ret);
/* promql_labels.c */
[[nodiscard]] status eval_label_replace(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                        struct value *ret);
[[nodiscard]] status eval_label_join(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                     struct value *ret);
[[nodiscard]] status eval_absent(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                 struct value *ret);
/* promql_histogram.c */
[[nodiscard]] status eval_histogram_quantile(struct evaluator *ev, struct promql_expr *e,
                                             struct grid g, struct value *ret);
[[nodiscard]] status eval_histogram_quantiles(struct evaluator *ev, struct promql_expr *e,
                                              struct grid g, struct value *ret);
[[nodiscard]] status eval_histogram_fraction(struct evaluator *ev, struct promql_expr *e,
                                             struct grid g, struct value *ret);
/* promql_shared.c: what stands in the query more than once. */
struct shared;
struct counted {
    uint64_t queryable, notes;
};
void eval_find_shared(struct evaluator *ev, struct promql_expr *e);
/* NULL: `e` is not one of them. */
struct shared *eval_shared(const struct evaluator *ev, const struct promql_expr *e);
/* Its value, when it has been evaluated over these steps. */
bool eval_take_shared(struct evaluator *ev, struct shared *s, struct grid g, struct value *ret);
/* Asked when a selector is read: will its series be read again? */
bool eval_reads_again(struct evaluator *ev, const struct promql_expr *selector);
struct counted eval_counted(const struct evaluator *ev);
void eval_keep_shared(struct evaluator *ev, struct shared *s, const struct counted *before,
                      const struct value *v);

/* promql_stream.c: the rows of what an aggregation is of, some at a time where that can be. */
[[nodiscard]] status eval_rows_each(struct evaluator *ev, struct promql_expr *of, struct grid g,
                                    const struct row_sink *sink);
/* promql_fold.c */
bool eval_folds(enum promql_aggregate op);
[[nodiscard]] status eval_fold(struct evaluator *ev, struct promql_expr *e, struct grid g,
                               struct value *ret);
/* promql_aggregate.c, promql_topk.c */
[[nodiscard]] status eval_aggregate(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                    struct value *ret);
/* Of the group that a row with these labels is in. */
struct labels eval_group_labels(struct evaluator *ev, const struct promql_expr *e, struct labels l);
struct grouping {
    uint32_t *of; /* group of each row */
    struct labels *labels;
    bool *drop_name; /* of what the group makes */
    uint32_t n;
};
[[nodiscard]] status eval_pick(struct evaluator *ev, struct promql_expr *e, const struct value *in,
                               const struct grouping *groups, const double *param,
                               struct value *ret);
/* promql_binary.c, promql_match.c */
[[nodiscard]] status eval_binary(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                 struct value *ret);
[[nodiscard]] status eval_match(struct evaluator *ev, struct promql_expr *e, const struct value *l,
                                const struct value *r, struct value *ret);
[[nodiscard]] status eval_set(struct evaluator *ev, struct promql_expr *e, const struct value *l,
                              const struct value *r, struct value *ret);
/* False: a comparison that does not hold (`*ret` is the left value all the same). */
bool promql_apply(enum promql_op op, double l, double r, double *ret);
/* The same of numbers and histograms. *ret_has false: these two cannot be put together (noted). */
bool eval_apply(struct evaluator *ev, const struct promql_expr *e, struct cell l, struct cell r,
                struct cell *ret, bool *ret_has);
bool promql_op_drops_name(enum promql_op op);

/* promql_math.c */
struct kahan {
    double sum, c;
};
void kahan_add(struct kahan *k, double v);
double kahan_value(const struct kahan *k);
double promql_quantile(double q, double *values, uint32_t n); /* sorts `values` */
int promql_compare_f64(const void *a, const void *b);         /* NaN first */

/* step(): an instant query has none. */
static inline double eval_step_seconds(const struct evaluator *ev)
{
    return ev->opt.is_range ? (double)ev->opt.grid.step / 1000 : 0;
}

static inline int64_t grid_at(struct grid g, uint32_t i) { return g.start + (int64_t)i * g.step; }
