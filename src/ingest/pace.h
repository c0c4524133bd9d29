/* pace: how long a worker's loop leaves its sockets alone. A wake-up for each small request costs
 * more than the request, and so does a sync of the journal; many small clients are taken several
 * at a time. Few connections may each wait for an answer before they send again: to them a pace
 * would be a brake. Pure. */
#pragma once

#include <stdint.h>

/* What came in PACE_TICK_MS. */
enum { PACE_TICK_MS = 100 };
struct pace_load {
    unsigned requests;
    uint64_t bytes; /* of them, as they came */
    unsigned connections;
};

/* Milliseconds between two looks at the sockets: so many that a score of requests come meanwhile,
 * 20 to 40. 0: whenever something comes. `before`: what it was; a pace is kept until the requests
 * are half as many as it takes to begin one. */
unsigned pace_of(const struct pace_load *l, unsigned before);
