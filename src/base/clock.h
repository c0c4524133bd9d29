/* clock: nanoseconds since 1970-01-01 UTC, and a monotonic clock for durations. thread: any. */
#pragma once

#include <stdint.h>

typedef int64_t nanos;

#define NANOS_MS 1000000ll
#define NANOS_S 1000000000ll
#define NANOS_HOUR (3600 * NANOS_S)
#define NANOS_DAY (24 * NANOS_HOUR)

nanos clock_now(void);       /* wall clock */
nanos clock_monotonic(void); /* for durations only */
nanos clock_cpu(void);       /* CPU time of the process, all threads */
