/* map: open addressing from a 64-bit hash to a 32-bit value, memory from an arena.
 *
 * Keys are hashes; whoever needs exactness compares the key bytes behind the value (map_find calls
 * `same` for every candidate). No removal. Not thread-safe. Grows by rehashing: the old table stays
 * in the arena until the arena ends. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct map_slot {
    uint64_t hash;
    uint32_t value_1; /* value + 1; 0 = empty */
};

struct map {
    struct arena *arena;
    struct map_slot *slots;
    uint32_t mask, count;
};

void map_init(struct map *m, struct arena *a, uint32_t expected);

/* The value stored for `hash` whose key `same(ctx, value)` accepts (`same` may be NULL: the hash
 * alone decides). False when there is none. */
bool map_find(const struct map *m, uint64_t hash, bool (*same)(const void *ctx, uint32_t value),
              const void *ctx, uint32_t *ret);

/* Adds; the caller has checked that it is not there. */
void map_add(struct map *m, uint64_t hash, uint32_t value);
