/* block: a run of batches of one signal that is stored together.
 *
 * It covers all journal records of its signal with first_seq <= sequence <= last_seq of one shard's
 * journal: that is what makes it rebuildable after a crash, row for row, and what its deduplication
 * token is derived from. */
#pragma once

#include "model/batch.h"

struct telemetry_block {
    enum signal_kind signal;
    uint32_t shard;
    uint64_t first_seq, last_seq;
    size_t n;
    struct telemetry_batch **batches; /* owned; in sequence order */
    uint64_t rows;
    uint64_t bytes; /* of the arenas held: bodies and columns */
};

/* A row of a block: batch number and row in it. */
struct row_ref {
    uint32_t batch, row;
};
