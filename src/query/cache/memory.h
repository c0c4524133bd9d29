/* memory: the entries of the cache in this process, the least recently used going first. Private to
 * the cache. thread: any (one mutex) */
#pragma once

#include <stdatomic.h>

#include "query/cache/cache.h"

struct cache_entry {
    atomic_uint refs;
    uint64_t generation;
    size_t name_len, len;
    char bytes[]; /* an envelope of `len` bytes (envelope.h) */
};

/* One reference, the caller's. */
struct cache_entry *cache_entry_new(str name, uint64_t generation, str payload);
struct cache_entry *cache_entry_ref(struct cache_entry *e);
str cache_entry_name(const struct cache_entry *e);

struct memory_tier;
struct memory_tier *memory_tier_new(uint64_t max_bytes);
void memory_tier_free(struct memory_tier *m); /* accepts NULL */
/* A reference to the entry, or NULL. */
struct cache_entry *memory_tier_find(struct memory_tier *m, str name, uint64_t generation);
/* Keeps a reference of its own. In the place of one of the same name. */
void memory_tier_put(struct memory_tier *m, struct cache_entry *e);
uint64_t memory_tier_bytes(struct memory_tier *m);
