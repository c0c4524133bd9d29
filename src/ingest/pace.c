#include "ingest/pace.h"

/* Many small clients: so many requests a tick that come over so many connections, and so small. */
enum { MANY_REQUESTS = 20, MANY_CONNECTIONS = 64, SMALL_REQUEST = 32 << 10 };

/* The pace moves in steps, or it would be another one each tick. */
enum { AT_ONCE = 20, LEAST_MS = 20, MOST_MS = 40, STEP_MS = 10 };

unsigned pace_of(const struct pace_load *l, unsigned before)
{
    unsigned least = before ? MANY_REQUESTS / 2 : MANY_REQUESTS;
    if (l->requests < least || l->bytes / l->requests > SMALL_REQUEST ||
        l->connections < MANY_CONNECTIONS)
        return 0;
    unsigned ms = (AT_ONCE * PACE_TICK_MS / l->requests + STEP_MS / 2) / STEP_MS * STEP_MS;
    return ms < LEAST_MS ? LEAST_MS : ms > MOST_MS ? MOST_MS : ms;
}
