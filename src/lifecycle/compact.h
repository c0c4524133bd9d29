/* compact: while little is written, hours of spans stay compact, and become one part when they are
 * over.
 *
 * What a start waits for is files: the engine looks at each of them three times, and a wide part of
 * otel_traces has 186, a compact one 14 (docs/decisions/0030). Merging to compact parts costs a
 * span three times as much, so it is done only where there are few; and what is wide once, the
 * engine merges to wide parts only. */
#pragma once

#include <stdint.h>

#include "lifecycle/jobs.h"

struct compact {
    uint32_t partition_seconds; /* of otel_traces */
    uint32_t quiet_seconds;     /* a partition is over when nothing was written to it for so long */
    nanos patience;             /* few rows must have come for so long */
    nanos few_since;            /* monotonic; 0: they do not */
    nanos not_before; /* monotonic: after merging it rests twenty times as long as that took */
};

/* Says up to how many rows merges make compact parts, by how many there are in the newest two
 * partitions: 1,048,576 when few have come for a while, at once 131,072 when they are many. Then
 * merges partitions that are over and have several compact parts, one after another, for two
 * seconds (one at least), unless the engine merges spans now. *ret_partitions: how many. A server's
 * tables are left as they are. thread: the job's */
[[nodiscard]] status compact_hours(struct compact *c, const struct lifecycle_run *run,
                                   uint32_t *ret_partitions, struct err *err);
