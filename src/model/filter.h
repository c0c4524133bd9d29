/* filter: the bits that otel_trace_filters and otel_log_filters keep of rows, to tell where what is
 * searched for cannot be. What is in a filter has a hash; the hash's bit is number hash % bits of
 * it, bit n % 8 of byte n / 8. Stored: must never change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"

enum {
    FILTER_PAIR_HASHES = 5, /* bits of an attribute */
    FILTER_GRAM = 5         /* bytes of a piece of a log line; each has one bit */
};

/* A span's attribute: the hash_str of its key, and the value's stored text. */
static inline uint32_t filter_pair_of(uint64_t key_hash, str value)
{
    return (uint32_t)hash_seed(value, key_hash);
}

static inline uint32_t filter_pair(str key, str value)
{
    return filter_pair_of(hash_str(key), value);
}

/* The hash of its bit `i` of FILTER_PAIR_HASHES. */
static inline uint32_t filter_pair_hash(uint32_t pair, unsigned i)
{
    uint32_t step = ((pair << 16 | pair >> 16) * 0x85ebca6bu) | 1;
    return pair + i * step;
}

/* A piece of a line, its first byte the lowest: below 2^40. */
static inline uint32_t filter_gram_of(uint64_t gram)
{
    uint64_t h = gram * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 49);
}

/* The piece of a line that begins at `at`. */
static inline uint32_t filter_gram_hash(const char *at)
{
    uint32_t low;
    memcpy(&low, at, 4);
    return filter_gram_of((uint64_t)(uint8_t)at[4] << 32 | low);
}

static inline void filter_set(uint8_t *bits, uint64_t n_bits, uint32_t hash)
{
    uint64_t at = hash % n_bits;
    bits[at / 8] = (uint8_t)(bits[at / 8] | 1u << at % 8);
}

static inline bool filter_has(str filter, uint32_t hash)
{
    uint64_t at = hash % (filter.len * 8);
    return (uint8_t)filter.ptr[at / 8] >> at % 8 & 1;
}
