/* promql_change: what changed over a long range (NEEDS_CHANGE), without the samples of its middle:
 * windows of an hour stand for them. Private to query. thread: query */
#pragma once

#include "query/promql_reading.h"

/* Which part of the scope has windows that every sample there is in now, into r->change; hours_to
 * 0: too little. `whole_ms` as of struct series_sink: 0, one range, whose windows are
 *
 *   scope.from |-- samples --| fine |== an hour ==|== an hour ==|-- samples --| scope.to
 *
 * or several, of which each begins and ends with windows:
 *
 *   scope.from |-- samples --| fine | fine | fine | fine | fine |-- samples --| scope.to
 *
 * ST_...: of the statement that asks which are fresh. */
[[nodiscard]] status change_parts_of(struct reading *r, const struct promql_scope *scope,
                                     int64_t whole_ms, struct err *err);
/* How many samples and windows a series of usual intervals has, in the room of samples; and how
 * many samples at the ends. */
uint64_t change_expected(const struct change_parts *c, const struct promql_scope *scope);
uint64_t change_ends_expected(const struct change_parts *c, const struct promql_scope *scope);

/* Reads the samples at both ends into the outputs. ST_EXECUTION: more than the query's memory. */
[[nodiscard]] status change_read_ends(struct reading *r, const struct promql_scope *scope,
                                      const struct wanted *w, struct err *err);
/* The windows between them, and the ends unless r->has_ends. Stored series whose windows may not be
 * what the samples say (they began to count anew, or nothing at their end says that they did not;
 * numbers that are not finite, or not whole where that matters) are marked `raw`, and have nothing.
 * ST_EXECUTION: as above. */
[[nodiscard]] status change_read(struct reading *r, const struct promql_scope *scope,
                                 const struct wanted *w, unsigned *io_used, struct err *err);
/* What was read into the outputs is forgotten. */
void change_forget(struct stored *s);
