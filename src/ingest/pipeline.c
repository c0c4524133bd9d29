/* The path in, named once from top to bottom:
 *
 *   receive --> pipeline_take: gate, decode, journal            (loop)
 *   journal --> pipeline_journaled                              (journal's thread, then a message)
 *           --> pipeline_settle: answer                         (loop)
 *           --> feed_take: process, open block; feed.c          (loop)
 *           --> pipeline_seal: a block for its lane             (loop)
 *           --> deliver: bounds, order, encode, insert or send  (an exporter's thread) */
#include "ingest/pipeline.h"

#include <stdio.h>

#include "ingest/decode/decode.h"
#include "ingest/state.h"
#include "obs/log.h"
#include "obs/memory.h"
#include "obs/metrics.h"

enum { RETRY_AFTER_MS = 1000, LANE_WAITING_MAX = 4, PROCESSORS_AT_ONCE = 64 };

/* A block that is narrow, for want of rows, waits longer for more. */
enum { PACE_MS = 2000, NARROW_PACE_MS = 4000, NARROW_ROWS = 40000 };

/* Parts of one partition. The engine delays inserts from 1,000 on and refuses them from 3,000 on.
 */
enum { PARTS_SOME = 300, PARTS_MANY = 600 };

/* ---- receive, decode, journal ---- */

/* Answers and frees. What an operator can do something about is logged, once in ten seconds. */
static void refuse(struct shard *s, struct ingest_request *req, const struct err *err)
{
    struct ingest_answer a = {.err = *err};
    if (status_retryable(err->code)) {
        a.retry_after_ms = RETRY_AFTER_MS;
        nanos now = clock_monotonic();
        if (now - s->refusal_logged > 10 * NANOS_S) {
            s->refusal_logged = now;
            log_warn("ingest", "requests are refused", LOG_CSTR("why", err->msg));
        }
    }
    receive_answer(req, &a);
}

void pipeline_answer(const struct telemetry_batch *b, struct ingest_answer *a)
{
    a->rejected = telemetry_batch_rejected(b);
    snprintf(a->message, sizeof a->message, STR_FMT, STR_ARG(b->first_rejection));
    if (b->signal != SIGNAL_METRICS) return;
    const struct metric_columns *c = &b->metrics;
    for (uint32_t i = 0; i < c->n; i++) {
        bool native = c->descs[c->desc[i]].type == METRIC_EXP_HISTOGRAM;
        a->histograms += native;
        a->samples += !native;
    }
    a->exemplars = c->n_exemplars;
}

static void answer_accepted(struct ingest_request *req, const struct telemetry_batch *b)
{
    struct ingest_answer a = {0};
    pipeline_answer(b, &a);
    receive_answer(req, &a);
}

status pipeline_admit(struct pipeline *p, struct err *err)
{
    if (atomic_load(&p->gate.closed))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down");
    const char *refusal = atomic_load(&p->refusal);
    if (refusal) return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s", refusal);
    uint64_t held = atomic_load(&p->gate.bytes);
    if (held <= p->gate.max_bytes) return memory_admit(err);
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "%llu bytes wait to be stored, the limit is %llu",
                   (unsigned long long)held, (unsigned long long)p->gate.max_bytes);
}

void pipeline_charge(struct pipeline *p, bool aside, uint64_t bytes)
{
    atomic_fetch_add(aside ? &p->aside_bytes : &p->gate.bytes, bytes);
    metric_move(M_INFLIGHT_BYTES, 0, (int64_t)bytes);
}

void pipeline_release(struct pipeline *p, bool aside, uint64_t bytes)
{
    atomic_fetch_sub(aside ? &p->aside_bytes : &p->gate.bytes, bytes);
    metric_move(M_INFLIGHT_BYTES, 0, -(int64_t)bytes);
}

void pipeline_process(const struct route *r, struct telemetry_batch *b)
{
    if (!r->chain) return;
    struct process_count counts[PROCESSORS_AT_ONCE] = {0};
    process_run(r->chain, b, r->n_processors > 0 ? counts : NULL);
    ledger_processed(r, counts);
}

void pipeline_decode_options(const struct pipeline *p, enum signal_kind signal, nanos received_at,
                             struct decode_options *ret)
{
    nanos keep = atomic_load(&p->keep[signal]);
    *ret = (struct decode_options){.received_at = received_at,
                                   .oldest = keep > 0 ? received_at - keep : 0,
                                   .newest = received_at + p->opt.max_future,
                                   .max_attributes = p->opt.max_attributes};
}

/* Columns are larger than what they are decoded from; the ratio of real requests is far below this.
 * Remote write tells a label by two numbers, and goes by way of OTLP, which has it in full. */
size_t pipeline_decode_budget(enum payload_format format, size_t body)
{
    return (format >= PAYLOAD_REMOTE_WRITE_1 ? 32 : 8) * body + (16u << 20);
}

static status journal(struct shard *s, struct held *h, struct err *err)
{
    const struct ingest_request *req = h->req;
    struct journal_request r = {.signal = req->signal,
                                .format = (uint8_t)req->format,
                                .compression = (uint8_t)req->compression,
                                .items = telemetry_batch_rows(h->batch),
                                .late = h->late,
                                .received_at = req->received_at,
                                .payload = req->wire};
    status st = journal_append(s->journal, &r, pipeline_journaled, h, &h->seq, err);
    if (st == ST_OVERLOADED && s->p->may_overrun &&
        atomic_exchange(&s->no_room_for, req->wire.len + 4096) == 0)
        queue_progress(s->p);
    return st;
}

static status decode(struct shard *s, struct ingest_request *req, struct telemetry_batch **ret,
                     struct err *err)
{
    struct decode_options opt;
    TRY(pipeline_admit(s->p, err));
    req->arena->budget = req->arena->used + pipeline_decode_budget(req->format, req->body.len);
    pipeline_decode_options(s->p, req->signal, req->received_at, &opt);
    return decode_request(req->arena, req->signal, req->format, req->body, &opt, ret, err);
}

void pipeline_take(void *ctx, struct ingest_request *req)
{
    struct shard *s = ctx;
    struct err err = {0};
    struct telemetry_batch *batch;
    s->taken++;
    s->taken_bytes += req->wire.len;
    if (decode(s, req, &batch, &err) != ST_OK) {
        refuse(s, req, &err);
        return;
    }
    if (telemetry_batch_rows(batch) == 0) {
        ledger_reject_all(batch, req->wire.len);
        answer_accepted(req, batch);
        return;
    }
    struct held *h = arena_new(req->arena, struct held);
    *h = (struct held){.shard = s,
                       .req = req,
                       .batch = batch,
                       .wire = req->wire,
                       .format = req->format,
                       .compression = req->compression,
                       .received_at = req->received_at,
                       .late = late_rows(s->p, batch),
                       .bytes = req->arena->used};
    pipeline_charge(s->p, false, h->bytes);
    if (journal(s, h, &err) != ST_OK) {
        pipeline_release(s->p, false, h->bytes);
        refuse(s, req, &err);
    }
}

/* ---- answer ---- */

static void settle_message(void *shard)
{
    struct shard *s = shard;
    atomic_store(&s->settle_posted, false);
    pipeline_settle(s);
}

void pipeline_journaled(void *ctx, status result)
{
    struct held *h = ctx;
    struct shard *s = h->shard;
    h->result = result;
    struct held *older = atomic_load(&s->settled);
    do {
        h->next = older;
    } while (!atomic_compare_exchange_weak(&s->settled, &older, h));
}

/* One message for all that come before the loop looks; one that the mailbox does not take is made
 * up for by the tick. */
void pipeline_group_journaled(void *shard)
{
    struct shard *s = shard;
    if (atomic_exchange(&s->settle_posted, true)) return;
    if (!loop_post(s->loop, settle_message, s)) atomic_store(&s->settle_posted, false);
}

static void settle_one(struct shard *s, struct held *h)
{
    struct ingest_request *req = h->req;
    if (h->result != ST_OK) {
        struct err err;
        err_set(&err, h->result, ERR_NOPOS, "the journal could not keep the request");
        pipeline_release(s->p, false, h->bytes);
        refuse(s, req, &err);
        return;
    }
    ledger_accept(s->p, h);
    if (s->p->opt.ack != ACK_STORED) {
        req->arena = NULL; /* the batch's from here on */
        h->req = NULL;
        answer_accepted(req, h->batch);
    }
    feed_take(s, h);
}

void pipeline_settle(struct shard *s)
{
    struct held *newest = atomic_exchange(&s->settled, NULL), *oldest = NULL;
    while (newest) {
        struct held *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    for (struct held *h = oldest, *next; h; h = next) {
        next = h->next;
        settle_one(s, h);
    }
    if (oldest) pipeline_seal(s, false);
}

/* ---- seal ---- */

static void seal(struct shard *s, enum signal_kind signal, nanos now)
{
    struct telemetry_block *block = open_block_seal(s->open[signal]);
    if (!block) return;
    struct lane *l = live_lane(s, signal);
    struct task *t = task_new(s->p, l->route, s->journal_id, block, s->held[signal]);
    s->held[signal] = (struct held_list){0};
    s->last_seal[signal] = now;
    queue_push(l, t);
}

/* Does a block of any worker wait to be stored? */
static bool is_storing(const struct pipeline *p, enum signal_kind k)
{
    for (unsigned i = 0; i < p->n_shards; i++)
        if (atomic_load(&live_lane(&p->shards[i], k)->waiting) > 0) return true;
    return false;
}

/* When half of the memory for requests is taken, a block need not wait any longer: but for those of
 * other workers, which would all be narrow otherwise, until three quarters are. */
static bool is_pressed(const struct pipeline *p, enum signal_kind k)
{
    uint64_t taken = atomic_load(&p->gate.bytes), most = p->gate.max_bytes;
    return taken > most / 4 * 3 || (taken > most / 2 && !is_storing(p, k));
}

/* Under load a block waits while one of its signal is being stored, and is not sealed more often
 * than once in two seconds over all workers, or in four while it is narrow: it grows
 * instead. */
static void seal_signal(struct shard *s, enum signal_kind k, bool all, nanos now)
{
    const struct lane *l = live_lane(s, k);
    const struct batch_limits *limits = &l->route->batch;
    nanos pace = PACE_MS * NANOS_MS * s->p->n_workers;
    unsigned crowded = atomic_load(&s->p->crowded);
    nanos narrow_pace = (NARROW_PACE_MS * NANOS_MS * s->p->n_workers) << crowded;
    if ((crowded || open_block_rows(s->open[k]) < NARROW_ROWS) && pace < narrow_pace)
        pace = narrow_pace;
    if (pace > limits->timeout) pace = limits->timeout;
    unsigned waiting = atomic_load(&l->waiting);
    bool busy = waiting > 0 || now - s->last_seal[k] < pace;
    if (waiting == 0 && open_block_rows(s->open[k]) > 0 && is_pressed(s->p, k)) seal(s, k, now);
    if (all || (waiting < LANE_WAITING_MAX && open_block_due(s->open[k], limits, busy, now)))
        seal(s, k, now);
}

void pipeline_note_parts(struct pipeline *p, uint64_t most)
{
    unsigned now = most >= PARTS_MANY ? 2 : most >= PARTS_SOME ? 1 : 0;
    unsigned before = atomic_exchange(&p->crowded, now);
    if (now > before)
        log_warn("ingest", "a partition has many parts: blocks become wider",
                 LOG_INT("parts", most));
    else if (now == 0 && before > 0)
        log_info("ingest", "no partition has many parts any more", LOG_INT("parts", most));
}

void pipeline_seal(struct shard *s, bool all)
{
    nanos now = clock_monotonic();
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++)
        if (live_lane(s, k)) seal_signal(s, k, all, now);
}
