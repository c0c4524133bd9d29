#include "base/clock.h"

#include <time.h>

static nanos read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NANOS_S + t.tv_nsec;
}

nanos clock_now(void) { return read_clock(CLOCK_REALTIME); }
nanos clock_monotonic(void) { return read_clock(CLOCK_MONOTONIC); }
nanos clock_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
