/* Open blocks: batches are collected here until their block is due. */
#include <assert.h>
#include <stdlib.h>

#include "ingest/batch/batch.h"
#include "ingest/batch/fold.h"

struct open_block {
    enum signal_kind signal;
    uint32_t shard;
    size_t n, cap;
    struct telemetry_batch **batches;
    uint64_t first_seq, last_seq, rows, bytes;
    nanos first_at;    /* when the first batch came */
    struct fold *fold; /* the last batch; NULL: that is a request's own */
};

struct open_block *open_block_new(enum signal_kind signal, uint32_t shard)
{
    struct open_block *b = calloc(1, sizeof *b);
    if (!b) abort();
    b->signal = signal;
    b->shard = shard;
    return b;
}

static void batches_free(struct telemetry_batch **batches, size_t n)
{
    for (size_t i = 0; i < n; i++) telemetry_batch_free(batches[i]);
    free(batches);
}

void open_block_free(struct open_block *b)
{
    if (!b) return;
    batches_free(b->batches, b->n);
    free(b);
}

static void push(struct open_block *b, struct telemetry_batch *batch)
{
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 16;
        b->batches = reallocarray(b->batches, b->cap, sizeof(struct telemetry_batch *));
        if (!b->batches) abort();
    }
    b->batches[b->n++] = batch;
}

static void note(struct open_block *b, uint64_t rows, uint64_t bytes, uint64_t seq, nanos now)
{
    assert(b->last_seq == 0 || seq > b->last_seq);
    if (b->last_seq == 0) {
        b->first_seq = seq;
        b->first_at = now;
    }
    b->last_seq = seq;
    b->rows += rows;
    b->bytes += bytes;
}

void open_block_add(struct open_block *b, struct telemetry_batch *batch, uint64_t seq, nanos now)
{
    assert(batch->signal == b->signal);
    push(b, batch);
    b->fold = NULL;
    note(b, telemetry_batch_rows(batch), batch->arena->used, seq, now);
}

struct open_fold open_block_fold(struct open_block *b, const struct telemetry_batch *batch,
                                 uint64_t seq, nanos now)
{
    assert(batch->signal == SIGNAL_METRICS && b->signal == SIGNAL_METRICS);
    struct open_fold f = {.is_new = !b->fold};
    if (f.is_new) {
        b->fold = fold_new();
        push(b, fold_batch(b->fold));
    }
    f.batch = fold_batch(b->fold);
    f.grown = f.is_new ? 0 : fold_bytes(b->fold);
    fold_add(b->fold, batch);
    f.grown = fold_bytes(b->fold) - f.grown;
    note(b, batch->metrics.n, f.grown, seq, now);
    return f;
}

uint64_t open_block_rows(const struct open_block *b) { return b->rows; }
uint64_t open_block_bytes(const struct open_block *b) { return b->bytes; }

bool open_block_due(const struct open_block *b, const struct batch_limits *lim, bool busy,
                    nanos now)
{
    if (b->n == 0) return false;
    if (b->rows >= lim->max_rows || b->bytes >= lim->max_bytes) return true;
    if (busy) return false;
    return b->rows >= lim->send_batch_size || now - b->first_at >= lim->timeout;
}

struct telemetry_block *open_block_seal(struct open_block *b)
{
    if (b->n == 0) return NULL;
    struct telemetry_block *sealed = malloc(sizeof *sealed);
    if (!sealed) abort();
    *sealed = (struct telemetry_block){.signal = b->signal,
                                       .shard = b->shard,
                                       .first_seq = b->first_seq,
                                       .last_seq = b->last_seq,
                                       .n = b->n,
                                       .batches = b->batches,
                                       .rows = b->rows,
                                       .bytes = b->bytes};
    *b = (struct open_block){.signal = b->signal, .shard = b->shard};
    return sealed;
}

void telemetry_block_free(struct telemetry_block *b)
{
    if (!b) return;
    batches_free(b->batches, b->n);
    free(b);
}
