/* The store writers: threads that take sealed blocks and store them, again and again until the
 * store has them.
 *
 *   lane (shard, signal): first --> next --> next      one at a time, in order
 *   writer: the oldest block of a lane that is neither running nor backing off
 *
 * A block leaves its lane when it is stored or in dead/. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "ingest/state.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_MOST_MS = 30000, SEEN_ENTRIES = 200000 };

void held_list_add(struct held_list *l, struct held *h)
{
    h->next = NULL;
    if (!l->first)
        l->first = h;
    else
        *l->last = h;
    l->last = &h->next;
}

void store_queue_push(struct shard *s, enum signal_kind signal, struct telemetry_block *block,
                      struct held_list held, bool begun)
{
    struct store_task *t = calloc(1, sizeof *t);
    if (!t) abort();
    *t = (struct store_task){.shard = s,
                             .signal = signal,
                             .block = block,
                             .held = held,
                             .first_seq = block->first_seq,
                             .last_seq = block->last_seq,
                             .begun = begun};
    arena_init(&t->arena, SIZE_MAX / 2);
    struct lane *lane = &s->lanes[signal];
    struct store_queue *q = &s->p->queue;
    pthread_mutex_lock(&q->mutex);
    t->ticket = ++q->next_ticket;
    if (!lane->first)
        lane->first = t;
    else
        *lane->last = t;
    lane->last = &t->next;
    q->outstanding++;
    atomic_fetch_add(&lane->waiting, 1);
    pthread_cond_signal(&q->work);
    pthread_mutex_unlock(&q->mutex);
}

uint64_t store_queue_last_ticket(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    uint64_t ticket = p->queue.next_ticket;
    pthread_mutex_unlock(&p->queue.mutex);
    return ticket;
}

bool store_queue_done_until(struct pipeline *p, uint64_t ticket)
{
    for (unsigned i = 0; i < p->n_shards; i++)
        for (int k = 0; k < SIGNAL_COUNT; k++) {
            struct store_task *t = p->shards[i].lanes[k].first;
            if (t && t->ticket <= ticket) return false;
        }
    return true;
}

void store_queue_progress(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    pthread_cond_broadcast(&p->queue.progress);
    pthread_mutex_unlock(&p->queue.mutex);
}

/* A condition of the monotonic clock. False when `deadline` has passed. */
static bool wait_until(pthread_cond_t *c, pthread_mutex_t *m, nanos deadline)
{
    struct timespec t = {.tv_sec = deadline / NANOS_S, .tv_nsec = deadline % NANOS_S};
    return pthread_cond_timedwait(c, m, &t) != ETIMEDOUT;
}

bool store_queue_wait(struct pipeline *p, nanos deadline)
{
    if (clock_monotonic() >= deadline) return false;
    wait_until(&p->queue.progress, &p->queue.mutex, deadline);
    return true;
}

/* The lane whose oldest block came first of those that may go now. Else NULL and when one may. */
static struct lane *pick(struct pipeline *p, nanos now, nanos *ret_next)
{
    struct lane *best = NULL;
    *ret_next = INT64_MAX;
    for (unsigned i = 0; i < p->n_shards; i++)
        for (int k = 0; k < SIGNAL_COUNT; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            if (!l->first || l->running) continue;
            if (l->not_before > now) {
                if (l->not_before < *ret_next) *ret_next = l->not_before;
            } else if (!best || l->first->ticket < best->first->ticket) {
                best = l;
            }
        }
    return best;
}

static struct lane *take(struct pipeline *p)
{
    struct store_queue *q = &p->queue;
    struct lane *l = NULL;
    pthread_mutex_lock(&q->mutex);
    while (!q->closing) {
        nanos next, now = clock_monotonic();
        if ((l = pick(p, now, &next))) break;
        if (next == INT64_MAX)
            pthread_cond_wait(&q->work, &q->mutex);
        else
            wait_until(&q->work, &q->mutex, next);
    }
    if (l) l->running = true;
    pthread_mutex_unlock(&q->mutex);
    return l;
}

/* 1 s, 2 s, 4 s ... 30 s; between half of it and all of it. */
static nanos backoff(unsigned failures)
{
    nanos ms = failures > 5 ? BACKOFF_MOST_MS : (nanos)BACKOFF_FIRST_MS << (failures - 1);
    if (ms > BACKOFF_MOST_MS) ms = BACKOFF_MOST_MS;
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random) random = 0;
    return (ms / 2 + (nanos)(random % (uint64_t)(ms / 2 + 1))) * NANOS_MS;
}

static void answer_stored(struct held *h, status s, const char *why)
{
    for (; h; h = h->next) {
        if (!h->req) continue;
        struct ingest_answer a = {.rejected = telemetry_batch_rejected(h->batch)};
        if (s != ST_OK) err_set(&a.err, s, ERR_NOPOS, "%s", why);
        snprintf(a.message, sizeof a.message, STR_FMT, STR_ARG(h->batch->first_rejection));
        h->req->arena = NULL;
        receive_answer(h->req, &a);
        h->req = NULL;
    }
}

static void task_free(struct pipeline *p, struct store_task *t)
{
    uint64_t bytes = t->encoded_bytes;
    for (struct held *h = t->held.first; h; h = h->next) bytes += h->bytes;
    pipeline_release(p, bytes);
    arena_done(&t->arena);
    telemetry_block_free(t->block);
    free(t);
}

/* Takes the first task out of its lane. Mutex held. */
static struct store_task *lane_pop(struct store_queue *q, struct lane *l)
{
    struct store_task *t = l->first;
    l->first = t->next;
    l->failures = 0;
    l->not_before = 0;
    q->outstanding--;
    atomic_fetch_sub(&l->waiting, 1);
    return t;
}

static void finish(struct pipeline *p, struct lane *l, status s, const char *why)
{
    struct store_queue *q = &p->queue;
    struct store_task *t = l->first;
    journal_block_done(t->shard->journal, t->signal, t->first_seq, t->last_seq);
    answer_stored(t->held.first, s, why);
    pthread_mutex_lock(&q->mutex);
    lane_pop(q, l);
    l->running = false;
    pthread_cond_broadcast(&q->progress);
    pthread_cond_signal(&q->work);
    pthread_mutex_unlock(&q->mutex);
    task_free(p, t);
}

static void again_later(struct pipeline *p, struct lane *l)
{
    pthread_mutex_lock(&p->queue.mutex);
    l->not_before = clock_monotonic() + backoff(++l->failures);
    l->running = false;
    pthread_cond_signal(&p->queue.work);
    pthread_mutex_unlock(&p->queue.mutex);
}

void lane_forget(struct lane *l)
{
    encode_seen_free(l->seen);
    l->seen = encode_seen_new(SEEN_ENTRIES);
}

static void give_up(struct pipeline *p, struct lane *l, const struct err *why)
{
    struct store_task *t = l->first;
    struct err err;
    status s = dead_write(p->dead_dir, journal_id(t->shard->journal), t->signal, t->first_seq,
                          t->last_seq, t->held.first, why->msg, &err);
    if (s != ST_OK) {
        log_error("ingest", "a refused block cannot be written to dead/, it is kept",
                  LOG_CSTR("signal", signal_name(t->signal)), LOG_CSTR("why", err.msg));
        again_later(p, l);
        return;
    }
    log_error("ingest", "the store refuses a block, it is in dead/",
              LOG_CSTR("signal", signal_name(t->signal)), LOG_INT("rows", t->block->rows),
              LOG_INT("first", t->first_seq), LOG_INT("last", t->last_seq),
              LOG_CSTR("why", why->msg));
    metric_add(M_DEAD_BLOCKS, t->signal, 1);
    ledger_store(t->signal, t->stored_rows);
    ledger_dead(t->signal, t->block->rows - t->stored_rows);
    lane_forget(l);
    finish(p, l, ST_INVALID, why->msg);
}

static void run_task(struct pipeline *p, struct lane *l)
{
    struct store_task *t = l->first;
    struct err err = {0};
    switch (pipeline_store(t, &err)) {
    case STORE_DONE:
        metric_add(M_BLOCKS, t->signal, 1);
        ledger_store(t->signal, t->block->rows);
        finish(p, l, ST_OK, "");
        return;
    case STORE_REFUSED:
        if (++t->refusals >= p->opt.insert_tries) {
            give_up(p, l, &err);
            return;
        }
        [[fallthrough]];
    case STORE_AGAIN:
        log_warn("ingest", "a block could not be stored, it is tried again",
                 LOG_CSTR("signal", signal_name(t->signal)), LOG_INT("rows", t->block->rows),
                 LOG_CSTR("status", status_name(err.code)), LOG_CSTR("why", err.msg));
        again_later(p, l);
    }
}

static void *write_loop(void *pipeline)
{
    struct pipeline *p = pipeline;
    for (struct lane *l; (l = take(p));) run_task(p, l);
    return NULL;
}

status store_queue_start(struct pipeline *p, struct err *err)
{
    p->writers = calloc(p->opt.store_writers, sizeof *p->writers);
    if (!p->writers) abort();
    for (; p->n_writers < p->opt.store_writers; p->n_writers++) {
        if (pthread_create(&p->writers[p->n_writers], NULL, write_loop, p) != 0)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot start a store writer");
        pthread_setname_np(p->writers[p->n_writers], "store-writer");
    }
    return ST_OK;
}

void store_queue_stop(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    p->queue.closing = true;
    pthread_cond_broadcast(&p->queue.work);
    pthread_mutex_unlock(&p->queue.mutex);
    for (unsigned i = 0; i < p->n_writers; i++) pthread_join(p->writers[i], NULL);
    free(p->writers);
    p->writers = NULL;
    p->n_writers = 0;
}

void store_queue_free(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex); /* a flush may be looking */
    for (unsigned i = 0; i < p->n_shards; i++)
        for (int k = 0; k < SIGNAL_COUNT; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            while (l->first) {
                answer_stored(l->first->held.first, ST_UNAVAILABLE,
                              "shutting down; the request is in the journal");
                task_free(p, lane_pop(&p->queue, l));
            }
        }
    pthread_cond_broadcast(&p->queue.progress);
    pthread_mutex_unlock(&p->queue.mutex);
}
