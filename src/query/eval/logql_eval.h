/* logql_eval: the pipeline of a log query, and metric queries over a grid of times. Pure: rows come
 * from a source. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "query/ir/logql.h"
#include "query/ir/logql_value.h"
#include "query/ir/loki_labels.h"

/* --- stages over one line --- */

struct logql_pipeline;

/* Compiles the stages. `lines_done`: line filters were already applied where the lines come from.
 * ST_INVALID: a regular expression. */
[[nodiscard]] status logql_pipeline_new(struct arena *a, const struct logql_log *log,
                                        bool lines_done, struct logql_pipeline **ret,
                                        struct err *err);

/* Does the line stay? `labels` (sorted, all of the line's) lose what drop and keep take away, and
 * get __error__ when a label filter cannot read a value. The array is changed in place: it must be
 * the caller's own, with `a`'s lifetime. */
bool logql_pipeline_run(struct logql_pipeline *p, struct arena *a, str line,
                        struct loki_labels *labels);

/* Can a line be dropped by other than line filters? */
bool logql_filters_labels(const struct logql_log *log);

/* A stream's labels against a selector. */
struct logql_selector;
[[nodiscard]] status logql_selector_new(struct arena *a, const struct logql_matchers *m,
                                        struct logql_selector **ret, struct err *err);
bool logql_selector_match(struct logql_selector *s, const struct loki_labels *labels);

/* --- metric queries --- */

/* The labels that the caller of a range aggregation can see; with `all`, every one. */
struct logql_needs {
    bool all;
    const str *names;
    uint32_t n;
};

/* Lines and bytes of each series in each window (t - range, t]. A line at `ts` lies in the windows
 * of the times first = ceil((ts - start) / step) ... last = ceil((ts + range - start) / step) - 1
 * so rows that share both can be added as one. */
struct logql_windows;

struct logql_span {
    int64_t first, last; /* indexes of the grid; empty when last < first */
};
struct logql_span logql_window_span(const struct logql_grid *g, nanos range, nanos ts);

/* `labels` are the line's after the pipeline, sorted; what is not needed is left out here.
 * ST_EXECUTION: a pipeline error among the labels. ST_INVALID: more series than the limit. */
[[nodiscard]] status logql_windows_add(struct logql_windows *w, const struct loki_labels *labels,
                                       struct logql_span span, uint64_t lines, uint64_t bytes,
                                       struct err *err);

struct logql_source {
    /* Adds every line of `range` (a LOGQL_RANGE) that falls into a window. `grid` is already moved
     * by the offset. */
    status (*load)(struct logql_source *s, const struct logql_expr *range,
                   const struct logql_grid *grid, const struct logql_needs *needs,
                   struct logql_windows *into, struct err *err);
};

struct logql_eval {
    struct arena *arena;
    struct logql_grid grid;
    struct logql_source *source;
    uint64_t max_series;
};

/* A metric query, or a number. */
[[nodiscard]] status logql_eval(struct logql_eval *e, const struct logql_expr *x,
                                struct logql_matrix *ret, struct err *err);
