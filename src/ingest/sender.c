/* An exporter's threads: they take blocks from its lanes and deliver them, again and again until
 * the destination has them or they are given up.
 *
 *   thread: the oldest block of a lane of this exporter that is neither running nor backing off
 *
 * A try counts when the destination has answered; while it cannot be reached nothing was tried. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "ingest/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* The lane whose oldest block came first of those that may go now. Else NULL and when one may. */
static struct lane *pick(struct outlet *o, nanos now, nanos *ret_next)
{
    struct pipeline *p = o->p;
    struct lane *best = NULL;
    *ret_next = INT64_MAX;
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            if (l->route->outlet != o || !l->first || l->running) continue;
            if (l->not_before > now && !atomic_load(&l->first->overrun)) {
                if (l->not_before < *ret_next) *ret_next = l->not_before;
            } else if (!best || l->first->ticket < best->first->ticket) {
                best = l;
            }
        }
    return best;
}

static struct lane *take(struct outlet *o)
{
    struct queue *q = &o->p->queue;
    struct lane *l = NULL;
    pthread_mutex_lock(&q->mutex);
    while (!q->closing) {
        nanos next, now = clock_monotonic();
        if ((l = pick(o, now, &next))) break;
        if (next == INT64_MAX)
            pthread_cond_wait(&o->work, &q->mutex);
        else
            queue_wait_on(o->p, &o->work, next);
    }
    if (l) l->running = true;
    pthread_mutex_unlock(&q->mutex);
    return l;
}

nanos retry_delay(const struct export_retry *r, unsigned failures, uint32_t random,
                  uint32_t retry_after_ms)
{
    double interval = (double)r->initial_interval;
    for (unsigned i = 1; i < failures && interval < (double)r->max_interval; i++)
        interval *= r->multiplier;
    if (interval > (double)r->max_interval) interval = (double)r->max_interval;
    double spread = 2.0 * (double)random / (double)UINT32_MAX - 1.0; /* -1 .. 1 */
    nanos delay = (nanos)(interval * (1 + r->randomization_factor * spread));
    nanos asked = (nanos)retry_after_ms * NANOS_MS;
    return delay > asked ? delay : asked;
}

void answer_stored(struct held *h, status s, const char *why)
{
    for (; h; h = h->next) {
        if (!h->req) continue;
        struct ingest_answer a = {0};
        pipeline_answer(h->batch, &a);
        if (s != ST_OK) err_set(&a.err, s, ERR_NOPOS, "%s", why);
        h->req->arena = NULL;
        receive_answer(h->req, &a);
        h->req = NULL;
    }
}

/* `well`: the destination works. */
static void finish(struct lane *l, bool well, status s, const char *why)
{
    struct queue *q = &l->shard->p->queue;
    struct task *t = l->first;
    journal_block_done(l->shard->journal, l->route->index, t->first_seq, t->last_seq);
    answer_stored(t->held.first, s, why);
    pthread_mutex_lock(&q->mutex);
    lane_pop(l);
    l->running = false;
    if (well) {
        l->failures = 0;
        l->not_before = 0;
    }
    pthread_cond_broadcast(&q->progress);
    pthread_cond_signal(&q->tail);
    pthread_cond_signal(&l->route->outlet->work);
    pthread_mutex_unlock(&q->mutex);
    task_free(t);
}

static void again_later(struct lane *l, uint32_t retry_after_ms, const struct err *why)
{
    struct outlet *o = l->route->outlet;
    struct queue *q = &o->p->queue;
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random) random = UINT32_MAX / 2;
    pthread_mutex_lock(&q->mutex);
    l->failures++;
    l->not_before =
        clock_monotonic() + retry_delay(&o->spec.common.retry, l->failures, random, retry_after_ms);
    l->running = false;
    snprintf(o->last_error, sizeof o->last_error, "%s", why->msg);
    o->last_error_at = clock_now();
    feed_failed(l);
    pthread_cond_signal(&o->work);
    pthread_cond_signal(&q->tail);
    pthread_mutex_unlock(&q->mutex);
}

/* The lane's next insert has its turn later: its thread is free for other lanes meanwhile. */
static void in_turn(struct lane *l)
{
    struct outlet *o = l->route->outlet;
    struct queue *q = &o->p->queue;
    pthread_mutex_lock(&q->mutex);
    l->not_before = l->first->turn_at;
    l->running = false;
    pthread_cond_signal(&o->work);
    pthread_mutex_unlock(&q->mutex);
}

/* ---- giving up ---- */

/* The block's requests, as they came, to dead/. */
static status bury(const struct task *t, const struct err *why, struct err *err)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    struct dead_block b = {.journal_id = t->journal_id,
                           .route = t->route,
                           .first_seq = t->first_seq,
                           .last_seq = t->last_seq,
                           .items = t->block->rows,
                           .requests = t->held.first,
                           .reason = why->msg};
    bool folded = false;
    for (const struct held *h = t->held.first; h; h = h->next) folded |= h->is_fold;
    status s = folded ? reread_task(t, &a, &b.requests, err) : ST_OK;
    if (s == ST_OK) s = dead_write(t->p->dead_dir, &b, err);
    arena_done(&a);
    return s;
}

static void give_up(struct lane *l, const struct err *why)
{
    struct task *t = l->first;
    struct err err;
    if (bury(t, why, &err) != ST_OK) {
        log_error("ingest", "a refused block cannot be written to dead/, it is kept",
                  LOG_CSTR("route", t->route->name), LOG_CSTR("why", err.msg));
        again_later(l, 0, &err);
        return;
    }
    log_error("ingest", "a block is given up, it is in dead/", LOG_CSTR("route", t->route->name),
              LOG_INT("rows", t->block->rows), LOG_INT("first", t->first_seq),
              LOG_INT("last", t->last_seq), LOG_CSTR("why", why->msg));
    metric_add(M_DEAD_BLOCKS, t->route->signal, 1);
    task_count(t, delivered_rows(t), DROP_DEAD);
    lane_forget(l);
    finish(l, true, ST_INVALID, why->msg);
}

/* The journal is full because of this lane, and its exporter would rather lose the oldest. */
static void overrun(struct lane *l)
{
    struct task *t = l->first;
    struct outlet *o = t->route->outlet;
    nanos now = clock_monotonic(), before = atomic_load(&o->overrun_logged);
    if ((before == 0 || now - before > 10 * NANOS_S) &&
        atomic_compare_exchange_strong(&o->overrun_logged, &before, now))
        log_warn("ingest", "the journal is full: the oldest of what waits is dropped",
                 LOG_CSTR("route", t->route->name), LOG_INT("rows", t->block->rows));
    task_count(t, delivered_rows(t), DROP_OVERRUN);
    lane_forget(l);
    finish(l, false, ST_OVERLOADED, "dropped: the journal was full");
}

/* ---- a try ---- */

static void tried(struct lane *l, uint32_t retry_after_ms, bool for_good, const struct err *err)
{
    struct task *t = l->first;
    const struct export_retry *r = &t->route->outlet->spec.common.retry;
    unsigned most = r->enabled ? r->max_tries : 1;
    t->tries++;
    if (for_good || (most > 0 && t->tries >= most)) {
        give_up(l, err);
        return;
    }
    again_later(l, retry_after_ms, err);
}

/* Once for all lanes of the destination, however often each of them tries. */
static void tell_failure(const struct task *t, const struct err *err)
{
    struct outlet *o = t->route->outlet;
    struct queue *q = &t->p->queue;
    nanos now = clock_monotonic();
    pthread_mutex_lock(&q->mutex);
    enum outage_news news = outage_failed(&o->outage, now);
    struct outage outage = o->outage;
    pthread_mutex_unlock(&q->mutex);
    if (news == OUTAGE_BEGINS)
        log_warn("ingest", "a destination fails, what is for it waits and is tried again",
                 LOG_CSTR("exporter", o->spec.name), LOG_CSTR("route", t->route->name),
                 LOG_INT("rows", t->block->rows), LOG_CSTR("status", status_name(err->code)),
                 LOG_CSTR("why", err->msg));
    else if (news == OUTAGE_LASTS)
        log_warn("ingest", "a destination still fails", LOG_CSTR("exporter", o->spec.name),
                 LOG_INT("tries", outage.tries), LOG_INT("seconds", (now - outage.began) / NANOS_S),
                 LOG_CSTR("status", status_name(err->code)), LOG_CSTR("why", err->msg));
}

static void tell_success(struct outlet *o)
{
    struct queue *q = &o->p->queue;
    struct outage over;
    pthread_mutex_lock(&q->mutex);
    enum outage_news news = outage_worked(&o->outage, &over);
    pthread_mutex_unlock(&q->mutex);
    if (news == OUTAGE_OVER)
        log_info("ingest", "a destination works again", LOG_CSTR("exporter", o->spec.name),
                 LOG_INT("failed_tries", over.tries),
                 LOG_INT("seconds", (clock_monotonic() - over.began) / NANOS_S));
}

static void run(struct lane *l)
{
    struct task *t = l->first;
    struct err err = {0};
    uint32_t retry_after_ms = 0;
    if (atomic_load(&t->overrun)) {
        overrun(l);
        return;
    }
    if (atomic_load(&t->route->outlet->held_back)) {
        err_set(&err, ST_UNAVAILABLE, ERR_NOPOS, "the tables are being made ready");
        again_later(l, 0, &err);
        return;
    }
    attempt_begin(l, ATTEMPT_SEND, t->first_seq, t->last_seq);
    enum deliver_outcome outcome = deliver(t, &retry_after_ms, &err);
    attempt_end(l, ATTEMPT_SEND);
    task_cleared(t);
    if (outcome == DELIVER_DONE) {
        tell_success(t->route->outlet);
        if (!t->route->outlet->spec.exporter) metric_add(M_BLOCKS, t->route->signal, 1);
        task_count(t, t->block->rows - t->progress.rejected, DROP_REFUSED);
        finish(l, true, ST_OK, "");
    } else if (atomic_load(&t->overrun)) {
        overrun(l);
    } else if (outcome == DELIVER_IN_TURN) {
        in_turn(l);
    } else if (outcome == DELIVER_LATER) {
        if (!atomic_load(&t->p->stopping)) tell_failure(t, &err);
        again_later(l, retry_after_ms, &err);
    } else {
        if (outcome == DELIVER_TRIED) tell_failure(t, &err);
        tried(l, retry_after_ms, outcome == DELIVER_REFUSED, &err);
    }
}

static void *send_loop(void *outlet)
{
    struct outlet *o = outlet;
    for (struct lane *l; (l = take(o));) run(l);
    return NULL;
}

status outlet_start(struct outlet *o, struct err *err)
{
    unsigned n = o->spec.common.consumers;
    o->threads = calloc(n, sizeof *o->threads);
    if (!o->threads) abort();
    for (; o->n_threads < n; o->n_threads++) {
        if (pthread_create(&o->threads[o->n_threads], NULL, send_loop, o) != 0)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot start a thread for %s",
                           o->spec.name);
        pthread_setname_np(o->threads[o->n_threads],
                           o->spec.exporter ? "exporter" : "store-writer");
    }
    return ST_OK;
}

void outlets_stop(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    p->queue.closing = true;
    if (p->again) atomic_store(&p->again->cancel, true);
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes && p->shards[i].lanes; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            if (l->running) atomic_store(&l->first->cancel, true);
        }
    for (unsigned i = 0; i < p->n_outlets; i++) pthread_cond_broadcast(&p->outlets[i].work);
    pthread_mutex_unlock(&p->queue.mutex);
    for (unsigned i = 0; i < p->n_outlets; i++) {
        struct outlet *o = &p->outlets[i];
        for (unsigned k = 0; k < o->n_threads; k++) pthread_join(o->threads[k], NULL);
        free(o->threads);
        o->threads = NULL;
        o->n_threads = 0;
    }
}
