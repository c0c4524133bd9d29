/* Replay: a thread that reads back what lay in the journals at start, while new requests are
 * already being taken.
 *
 * Requests of a block with bounds are collected into exactly that block, which keeps its tokens;
 * the others into open blocks of this thread's own (their sequences lie below those of new
 * requests). It stops reading while half of the memory for requests is held and blocks of it are
 * still to be stored. */
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "ingest/state.h"
#include "net/compress.h"
#include "obs/log.h"

struct collecting {
    struct open_block *block;
    struct held_list held;
    uint64_t first, last; /* bounds written before the crash; 0: none */
};

struct replay {
    struct pipeline *p;
    struct shard *shard;
    struct collecting bounded[SIGNAL_COUNT], open[SIGNAL_COUNT];
};

static void push(struct replay *r, enum signal_kind signal, struct collecting *c)
{
    struct telemetry_block *block = open_block_seal(c->block);
    if (!block) return;
    if (c->last != 0) { /* also when a request of it is damaged: the bounds are what they were */
        block->first_seq = c->first;
        block->last_seq = c->last;
    }
    store_queue_push(r->shard, signal, block, c->held, c->last != 0);
    c->held = (struct held_list){0};
    c->first = c->last = 0;
}

static bool lanes_empty(const struct shard *s)
{
    for (int k = 0; k < SIGNAL_COUNT; k++)
        if (atomic_load(&s->lanes[k].waiting) > 0) return false;
    return true;
}

/* Waits for memory. When none of ours is on its way to the store, what is collected goes there. */
static void wait_for_room(struct replay *r)
{
    struct pipeline *p = r->p;
    if (atomic_load(&p->gate.bytes) <= p->gate.max_bytes / 2) return;
    if (lanes_empty(r->shard))
        for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) push(r, k, &r->open[k]);
    pthread_mutex_lock(&p->queue.mutex);
    while (atomic_load(&p->gate.bytes) > p->gate.max_bytes / 2 && !lanes_empty(r->shard) &&
           !atomic_load(&p->stopping))
        store_queue_wait(p, clock_monotonic() + NANOS_S);
    pthread_mutex_unlock(&p->queue.mutex);
}

static struct arena *arena_make(void)
{
    struct arena *a = malloc(sizeof *a);
    if (!a) abort();
    arena_init(a, SIZE_MAX / 2);
    return a;
}

/* The request as it was taken: its bytes with slack behind, decompressed and decoded by the
 * journaled time. */
static status decode_again(struct replay *r, const struct journal_replayed *in, struct arena *a,
                           struct held **ret, struct err *err)
{
    const struct journal_request *q = &in->request;
    struct held *h = arena_new(a, struct held);
    char *wire = arena_alloc(a, q->payload.len + 64, 8);
    if (q->payload.len > 0) memcpy(wire, q->payload.ptr, q->payload.len);
    memset(wire + q->payload.len, 0, 64);
    *h = (struct held){.shard = r->shard,
                       .wire = {wire, q->payload.len},
                       .format = q->format == PAYLOAD_JSON ? PAYLOAD_JSON : PAYLOAD_PROTOBUF,
                       .compression =
                           q->compression <= PAYLOAD_ZSTD ? q->compression : PAYLOAD_IDENTITY,
                       .seq = in->seq};
    *ret = h;
    str body;
    TRY(decompress(a, h->compression, h->wire, r->p->opt.max_decompressed_bytes, &body, err));
    a->budget = a->used + pipeline_decode_budget(body.len);
    struct decode_options opt;
    struct telemetry_batch *batch;
    pipeline_decode_options(r->p, q->signal, q->received_at, &opt);
    TRY(decode_request(a, q->signal, h->format, body, &opt, &batch, err));
    pipeline_hold(h, batch);
    return ST_OK;
}

/* A request that was accepted once and cannot be decoded now (a setting or the decoder has changed)
 * goes to dead/. Its place in its block stays, with no rows. */
static status bury(struct replay *r, const struct journal_replayed *in, struct arena *a,
                   struct held *h, const struct err *why, struct err *err)
{
    enum signal_kind signal = in->request.signal;
    TRY(dead_write(r->p->dead_dir, journal_id(r->shard->journal), signal, in->seq, in->seq, h,
                   why->msg, err));
    log_error("ingest", "a journaled request can no longer be decoded, it is in dead/",
              LOG_INT("sequence", in->seq), LOG_CSTR("why", why->msg));
    ledger_replay(signal, in->request.items);
    ledger_dead(signal, in->request.items);
    struct telemetry_batch *empty = arena_new(a, struct telemetry_batch);
    empty->arena = a;
    empty->signal = signal;
    empty->received_at = in->request.received_at;
    pipeline_hold(h, empty);
    return ST_OK;
}

static status take(void *ctx, const struct journal_replayed *in, struct err *err)
{
    struct replay *r = ctx;
    if (atomic_load(&r->p->stopping)) return err_set(err, ST_CANCELLED, ERR_NOPOS, "stopping");
    wait_for_room(r);
    enum signal_kind signal = in->request.signal;
    struct arena *a = arena_make();
    struct held *h;
    struct err why;
    status s = decode_again(r, in, a, &h, &why);
    if (s != ST_OK) s = bury(r, in, a, h, &why, err);
    if (s != ST_OK) {
        arena_done(a);
        free(a);
        return s;
    }
    /* A block is a run of sequences: none may reach over another one's bounds, or a later start finds
     * those behind them in no block. */
    if (in->block_last) push(r, signal, &r->open[signal]);
    struct collecting *c = in->block_last ? &r->bounded[signal] : &r->open[signal];
    if (in->block_last && c->last != in->block_last) {
        push(r, signal, c);
        c->first = in->block_first;
        c->last = in->block_last;
    }
    ledger_replay(signal, telemetry_batch_rows(h->batch));
    open_block_add(c->block, h->batch, h->seq, clock_monotonic());
    held_list_add(&c->held, h);
    const struct batch_limits *l = &r->p->opt.batch;
    bool full =
        open_block_rows(c->block) >= l->max_rows || open_block_bytes(c->block) >= l->max_bytes;
    if (in->block_last ? in->seq == in->block_last : full) push(r, signal, c);
    return ST_OK;
}

static void replay_shard(struct pipeline *p, struct shard *s)
{
    struct replay r = {.p = p, .shard = s};
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        r.bounded[k].block = open_block_new(k, s->index);
        r.open[k].block = open_block_new(k, s->index);
    }
    struct journal_replay_stats stats = {0};
    struct err err;
    status st = journal_replay(s->journal, take, &r, &stats, &err);
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        /* A bounded block that was not read whole would be another block under its tokens. */
        if (st == ST_OK) push(&r, k, &r.bounded[k]);
        push(&r, k, &r.open[k]);
        for (struct held *h = r.bounded[k].held.first; h; h = h->next)
            pipeline_release(p, h->bytes);
        open_block_free(r.bounded[k].block);
        open_block_free(r.open[k].block);
    }
    if (st != ST_OK && st != ST_CANCELLED)
        log_error("ingest", "the journal could not be replayed to its end",
                  LOG_INT("shard", s->index), LOG_CSTR("why", err.msg));
    if (stats.requests > 0 || stats.lost_bytes > 0)
        log_info("ingest", "journal replayed", LOG_INT("shard", s->index),
                 LOG_INT("requests", stats.requests), LOG_INT("items", stats.items),
                 LOG_INT("lost_bytes", stats.lost_bytes));
}

static void *replay_loop(void *pipeline)
{
    struct pipeline *p = pipeline;
    for (unsigned i = 0; i < p->n_shards; i++) replay_shard(p, &p->shards[i]);
    atomic_store(&p->replaying, false);
    store_queue_progress(p);
    return NULL;
}

status replay_start(struct pipeline *p, struct err *err)
{
    atomic_store(&p->replaying, true);
    if (pthread_create(&p->replayer, NULL, replay_loop, p) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot start the replay thread");
    pthread_setname_np(p->replayer, "replay");
    p->replayer_started = true;
    return ST_OK;
}
