/* promql_change: what changed over a long range (NEEDS_CHANGE), without the samples of its middle:
 * windows of an hour stand for them. Private to query. thread: query */
#pragma once

#include "query/promql_reading.h"

/* Which hours of the scope have windows that every sample there is in now; all 0: too few.
 *
 *   scope.from |-- samples --| fine |== an hour ==|== an hour ==|-- samples --| scope.to */
[[nodiscard]] status change_parts_of(struct query_job *j, const struct promql_scope *scope,
                                     struct change_parts *ret, struct err *err);
/* How many samples and windows a series of usual intervals has. */
uint64_t change_expected(const struct change_parts *c, const struct promql_scope *scope);

/* Reads samples and windows into the outputs. Stored series whose windows may not be what the
 * samples say (an hour without one, nothing before or behind them, another time when counting
 * began) are marked `raw`, and have nothing. ST_EXECUTION: more than the query's memory. */
[[nodiscard]] status change_read(struct reading *r, const struct promql_scope *scope,
                                 const struct wanted *w, unsigned *io_used, struct err *err);
