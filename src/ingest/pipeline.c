/* The path in, named once from top to bottom:
 *
 *   receive --> pipeline_take: gate, decode, journal            (loop)
 *   journal --> pipeline_journaled                              (journal's thread, a message to the
 * loop)
 *           --> pipeline_settle: answer, batch                  (loop)
 *           --> pipeline_seal: a block for the store writers    (loop)
 *           --> pipeline_store: bounds, order, encode, insert   (store writer)
 *
 * and below it what opens, flushes and closes it. src/ingest/process is not on it yet: nothing can
 * be configured there. */
#include "ingest/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/hex.h"
#include "ingest/decode/decode.h"
#include "ingest/state.h"
#include "obs/log.h"
#include "obs/memory.h"
#include "obs/metrics.h"

enum { RETRY_AFTER_MS = 1000, LANE_WAITING_MAX = 4, PACE_MS = 1000 };

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

static void answer_accepted(struct ingest_request *req, const struct telemetry_batch *b)
{
    struct ingest_answer a = {.rejected = telemetry_batch_rejected(b)};
    snprintf(a.message, sizeof a.message, STR_FMT, STR_ARG(b->first_rejection));
    receive_answer(req, &a);
}

static status admit(struct pipeline *p, struct err *err)
{
    if (atomic_load(&p->gate.closed))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down");
    uint64_t held = atomic_load(&p->gate.bytes);
    if (held <= p->gate.max_bytes) return memory_admit(err);
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "%llu bytes wait to be stored, the limit is %llu",
                   (unsigned long long)held, (unsigned long long)p->gate.max_bytes);
}

void pipeline_hold(struct held *h, struct telemetry_batch *batch)
{
    h->batch = batch;
    h->bytes = batch->arena->used;
    pipeline_charge(h->shard->p, h->bytes);
}

void pipeline_charge(struct pipeline *p, uint64_t bytes)
{
    atomic_fetch_add(&p->gate.bytes, bytes);
    metric_move(M_INFLIGHT_BYTES, 0, (int64_t)bytes);
}

void pipeline_release(struct pipeline *p, uint64_t bytes)
{
    atomic_fetch_sub(&p->gate.bytes, bytes);
    metric_move(M_INFLIGHT_BYTES, 0, -(int64_t)bytes);
}

void pipeline_decode_options(const struct pipeline *p, enum signal_kind signal, nanos received_at,
                             struct decode_options *ret)
{
    const nanos keep[] = {p->opt.retention_traces, p->opt.retention_logs, p->opt.retention_metrics};
    *ret = (struct decode_options){.received_at = received_at,
                                   .oldest = keep[signal] > 0 ? received_at - keep[signal] : 0,
                                   .newest = received_at + p->opt.max_future,
                                   .max_attributes = p->opt.max_attributes};
}

/* Columns are larger than what they are decoded from; the ratio of real requests is far below this.
 */
size_t pipeline_decode_budget(size_t body) { return 8 * body + (16u << 20); }

static status journal(struct shard *s, struct held *h, struct err *err)
{
    const struct ingest_request *req = h->req;
    struct journal_request r = {.signal = req->signal,
                                .format = (uint8_t)req->format,
                                .compression = (uint8_t)req->compression,
                                .items = telemetry_batch_rows(h->batch),
                                .received_at = req->received_at,
                                .payload = req->wire};
    return journal_append(s->journal, &r, pipeline_journaled, h, &h->seq, err);
}

void pipeline_take(void *ctx, struct ingest_request *req)
{
    struct shard *s = ctx;
    struct err err = {0};
    if (admit(s->p, &err) != ST_OK) {
        refuse(s, req, &err);
        return;
    }
    req->arena->budget = req->arena->used + pipeline_decode_budget(req->body.len);
    struct decode_options opt;
    struct telemetry_batch *batch;
    pipeline_decode_options(s->p, req->signal, req->received_at, &opt);
    if (decode_request(req->arena, req->signal, req->format, req->body, &opt, &batch, &err) !=
        ST_OK) {
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
                       .wire = req->wire,
                       .format = req->format,
                       .compression = req->compression};
    pipeline_hold(h, batch);
    if (journal(s, h, &err) != ST_OK) {
        pipeline_release(s->p, h->bytes);
        refuse(s, req, &err);
    }
}

/* ---- answer, batch ---- */

static void settle_message(void *shard) { pipeline_settle(shard); }

void pipeline_journaled(void *ctx, status result)
{
    struct held *h = ctx;
    struct shard *s = h->shard;
    h->result = result;
    struct held *older = atomic_load(&s->settled);
    do {
        h->next = older;
    } while (!atomic_compare_exchange_weak(&s->settled, &older, h));
    /* `h` is the loop's from here on. One message for all that come before the loop looks; one that
     * the mailbox does not take is made up for by the tick. */
    if (!older && !loop_post(s->loop, settle_message, s)) return;
}

static void add_to_block(struct shard *s, struct held *h)
{
    enum signal_kind signal = h->batch->signal;
    open_block_add(s->open[signal], h->batch, h->seq, clock_monotonic());
    held_list_add(&s->held[signal], h);
}

static void settle_one(struct shard *s, struct held *h)
{
    struct ingest_request *req = h->req;
    if (h->result != ST_OK) {
        struct err err;
        err_set(&err, h->result, ERR_NOPOS, "the journal could not keep the request");
        pipeline_release(s->p, h->bytes);
        refuse(s, req, &err);
        return;
    }
    ledger_accept(h->batch, h->wire.len);
    if (s->p->opt.ack != ACK_STORED) {
        req->arena = NULL; /* the batch's from here on */
        h->req = NULL;
        answer_accepted(req, h->batch);
    }
    add_to_block(s, h);
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
    struct held_list held = s->held[signal];
    s->held[signal] = (struct held_list){0};
    s->last_seal[signal] = now;
    store_queue_push(s, signal, block, held, false);
}

/* Under load a block waits while one of its signal is being stored, and is not sealed more often
 * than once a second over all workers: it grows instead. */
void pipeline_seal(struct shard *s, bool all)
{
    const struct batch_limits *limits = &s->p->opt.batch;
    nanos now = clock_monotonic(), pace = PACE_MS * NANOS_MS * s->p->n_workers;
    if (pace > limits->timeout) pace = limits->timeout;
    bool pressed = atomic_load(&s->p->gate.bytes) > s->p->gate.max_bytes / 2;
    for (enum signal_kind k = 0; k < SIGNAL_COUNT; k++) {
        unsigned waiting = atomic_load(&s->lanes[k].waiting);
        bool busy = waiting > 0 || now - s->last_seal[k] < pace;
        if (waiting == 0 && pressed && open_block_rows(s->open[k]) > 0) seal(s, k, now);
        if (all || (waiting < LANE_WAITING_MAX && open_block_due(s->open[k], limits, busy, now)))
            seal(s, k, now);
    }
}

/* ---- order, encode, store ---- */

static status encode(struct pipeline *p, struct store_task *t, struct err *err)
{
    struct block_order order;
    block_order(&t->arena, t->block, &p->opt.partitioning, &order);
    struct encode_rows *groups = arena_array(&t->arena, struct encode_rows, order.n_groups + 1);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options o = {
        .groups = groups, .n_groups = order.n_groups, .seen = t->shard->lanes[t->signal].seen};
    status s = encode_block(&t->arena, t->block, &o, &t->inserts, err);
    if (s != ST_OK) {
        arena_done(&t->arena);
        lane_forget(&t->shard->lanes[t->signal]);
        return s;
    }
    t->encoded = true;
    t->encoded_bytes = t->arena.used;
    pipeline_charge(p, t->encoded_bytes);
    return ST_OK;
}

/* Main tables and exemplars hold a function of the block alone. What the catalogues are told
 * depends also on what they were told before; after a crash a block tells more. Their tokens carry
 * a hash of the rows, so that the store drops only what it has; telling twice is harmless there. */
static bool is_catalogue(str table)
{
    return str_eq(table, S("otel_trace_index")) || str_eq(table, S("otel_span_names")) ||
           str_eq(table, S("otel_log_streams")) || str_eq(table, S("otel_metric_series"));
}

static bool is_main(str table)
{
    return str_eq(table, S("otel_traces")) || str_eq(table, S("otel_logs")) ||
           str_eq(table, S("otel_metrics"));
}

static str token(const struct store_task *t, const struct encoded_insert *in, char out[200])
{
    char id[33] = {0};
    hex_encode(journal_id(t->shard->journal), 16, id);
    int n = snprintf(out, 200, "%s-%s-%llu-%llu-" STR_FMT "-%u", id, signal_name(t->signal),
                     (unsigned long long)t->first_seq, (unsigned long long)t->last_seq,
                     STR_ARG(in->table), in->part);
    if (is_catalogue(in->table))
        n += snprintf(out + n, 200 - (size_t)n, "-%016llx", (unsigned long long)hash_str(in->body));
    return (str){out, (size_t)n};
}

static status insert(struct pipeline *p, struct store_task *t, struct err *err)
{
    for (; t->next_insert < t->inserts.n; t->next_insert++) {
        const struct encoded_insert *in = &t->inserts.inserts[t->next_insert];
        char text[200];
        nanos from = clock_monotonic();
        status s = ST_OK;
        if (!p->opt.discard)
            s = store_insert_unless(p->store, in->table, token(t, in, text), &in->body, 1,
                                    &p->stopping, err);
        if (s != ST_OK) {
            ledger_insert_retry(in->table);
            return err_wrap(err, s, STR_FMT, STR_ARG(in->table));
        }
        ledger_insert(in->table, in->rows, clock_monotonic() - from);
        if (is_main(in->table)) t->stored_rows += in->rows;
    }
    return ST_OK;
}

static bool is_refusal(status s) { return s == ST_INVALID || s == ST_LIMIT; }

enum store_outcome pipeline_store(struct store_task *t, struct err *err)
{
    struct pipeline *p = t->shard->p;
    status s = ST_OK;
    if (!t->begun)
        s = journal_block_begin(t->shard->journal, t->signal, t->first_seq, t->last_seq, err);
    if (s != ST_OK) return STORE_AGAIN;
    t->begun = true;
    if (!t->encoded) s = encode(p, t, err);
    if (s == ST_OK) s = insert(p, t, err);
    if (s == ST_OK) return STORE_DONE;
    return is_refusal(s) ? STORE_REFUSED : STORE_AGAIN;
}

/* ---- opening ---- */

static void defaults(struct pipeline_options *o)
{
    if (o->workers == 0) o->workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    if (o->store_writers == 0) o->store_writers = 2;
    if (o->insert_tries == 0) o->insert_tries = 5;
    if (o->max_future == 0) o->max_future = 600 * NANOS_S;
    if (o->max_inflight_bytes == 0) o->max_inflight_bytes = 256u << 20;
    if (o->max_body_bytes == 0) o->max_body_bytes = 64u << 20;
    if (o->max_decompressed_bytes == 0) o->max_decompressed_bytes = 64u << 20;
    if (o->journal_max_bytes == 0) o->journal_max_bytes = 4ull << 30;
    if (o->batch.send_batch_size == 0) o->batch.send_batch_size = 10000;
    if (o->batch.max_rows == 0) o->batch.max_rows = 100000;
    if (o->batch.max_bytes == 0) o->batch.max_bytes = 160u << 20;
    if (o->batch.timeout == 0) o->batch.timeout = 10 * NANOS_S;
    if (o->partitioning.traces_seconds == 0) o->partitioning.traces_seconds = 3600;
    if (o->partitioning.max_partitions == 0) o->partitioning.max_partitions = 4;
}

static char *text_of(str s)
{
    char *p = strndup(s.len > 0 ? s.ptr : "", s.len);
    if (!p) abort();
    return p;
}

static struct pipeline *pipeline_new(const struct pipeline_options *opt, struct store *store)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->opt = *opt;
    p->store = store;
    defaults(&p->opt);
    const char *grpc = opt->grpc_host ? opt->grpc_host : "0.0.0.0";
    const char *http = opt->http_host ? opt->http_host : "0.0.0.0";
    p->grpc_host = text_of((str){grpc, strlen(grpc)});
    p->http_host = text_of((str){http, strlen(http)});
    p->journal_dir = text_of(opt->journal_dir);
    p->dead_dir = text_of(opt->dead_dir);
    p->gate.max_bytes = p->opt.max_inflight_bytes;
    p->n_workers = p->opt.workers;
    p->n_shards = shard_count_on_disk(p->journal_dir);
    if (p->n_shards < p->n_workers) p->n_shards = p->n_workers;
    p->shards = calloc(p->n_shards, sizeof *p->shards);
    if (!p->shards) abort();

    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->queue.mutex, NULL);
    pthread_cond_init(&p->queue.work, &monotonic);
    pthread_cond_init(&p->queue.progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return p;
}

static status open_all(struct pipeline *p, struct err *err)
{
    for (unsigned i = 0; i < p->n_shards; i++) TRY(shard_open(&p->shards[i], p, i, err));
    uint16_t grpc = p->opt.grpc_port, http = p->opt.http_port;
    for (unsigned i = 0; i < p->n_workers; i++) {
        TRY(shard_listen(&p->shards[i], grpc, http, err));
        grpc = receive_port(
            p->shards[i].grpc); /* when any port will do: the others share the first one's */
        http = receive_port(p->shards[i].http);
    }
    TRY(store_queue_start(p, err));
    TRY(replay_start(p, err));
    for (unsigned i = 0; i < p->n_workers; i++) TRY(shard_start(&p->shards[i], err));
    return ST_OK;
}

status pipeline_open(const struct pipeline_options *opt, struct store *store, struct pipeline **ret,
                     struct err *err)
{
    struct pipeline *p = pipeline_new(opt, store);
    status s = open_all(p, err);
    if (s != ST_OK) {
        pipeline_close(p, 0);
        return s;
    }
    *ret = p;
    return ST_OK;
}

uint16_t pipeline_grpc_port(const struct pipeline *p) { return receive_port(p->shards[0].grpc); }
uint16_t pipeline_http_port(const struct pipeline *p) { return receive_port(p->shards[0].http); }

/* ---- flushing and closing ---- */

/* Waits until `over` holds or the deadline has passed. */
static bool wait_for(struct pipeline *p, bool (*over)(struct pipeline *p, uint64_t arg),
                     uint64_t arg, nanos deadline)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool is_over;
    while (!(is_over = over(p, arg)) && store_queue_wait(p, deadline)) continue;
    pthread_mutex_unlock(&p->queue.mutex);
    return is_over;
}

static bool replay_is_over(struct pipeline *p, uint64_t) { return !atomic_load(&p->replaying); }

static bool loops_flushed(struct pipeline *p, uint64_t)
{
    for (unsigned i = 0; i < p->n_workers; i++)
        if (!shard_flushed(&p->shards[i])) return false;
    return true;
}

static bool nothing_open(struct pipeline *p, uint64_t)
{
    for (unsigned i = 0; i < p->n_workers; i++)
        if (atomic_load(&p->shards[i].open_requests) > 0) return false;
    return true;
}

static void seal_everything(struct pipeline *p, nanos deadline)
{
    for (unsigned i = 0; i < p->n_workers; i++) shard_flush_begin(&p->shards[i]);
    wait_for(p, loops_flushed, 0, deadline);
}

static status flush_until(struct pipeline *p, nanos deadline, struct err *err)
{
    bool ok = wait_for(p, replay_is_over, 0, deadline);
    if (ok) {
        seal_everything(p, deadline);
        ok = wait_for(p, loops_flushed, 0, deadline) &&
             wait_for(p, store_queue_done_until, store_queue_last_ticket(p), deadline);
    }
    if (atomic_load(&p->stopping))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down; the journal keeps the rest");
    if (ok) return ST_OK;
    return err_set(err, ST_TIMEOUT, ERR_NOPOS, "%llu items are in the journal and not yet stored",
                   (unsigned long long)ledger_journal_items());
}

status pipeline_flush(struct pipeline *p, uint32_t timeout_ms, struct err *err)
{
    return flush_until(p, clock_monotonic() + timeout_ms * NANOS_MS, err);
}

static void drain(struct pipeline *p, nanos deadline)
{
    pthread_mutex_lock(&p->queue.mutex); /* no pipeline_ready is at the journals from here on */
    atomic_store(&p->gate.closed, true);
    pthread_mutex_unlock(&p->queue.mutex);
    atomic_store(&p->draining, true);
    for (unsigned i = 0; i < p->n_workers; i++) shard_drain(&p->shards[i]);
    wait_for(p, nothing_open, 0, deadline);
}

static void pipeline_free(struct pipeline *p)
{
    free(p->shards);
    free(p->grpc_host);
    free(p->http_host);
    free(p->journal_dir);
    free(p->dead_dir);
    pthread_cond_destroy(&p->queue.work);
    pthread_cond_destroy(&p->queue.progress);
    pthread_mutex_destroy(&p->queue.mutex);
    free(p);
}

void pipeline_stop(struct pipeline *p, uint32_t timeout_ms)
{
    bool running = p->n_workers > 0 && p->shards[0].running;
    nanos deadline = clock_monotonic() + timeout_ms * NANOS_MS;
    struct err err = {0};
    p->stopped = true;
    if (running) {
        drain(p, deadline);
        if (flush_until(p, deadline, &err) != ST_OK)
            log_warn("ingest", "closing before all is stored; the journal keeps it",
                     LOG_INT("items", ledger_journal_items()));
    }
    atomic_store(&p->stopping, true);
    store_queue_progress(p);
    if (p->replayer_started) pthread_join(p->replayer, NULL);
    store_queue_stop(p);
    /* Behind this round no loop appends any more: each has seen that the gate is closed. */
    if (running) seal_everything(p, clock_monotonic() + NANOS_HOUR);
    for (unsigned i = 0; i < p->n_shards; i++) journal_close(p->shards[i].journal);
    /* What the journals answered last is settled, and requests that waited to be stored are told.
     */
    if (running) seal_everything(p, clock_monotonic() + NANOS_HOUR);
    store_queue_free(p);
    if (running && p->opt.ack == ACK_STORED) { /* those answers reach the wire */
        wait_for(p, nothing_open, 0, clock_monotonic() + NANOS_S);
        seal_everything(p, clock_monotonic() + NANOS_HOUR);
    }
}

void pipeline_close(struct pipeline *p, uint32_t timeout_ms)
{
    if (!p) return;
    if (!p->stopped) pipeline_stop(p, timeout_ms);
    for (unsigned i = 0; i < p->n_shards; i++) shard_close(&p->shards[i]);
    pipeline_free(p);
}

status pipeline_ready(struct pipeline *p, struct err *err)
{
    pthread_mutex_lock(&p->queue.mutex);
    status s = admit(p, err);
    for (unsigned i = 0; i < p->n_workers && s == ST_OK; i++)
        s = journal_room(p->shards[i].journal, err);
    pthread_mutex_unlock(&p->queue.mutex);
    return s;
}
