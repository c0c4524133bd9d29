/* hash: XXH3, inlined. Stable across processes and machines: hashes are stored (series_id,
 * stream_id). */
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/str.h"

static inline uint64_t hash_str(str s) { return XXH3_64bits(s.ptr, s.len); }
static inline uint64_t hash_seed(str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.ptr, s.len, seed);
}

/* Mixes `v` into `h`; the order of calls matters. */
static inline uint64_t hash_mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}
