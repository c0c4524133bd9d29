/* outage: what is said of a destination that fails: once when it begins, each minute while it
 * lasts, once when it is over. Of one that goes and comes, no more than every ten seconds. Pure;
 * thread: who holds the queue's mutex. */
#pragma once

#include <stdint.h>

#include "base/clock.h"

struct outage {
    uint64_t tries;    /* that failed since the last that did not */
    nanos began, said; /* said: the last line, of this outage or one before */
};

enum outage_news { OUTAGE_NOTHING, OUTAGE_BEGINS, OUTAGE_LASTS, OUTAGE_OVER };

enum outage_news outage_failed(struct outage *o, nanos now);

/* *ret: the outage that is over. */
enum outage_news outage_worked(struct outage *o, struct outage *ret);
