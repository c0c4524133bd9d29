/* logql_windows: the accumulator behind range aggregations. Private to eval. */
#pragma once

#include "base/map.h"
#include "query/eval/logql_eval.h"

enum { LOKI_LABELS_MAX = 256 }; /* that a grouping can name and a series has */

struct window_series {
    struct loki_labels labels;
    int64_t *lines, *bytes; /* differences: grid.n + 1 */
};

struct logql_windows {
    struct arena *arena;
    struct logql_grid grid;
    struct logql_needs needs;
    uint64_t max_series;
    struct map by_labels;
    struct window_series *series;
    uint32_t n;
};

void logql_windows_init(struct logql_windows *w, const struct logql_eval *e,
                        const struct logql_needs *needs);
void logql_windows_values(const struct logql_windows *w, enum logql_range_op op, nanos range,
                          struct logql_matrix *ret);
void logql_windows_absent(const struct logql_windows *w, const struct logql_matchers *m,
                          struct logql_matrix *ret);

/* logql_aggregate.c, logql_binary.c */
[[nodiscard]] status logql_aggregate(struct logql_eval *e, const struct logql_expr *x,
                                     const struct logql_matrix *in, struct logql_matrix *ret,
                                     struct err *err);
[[nodiscard]] status logql_binary(struct logql_eval *e, const struct logql_expr *x,
                                  const struct logql_matrix *left, const struct logql_matrix *right,
                                  struct logql_matrix *ret, struct err *err);
