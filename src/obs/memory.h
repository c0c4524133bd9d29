/* memory: the resident memory of the process against its limits. One watch for the process.
 *
 *   resident > soft: memory_admit says no, with a retryable status
 *   resident > hard, or above soft for a second: idle memory is given back as well
 *
 * A thread reads /proc/self/statm at each interval; another gives memory back, because that may
 * take long. */
#pragma once

#include "base/clock.h"
#include "base/err.h"

/* The memory there is, in bytes: the least limit of the cgroups the process is in (v2 memory.max,
 * v1 memory.limit_in_bytes, and those of their parents), or the machine's memory. Files are looked
 * for below `root` ("" but for tests). 0: nothing can be read. */
uint64_t memory_there_is(const char *root);

struct memory_options {
    uint64_t soft, hard;      /* bytes */
    nanos interval;           /* between readings */
    void (*shed)(void *ctx);  /* gives back what the caller holds idle; may block. NULL: nothing */
    uint64_t (*read)(void *); /* resident bytes; NULL: /proc/self/statm */
    void *ctx;                /* of both */
};

/* Starts the threads. ST_UNAVAILABLE: they cannot be. thread: main */
[[nodiscard]] status memory_watch_start(const struct memory_options *opt, struct err *err);
void memory_watch_stop(void); /* also when it was not started. thread: main */

/* May more be taken into memory? ST_OVERLOADED with the figures. ST_OK when nothing watches.
 * thread: any; two atomic loads */
[[nodiscard]] status memory_admit(struct err *err);
