/* days: days of data points that are over become one part each.
 *
 * A series lies in one run an hour in each part, and each run costs about forty bytes of its own.
 * As inserts and merges leave a day, most of its hours are cut between parts, a fifth into pieces
 * of half an hour and less (docs/decisions/0041). */
#pragma once

#include <stdint.h>

#include "lifecycle/jobs.h"

struct days {
    uint32_t quiet_seconds; /* a day is over when its newest point is so old, and next to nothing
                               was written to it for so long */
    uint64_t reserve;       /* bytes of disk that stay free */
    nanos not_before; /* monotonic: after merging it rests ten times as long as that took, after a
                         failure for an hour */
};

/* Merges the newest day of otel_metrics that is over and has a twentieth of its points or more
 * outside of its largest part, unless it is larger than 16 GiB, a part of it is on the cold volume,
 * the engine merges points now, or the disk has no room for both. *ret_partitions: 0 or 1. A
 * server's tables are left as they are. The statement does not end when run->stop is set, but when
 * the engine is told to stop merges (cmd/owner.c). thread: the job's */
[[nodiscard]] status merge_days(struct days *d, const struct lifecycle_run *run,
                                uint32_t *ret_partitions, struct err *err);
