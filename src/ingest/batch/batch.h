/* batch: collects decoded batches into blocks, and finds the order in which a block's rows are
 * stored.
 *
 * An open block belongs to one worker and signal. Pure apart from malloc: the clock is passed in.
 * thread: one at a time. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/block.h"

struct batch_limits {
    uint64_t send_batch_size; /* rows: the block is due (default 10,000) */
    uint64_t max_rows;        /* rows: a block under load is due at the latest (default 500,000) */
    uint64_t max_bytes;       /* bytes of the arenas held: bodies and columns (default 96 MiB) */
    nanos timeout;            /* age of the first request (default 10 s) */
};

struct open_block; /* opaque */

struct open_block *open_block_new(enum signal_kind signal, uint32_t shard);
void open_block_free(struct open_block *b); /* accepts NULL; frees the batches it still holds */

/* Takes `batch` (also with no rows: its sequence still counts). `seq` is larger than any before. */
void open_block_add(struct open_block *b, struct telemetry_batch *batch, uint64_t seq, nanos now);

/* The same of metrics, as rows of the block's last batch: a request's points become a fraction of
 * what the request takes, and each series has its attributes once. `batch` is not kept. */
struct open_fold {
    struct telemetry_batch *batch; /* of the block: the points are in it */
    bool is_new;                   /* it begins with them */
    uint64_t grown;                /* bytes: the block's memory */
};
struct open_fold open_block_fold(struct open_block *b, const struct telemetry_batch *batch,
                                 uint64_t seq, nanos now);

uint64_t open_block_rows(const struct open_block *b);
uint64_t open_block_bytes(const struct open_block *b);

/* Should it be sealed now? `busy`: an insert of this signal is in flight, so that waiting makes the
 * block larger at no cost; then only max_rows and max_bytes count. */
bool open_block_due(const struct open_block *b, const struct batch_limits *lim, bool busy,
                    nanos now);

/* Takes what was collected as a block (malloc'ed) and begins an empty one. NULL when there is
 * nothing. */
struct telemetry_block *open_block_seal(struct open_block *b);
void telemetry_block_free(struct telemetry_block *b); /* and its batches; accepts NULL */

/* The rows of many small batches, in their order, as those of few batches that have each distinct
 * resource and scope once: what goes over rows column by column is faster then. `b` itself when it
 * has none, or has sums that were taken before sampling. Memory from `a`; borrows from `b`. */
const struct telemetry_block *block_gather(struct arena *a, const struct telemetry_block *b);

/* Rows of one insert: at most `max_partitions` partitions, each contiguous, sorted by the table's
 * key inside. */
struct row_group {
    size_t at, n; /* in rows[] */
    uint32_t partitions;
};

struct block_order {
    size_t n_rows;
    struct row_ref *rows;
    size_t n_groups;
    struct row_group *groups;
};

struct batch_partitioning {
    uint32_t traces_seconds; /* 3600, 21600 or 86400: interval of otel_traces' partitions */
    uint32_t max_partitions; /* per insert; default 4 */
};

/* Late are the rows of partitions that others are not written to now: none of the one that the
 * request came in, the one before and the one behind. How many: a function of the rows and the
 * journaled receive time. */
uint32_t batch_late(const struct telemetry_batch *b, const struct batch_partitioning *p);

/* Keeps the late rows, or all others. */
void batch_keep_late(struct telemetry_batch *b, const struct batch_partitioning *p, bool late);

/* The order of a block's main table rows (otel_traces, otel_logs, otel_metrics), a function of the
 * block alone: a rebuilt block has the same groups. Memory from `a`. */
void block_order(struct arena *a, const struct telemetry_block *b,
                 const struct batch_partitioning *p, struct block_order *ret);
