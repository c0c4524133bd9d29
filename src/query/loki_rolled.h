/* loki_rolled: which part of a metric query's time the five-minute counts answer exactly as the
 * records would. Private to query. thread: query */
#pragma once

#include "query/loki_fetch.h"

/* rolled.in empty: all of it is for the records. */
struct loki_split {
    struct loki_rolled rolled;
    struct loki_stretches raw; /* the rest of the grid's time */
};

/* `names`: every label that the query asks for or looks at. */
[[nodiscard]] status loki_rolled_split(struct query_job *j, const struct loki_selected *s,
                                       const struct loki_grid *g, const str *names, uint32_t n,
                                       struct loki_split *ret, struct err *err);
