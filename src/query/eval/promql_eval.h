/* promql eval: what its files share. Private to eval.
 *
 * Each expression is evaluated over all steps of a grid at once: a vector is rows of one value a
 * step. */
#pragma once

#include <math.h>

#include "query/eval/eval.h"

struct evaluator {
    struct arena *arena;
    str query;
    struct promql_eval_options opt;
    struct series_source *source;
    struct notes *warnings, *infos;
    uint64_t samples;         /* values held, counted against max_samples */
    uint64_t read, queryable; /* struct promql_counts */
    struct err *err;
};

/* promql_rows.c */
struct rows {
    struct row *list;
    uint32_t n, cap;
};
struct row *rows_add(struct evaluator *ev, struct rows *r, struct labels l, uint32_t steps);
void row_put(struct row *r, uint32_t step, double v);
struct value rows_value(struct rows r, struct grid g);
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

void eval_warn_quantile(struct evaluator *ev, const struct promql_expr *e, double q);

/* promql_select.c */
[[nodiscard]] status eval_selector(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                   bool times, struct value *ret);
/* A range vector for every step of `g`: step i sees the samples in (ends[i] - length, ends[i]]. */
struct ranges {
    struct raw_series *series;
    uint32_t n;
    int64_t length;
    int64_t *ends;
};
[[nodiscard]] status eval_ranges(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                 struct ranges *ret);

/* promql_window.c */
struct window {
    const struct sample *s;
    uint32_t n;
    int64_t from, to; /* (from, to] */
    int64_t at;       /* the step */
    double args[3];
};
[[nodiscard]] status eval_window_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                      struct value *ret);

/* promql_call.c: everything of functions.def */
[[nodiscard]] status eval_call(struct evaluator *ev, struct promql_expr *e, struct grid g,
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
[[nodiscard]] status eval_histogram_fraction(struct evaluator *ev, struct promql_expr *e,
                                             struct grid g, struct value *ret);
/* promql_aggregate.c, promql_topk.c */
[[nodiscard]] status eval_aggregate(struct evaluator *ev, struct promql_expr *e, struct grid g,
                                    struct value *ret);
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
