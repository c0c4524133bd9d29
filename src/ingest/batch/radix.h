/* radix: a stable sort by a 64-bit key, for keys made of several words.
 *
 * Least significant digit first, 11 bits a pass; a digit that all keys share costs nothing. To sort
 * by several words, sort by the least significant word first. Private to ingest/batch. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct radix_item {
    uint64_t key;
    uint32_t row;
};

/* `spare` has room for `n` items. The sorted items are in the one that is returned: `items` or
 * `spare`. */
struct radix_item *radix_sort(struct radix_item *items, struct radix_item *spare, size_t n);
