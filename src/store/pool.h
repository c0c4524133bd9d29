/* pool: who may use which connection now. Hands out slot numbers; what a slot holds is the
 * driver's.
 *
 * Waiting is first come, first served, inserts before queries. `reserved` slots are never given to
 * queries, so that no number of slow queries can stop ingestion. thread: any */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"

struct pool;

enum pool_use { POOL_INSERT, POOL_QUERY };

struct pool *pool_new(unsigned slots, unsigned reserved);
void pool_free(struct pool *p); /* nothing is taken any more; accepts NULL */

/* Waits for a slot until the monotonic time `deadline`. `cancel` may be NULL. The slot given back
 * last is handed out first. ST_OVERLOADED: none in time. ST_CANCELLED: `cancel` was set while
 * waiting. */
[[nodiscard]] status pool_take(struct pool *p, enum pool_use use, nanos deadline,
                               const atomic_bool *cancel, unsigned *ret_slot, struct err *err);
void pool_give(struct pool *p, unsigned slot);
