/* eval: an expression over a source of samples into values. Pure but for what the source does.
 * thread: query */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "query/ir/promql.h"
#include "query/ir/series.h"

/* How many samples an evaluation touched. */
struct promql_counts {
    uint64_t queryable; /* looked at by selectors, at each step again */
    uint64_t peak;      /* held at once */
    uint64_t *per_step; /* `queryable` of each step; NULL: not asked for, as is `reads` */
    uint64_t *reads;    /* of each step those that the window of the step before did not have */
    int64_t sorting;    /* how long sorting the answer took, by `clock` */
};

struct promql_eval_options {
    struct grid grid;         /* n = 1 for an instant query */
    int64_t start_ms, end_ms; /* what @ start() and @ end() mean */
    bool is_range;
    int64_t lookback_ms;     /* 0: 5 minutes */
    int64_t default_step_ms; /* of subqueries; 0: 1 minute */
    uint64_t max_samples;    /* 0: 50,000,000 */
    bool delayed_names;      /* __name__ is dropped at the very end only */
    status (*check)(void *ctx,
                    struct err *err); /* asked now and then whether to stop; may be NULL */
    void *check_ctx;
    struct promql_counts *counts; /* filled in on ST_OK; may be NULL */
    bool counts_steps;            /* counts->per_step and ->reads too: nothing is shared then */
    int64_t (*clock)(void);       /* NULL: no time is taken */
};

/* ST_EXECUTION: the query cannot be answered, err->msg says why and, for what is not implemented,
 * where. `query` is the text the positions of `e` refer to. Rows of a range answer are sorted by
 * labels. */
[[nodiscard]] status promql_eval(struct arena *a, str query, struct promql_expr *e,
                                 const struct promql_eval_options *opt,
                                 struct series_source *source, struct notes *warnings,
                                 struct notes *infos, struct value *ret, struct err *err);

/* The same series as `all`, an in-memory source that looks at the matchers itself; for tests and
 * small tables. */
struct memory_source {
    struct series_source source;
    const struct raw_series *list;
    uint32_t n;
};
void memory_source_init(struct memory_source *m, const struct raw_series *list, uint32_t n);
