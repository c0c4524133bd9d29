/* blocks: which requests lie in which block, as the marks in the segments say. Memory only.
 *
 * thread: one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/telemetry.h"

struct block_bounds {
    uint64_t first, last;
    bool done;
};

struct block_set {
    struct {
        struct block_bounds *at; /* by first; they do not overlap but after damage */
        size_t n, cap;
    } of[SIGNAL_COUNT];
};

void block_set_done(struct block_set *s);
void block_set_begin_block(struct block_set *s, enum signal_kind signal, uint64_t first,
                           uint64_t last);
void block_set_end_block(struct block_set *s, enum signal_kind signal, uint64_t first,
                         uint64_t last);

/* The block that `seq` lies in, or NULL. */
const struct block_bounds *block_set_find(const struct block_set *s, enum signal_kind signal,
                                          uint64_t seq);
