/* disk: what is done when the disk of the tables is nearly full. Not for clusters: what one node
 * sees is not all there is. */
#pragma once

#include "lifecycle/jobs.h"

struct disk_policy {
    uint64_t reserve;  /* bytes to keep free; 0: no policy */
    bool drops_oldest; /* the oldest raw partitions go, but each table's newest; false: none */
};

struct disk_found {
    uint64_t free;    /* bytes, with what is about to be removed */
    bool is_short;    /* below the reserve still: nothing more should be taken in */
    unsigned dropped; /* partitions */
};

/* Looks at the disks that new rows are written to (the first volume of the tables' policies), and
 * drops partitions where the policy says so. Counts and logs what it drops. */
[[nodiscard]] status disk_keep_reserve(const struct disk_policy *p, const struct lifecycle_run *run,
                                       struct disk_found *ret, struct err *err);
