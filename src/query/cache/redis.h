/* redis: entries of the cache in a Redis. Private to the cache.
 *
 * Every exchange has a time it may take. One that fails or takes longer closes the connection, and
 * nothing is asked for a second, then two, up to half a minute: a Redis that is away costs nothing
 * but that. thread: any; each call has a connection of its own */
#pragma once

#include "query/cache/memory.h"
#include "query/cache/redis_url.h"

struct redis_tier;
struct redis_tier *redis_tier_new(const struct redis_place *at, uint32_t timeout_ms,
                                  uint32_t expire_s);
void redis_tier_free(struct redis_tier *r); /* accepts NULL */
/* For those without an entry. What is not an envelope of that name and generation is not there. */
void redis_tier_find(struct redis_tier *r, struct cache_ask *asks, size_t n);
void redis_tier_put(struct redis_tier *r, struct cache_entry *const *entries, size_t n);
