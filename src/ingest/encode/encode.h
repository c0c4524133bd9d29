/* encode: a block's rows to ClickHouse Native blocks, one or more inserts per table. Pure.
 *
 * Main tables in the order given by ingest/batch; side tables (trace index, service catalogue, log
 * streams, metric series, exemplars) as inserts of their own. LowCardinality dictionaries are built
 * here; types are exactly those of schema/tables.def, so that the engine converts nothing. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/block.h"

struct encode_rows {
    const struct row_ref *rows; /* batch number, row: see ingest/batch */
    size_t n;
};

/* What side tables were told before, so that it is not said again for every block: a bounded set of
 * hashes. Owned by one worker; forgetting is harmless (the side tables are ReplacingMergeTree). */
struct encode_seen;
struct encode_seen *encode_seen_new(size_t max_entries);
void encode_seen_free(struct encode_seen *s); /* accepts NULL */

struct encoded_insert {
    str table;
    uint32_t part; /* 0, 1, ...: several inserts into one table of one block; goes into the token */
    uint64_t rows;
    str body; /* whole Native blocks; lies in the arena */
};

struct encoded_block {
    size_t n;
    struct encoded_insert *inserts; /* side tables first, so that what finds rows is there before
                                       the rows; sums last */
    uint64_t body_bytes;
};

struct encode_options {
    const struct encode_rows *groups; /* main-table rows, one insert per group */
    size_t n_groups;
    struct encode_seen *seen; /* NULL: everything is written */
};

/* A function of the block alone, but for `seen`. */
[[nodiscard]] status encode_block(struct arena *a, const struct telemetry_block *b,
                                  const struct encode_options *opt, struct encoded_block *ret,
                                  struct err *err);
