/* promql_cached: a range query by way of the cache (job->cache). Private to query. thread: query
 *
 * The steps are cut at multiples of the cache's extent. What is cached of them is taken, the others
 * are evaluated in as few runs as they lie in, and whole extents that are settled are kept, under
 * the expression as it is printed, the step, the phase of the steps, the lookback, and the
 * generation of the samples they read: docs/decisions/0024-result-cache.md. */
#pragma once

#include "query/eval/eval.h"
#include "query/promql_store.h"

struct promql_cached {
    struct promql_store *store; /* of the query: its job has the cache */
    str text;
    struct promql_expr *expr;
    const struct promql_eval_options *opt;
    struct notes *warnings, *infos;
};

/* The same as promql_eval would make, but for the order of the notes. *ret_done false: the cache
 * cannot help, evaluate it plainly; nothing was done that is seen. A note that tells of all steps
 * together (notes.of_range) is such a case, when some of them are cached. */
[[nodiscard]] status promql_cached_eval(const struct promql_cached *q, struct value *ret,
                                        bool *ret_done, struct err *err);
