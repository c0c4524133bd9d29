#include "ingest/turns.h"

nanos turn_take(atomic_int_fast64_t *free_at, nanos now, nanos every, unsigned at_once)
{
    int_fast64_t before = atomic_load(free_at), from;
    do {
        from = before > now ? before : now;
    } while (!atomic_compare_exchange_weak(free_at, &before, from + every));
    nanos wait = from - now - (nanos)(at_once - 1) * every;
    return wait > 0 ? wait : 0;
}
