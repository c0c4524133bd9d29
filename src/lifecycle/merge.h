/* merge: a partition of one of weir's tables becomes one part. Private to lifecycle. */
#pragma once

#include "lifecycle/jobs.h"

/* OPTIMIZE ... FINAL of the partition `id` of `table`, at most `timeout_ms`. A merge under way
 * does not end when run->stop is set, but when the engine is told to stop merges (cmd/owner.c).
 * ST_INTERNAL: no such id can be; others: of the statement. thread: a job's */
[[nodiscard]] status merge_partition(const struct lifecycle_run *run, const char *table, str id,
                                     uint32_t timeout_ms, struct err *err);
