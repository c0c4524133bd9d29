/* Opening, flushing and closing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ingest/state.h"
#include "obs/log.h"

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
    if (o->partitioning.traces_seconds == 0) o->partitioning.traces_seconds = 3600;
    if (o->partitioning.max_partitions == 0) o->partitioning.max_partitions = 4;
}

static char *text_of(str s)
{
    char *p = strndup(s.len > 0 ? s.ptr : "", s.len);
    if (!p) abort();
    return p;
}

static struct pipeline *pipeline_new(const struct pipeline_options *opt)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->opt = *opt;
    pipeline_set_retention(p, opt->retention_traces, opt->retention_logs, opt->retention_metrics);
    defaults(&p->opt);
    p->grpc_host = text_of(str_of(opt->grpc_host ? opt->grpc_host : "0.0.0.0"));
    p->http_host = text_of(str_of(opt->http_host ? opt->http_host : "0.0.0.0"));
    p->journal_dir = text_of(opt->journal_dir);
    p->dead_dir = text_of(opt->dead_dir);
    p->store_dir = text_of(opt->store_dir);
    p->gate.max_bytes = p->opt.max_inflight_bytes;
    queue_init(&p->queue);
    return p;
}

static void shards_new(struct pipeline *p)
{
    p->n_workers = p->opt.workers;
    p->n_shards = shard_count_on_disk(p->journal_dir);
    if (p->n_shards < p->n_workers) p->n_shards = p->n_workers;
    p->shards = calloc(p->n_shards, sizeof *p->shards);
    if (!p->shards) abort();
    /* All lanes together, with three blocks each, hold less than what requests in flight may. */
    unsigned routes = 0; /* late rows are few, or a client's alone */
    for (unsigned i = 0; i < p->n_routes; i++) routes += !p->routes[i].late_of;
    p->tail_block_bytes = p->opt.max_inflight_bytes / (4ull * p->n_shards * routes);
    if (p->tail_block_bytes < 1u << 20) p->tail_block_bytes = 1u << 20;
    for (unsigned i = 0; i < p->n_outlets; i++)
        p->may_overrun |= !p->outlets[i].spec.block_on_overflow;
}

static status open_all(struct pipeline *p, struct store *store, struct err *err)
{
    TRY(routes_make(p, store, err));
    shards_new(p);
    for (unsigned i = 0; i < p->n_shards; i++) TRY(shard_open(&p->shards[i], p, i, err));
    uint16_t grpc = p->opt.grpc_port, http = p->opt.http_port;
    for (unsigned i = 0; i < p->n_workers; i++) {
        TRY(shard_listen(&p->shards[i], grpc, http, err));
        grpc = receive_port(
            p->shards[i].grpc); /* when any port will do: the others share the first one's */
        http = receive_port(p->shards[i].http);
    }
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++) feed_begin(&p->shards[i].lanes[k]);
    /* The loops first: a block that fails at once is a message to one. */
    for (unsigned i = 0; i < p->n_workers; i++) TRY(shard_start(&p->shards[i], err));
    for (unsigned i = 0; i < p->n_outlets; i++) TRY(outlet_start(&p->outlets[i], err));
    return tail_start(p, err);
}

status pipeline_open(const struct pipeline_options *opt, struct store *store, struct pipeline **ret,
                     struct err *err)
{
    struct pipeline *p = pipeline_new(opt);
    status s = open_all(p, store, err);
    if (s != ST_OK) {
        pipeline_close(p, 0);
        return s;
    }
    *ret = p;
    return ST_OK;
}

uint16_t pipeline_grpc_port(const struct pipeline *p) { return receive_port(p->shards[0].grpc); }
uint16_t pipeline_http_port(const struct pipeline *p) { return receive_port(p->shards[0].http); }

status pipeline_sync_store(void *pipeline, struct err *err)
{
    const struct pipeline *p = pipeline;
    int fd = open(p->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && syncfs(fd) == 0;
    if (!ok)
        err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "sync of %s: %s", p->store_dir, strerror(errno));
    if (fd >= 0) close(fd);
    return ok ? ST_OK : ST_UNAVAILABLE;
}

/* ---- flushing ---- */

/* Waits until `over` holds or the deadline has passed. */
static bool wait_for(struct pipeline *p, bool (*over)(struct pipeline *p, const uint64_t *arg),
                     const uint64_t *arg, nanos deadline)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool is_over;
    while (!(is_over = over(p, arg)) && queue_wait(p, deadline)) continue;
    pthread_mutex_unlock(&p->queue.mutex);
    return is_over;
}

static bool loops_flushed(struct pipeline *p, const uint64_t *)
{
    for (unsigned i = 0; i < p->n_workers; i++)
        if (!shard_flushed(&p->shards[i])) return false;
    return true;
}

static bool nothing_open(struct pipeline *p, const uint64_t *)
{
    for (unsigned i = 0; i < p->n_workers; i++)
        if (atomic_load(&p->shards[i].open_requests) > 0) return false;
    return true;
}

static void seal_everything(struct pipeline *p, nanos deadline)
{
    for (unsigned i = 0; i < p->n_workers; i++) shard_flush_begin(&p->shards[i]);
    wait_for(p, loops_flushed, NULL, deadline);
}

/* What the tail collects up to the targets is not to wait for more. False: the journals are closed.
 */
static bool set_targets(struct pipeline *p, uint64_t *targets)
{
    pthread_mutex_lock(&p->queue.mutex);
    bool open = !p->closed;
    for (unsigned i = 0; i < p->n_shards && open; i++) {
        targets[i] = journal_durable(p->shards[i].journal);
        for (unsigned k = 0; k < p->n_routes; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            if (l->flush_to < targets[i]) l->flush_to = targets[i];
        }
    }
    pthread_cond_signal(&p->queue.tail);
    pthread_mutex_unlock(&p->queue.mutex);
    return open;
}

static uint64_t items_left(const struct pipeline *p)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < p->n_routes; i++) n += ledger_journal_items(&p->routes[i]);
    return n;
}

static status flush_until(struct pipeline *p, nanos deadline, struct err *err)
{
    uint64_t *targets = calloc(p->n_shards, sizeof *targets);
    if (!targets) abort();
    bool ok = set_targets(p, targets);
    if (ok) {
        seal_everything(p, deadline);
        ok = wait_for(p, loops_flushed, NULL, deadline) &&
             wait_for(p, queue_done_until, targets, deadline);
    }
    free(targets);
    if (atomic_load(&p->stopping))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "shutting down; the journal keeps the rest");
    if (ok) return ST_OK;
    return err_set(err, ST_TIMEOUT, ERR_NOPOS,
                   "%llu items are in the journal and not yet delivered",
                   (unsigned long long)items_left(p));
}

status pipeline_flush(struct pipeline *p, uint32_t timeout_ms, struct err *err)
{
    return flush_until(p, clock_monotonic() + timeout_ms * NANOS_MS, err);
}

/* ---- closing ---- */

static void drain(struct pipeline *p, nanos deadline)
{
    pthread_mutex_lock(&p->queue.mutex); /* no pipeline_ready is at the journals from here on */
    atomic_store(&p->gate.closed, true);
    pthread_mutex_unlock(&p->queue.mutex);
    atomic_store(&p->draining, true);
    for (unsigned i = 0; i < p->n_workers; i++) shard_drain(&p->shards[i]);
    wait_for(p, nothing_open, NULL, deadline);
}

static void log_rest(const struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_routes; i++) {
        const struct route *r = &p->routes[i];
        if (ledger_journal_items(r) > 0)
            log_warn("ingest", "closing before all is delivered; the journal keeps the rest",
                     LOG_CSTR("route", r->name), LOG_INT("items", ledger_journal_items(r)));
    }
}

static void close_journals(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex); /* a flush or a status may be looking */
    p->closed = true;
    pthread_mutex_unlock(&p->queue.mutex);
    for (unsigned i = 0; i < p->n_shards && p->shards; i++) {
        journal_close(p->shards[i].journal);
        p->shards[i].journal = NULL;
    }
}

void pipeline_stop(struct pipeline *p, uint32_t timeout_ms)
{
    bool running = p->n_workers > 0 && p->shards[0].running;
    nanos deadline = clock_monotonic() + timeout_ms * NANOS_MS;
    p->stopped = true;
    if (running) {
        drain(p, deadline);
        if (flush_until(p, deadline, NULL) != ST_OK) log_rest(p);
    }
    atomic_store(&p->stopping, true);
    queue_progress(p);
    tail_stop(p);
    outlets_stop(p);
    /* Behind this round no loop appends any more: each has seen that the gate is closed. */
    if (running) seal_everything(p, clock_monotonic() + NANOS_HOUR);
    close_journals(p);
    /* What the journals answered last is settled, and requests that waited to be stored are told.
     */
    if (running) seal_everything(p, clock_monotonic() + NANOS_HOUR);
    queue_free(p);
    if (running && p->opt.ack == ACK_STORED) { /* those answers reach the wire */
        wait_for(p, nothing_open, NULL, clock_monotonic() + NANOS_S);
        seal_everything(p, clock_monotonic() + NANOS_HOUR);
    }
}

void pipeline_close(struct pipeline *p, uint32_t timeout_ms)
{
    if (!p) return;
    if (!p->stopped) pipeline_stop(p, timeout_ms);
    for (unsigned i = 0; i < p->n_shards && p->shards; i++) shard_close(&p->shards[i]);
    free(p->shards);
    routes_free(p);
    free(p->grpc_host);
    free(p->http_host);
    free(p->journal_dir);
    free(p->dead_dir);
    free(p->store_dir);
    queue_done(&p->queue);
    free(p);
}

status pipeline_room(const struct shard *s, struct err *err)
{
    enum { USUAL_BYTES = 64 << 10 }; /* of a request */
    uint64_t cap = s->p->opt.journal_max_bytes / s->p->n_workers;
    return journal_room(s->journal, cap / 8 < USUAL_BYTES ? (size_t)(cap / 8) : USUAL_BYTES, err);
}

status pipeline_ready(struct pipeline *p, struct err *err)
{
    pthread_mutex_lock(&p->queue.mutex);
    status s = pipeline_admit(p, err);
    for (unsigned i = 0; i < p->n_workers && s == ST_OK; i++) s = pipeline_room(&p->shards[i], err);
    pthread_mutex_unlock(&p->queue.mutex);
    return s;
}

void pipeline_store_ready(struct pipeline *p)
{
    for (unsigned i = 0; i < p->n_outlets; i++) atomic_store(&p->outlets[i].held_back, false);
    pthread_mutex_lock(&p->queue.mutex);
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            if (l->route->outlet->spec.store) l->not_before = 0;
        }
    for (unsigned i = 0; i < p->n_outlets; i++) pthread_cond_broadcast(&p->outlets[i].work);
    pthread_cond_signal(&p->queue.tail);
    pthread_mutex_unlock(&p->queue.mutex);
}

void pipeline_set_retention(struct pipeline *p, nanos traces, nanos logs, nanos metrics)
{
    const nanos keep[SIGNAL_COUNT] = {
        [SIGNAL_TRACES] = traces, [SIGNAL_LOGS] = logs, [SIGNAL_METRICS] = metrics};
    for (unsigned k = 0; k < SIGNAL_COUNT; k++) atomic_store(&p->keep[k], keep[k]);
}

void pipeline_refuse(struct pipeline *p, const char *why) { atomic_store(&p->refusal, why); }
