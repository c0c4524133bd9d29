/* promql_found: the series of a selection, looked up once a query however often samples of them are
 * asked for, and the samples at the end of a scan that the next one begins with. Private to query.
 * thread: query */
#pragma once

#include "query/promql_reading.h"

struct found;

/* The series that the matchers select on the scope's days, without samples, for who reads into
 * `io_r`: all of it but job, arena, matchers and warnings is set. The same matchers find the same
 * list again, in *io_list, when that was of these days too, and the query's arena is asked for. */
[[nodiscard]] status found_series(struct found **io_list, struct reading *io_r,
                                  const struct promql_scope *scope, struct err *err);

/* Samples of the last `tail_ms` that the outputs of some stored series were given are kept for the
 * next scan. Their outputs are in order. */
void found_keep_tail(struct found *f, const struct stored *list, uint32_t n, int64_t to_ms,
                     int64_t tail_ms);
/* After the last of a scan. */
void found_tail_kept(struct found *f, int64_t to_ms, int64_t tail_ms);
size_t found_held(const struct found *f); /* bytes of kept samples; NULL is accepted */
/* Nothing has to be read. */
bool found_has(const struct found *f, int64_t from_ms, int64_t to_ms);
/* Gives outputs their samples that are kept of what is wanted from `from_ms` on; the rest begins at
 * what is returned. */
int64_t found_give_tail(const struct found *f, struct reading *r, int64_t from_ms, int64_t to_ms);
