/* blocks: bounds that were written for blocks of one destination which are not done, as the marks
 * in the segments say. Memory only. thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_bounds {
    uint64_t first, last;
};

struct block_set {
    struct block_bounds *at; /* by first; they do not overlap but after damage */
    size_t n, cap;
};

void block_set_done(struct block_set *s);
void block_set_begin_block(struct block_set *s, uint64_t first, uint64_t last);

/* Everything in the range is done: the blocks that lie in it are taken out. */
void block_set_end_block(struct block_set *s, uint64_t first, uint64_t last);

/* The block that `seq` lies in, or NULL. */
const struct block_bounds *block_set_find(const struct block_set *s, uint64_t seq);
