/* The blocks that wait, lane by lane.
 *
 *   lane (shard, route): first --> next --> next      one at a time, in order
 *
 * A block leaves its lane when it is delivered or given up; or its lane fails, and the tail thread
 * reads it back later. One mutex for all lanes: it is taken a few times a block. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/state.h"

void held_list_add(struct held_list *l, struct held *h)
{
    h->next = NULL;
    if (!l->first)
        l->first = h;
    else
        l->last->next = h;
    l->last = h;
}

void queue_init(struct queue *q)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->progress, &monotonic);
    pthread_cond_init(&q->tail, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void queue_done(struct queue *q)
{
    pthread_cond_destroy(&q->progress);
    pthread_cond_destroy(&q->tail);
    pthread_mutex_destroy(&q->mutex);
}

struct task *task_new(struct pipeline *p, const struct route *r, const uint8_t journal_id[16],
                      struct telemetry_block *block, struct held_list held)
{
    struct task *t = calloc(1, sizeof *t);
    if (!t) abort();
    *t = (struct task){.p = p,
                       .route = r,
                       .block = block,
                       .held = held,
                       .first_seq = block->first_seq,
                       .last_seq = block->last_seq};
    memcpy(t->journal_id, journal_id, sizeof t->journal_id);
    arena_init(&t->arena, SIZE_MAX / 2);
    return t;
}

void queue_push(struct lane *l, struct task *t)
{
    struct queue *q = &t->p->queue;
    t->lane = l;
    pthread_mutex_lock(&q->mutex);
    t->ticket = ++q->next_ticket;
    if (!l->first)
        l->first = t;
    else
        *l->last = t;
    l->last = &t->next;
    atomic_fetch_add(&l->waiting, 1);
    pthread_cond_signal(&l->route->outlet->work);
    pthread_mutex_unlock(&q->mutex);
}

struct task *lane_pop(struct lane *l)
{
    struct task *t = l->first;
    l->first = t->next;
    t->next = NULL;
    atomic_fetch_sub(&l->waiting, 1);
    return t;
}

void task_cleared(struct task *t)
{
    if (!t->suspect) return;
    t->suspect = false;
    atomic_store(&t->lane->suspect, false);
    atomic_fetch_sub(&t->p->suspects, 1);
}

void task_free(struct task *t)
{
    uint64_t bytes = t->encoded_bytes;
    for (struct held *h = t->held.first; h; h = h->next) bytes += h->bytes;
    pipeline_release(t->p, t->aside, bytes);
    task_cleared(t);
    arena_done(&t->arena);
    telemetry_block_free(t->block);
    free(t);
}

/* Is all of the lane's up to `target` delivered? */
static bool lane_done_until(const struct lane *l, uint64_t target)
{
    for (const struct task *t = l->first; t; t = t->next)
        if (t->first_seq <= target) return false;
    if (!l->tail) return true;
    if (l->tail_next != 0 && l->tail_next <= target) return false;
    uint64_t until = target < l->tail_until ? target : l->tail_until;
    return l->tail_position >= until && (l->tail_collected == 0 || l->tail_collected > target);
}

bool queue_done_until(struct pipeline *p, const uint64_t *targets)
{
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes; k++)
            if (!lane_done_until(&p->shards[i].lanes[k], targets[i])) return false;
    return true;
}

bool queue_wait_on(struct pipeline *p, pthread_cond_t *c, nanos deadline)
{
    struct timespec t = {.tv_sec = deadline / NANOS_S, .tv_nsec = deadline % NANOS_S};
    return pthread_cond_timedwait(c, &p->queue.mutex, &t) != ETIMEDOUT;
}

bool queue_wait(struct pipeline *p, nanos deadline)
{
    if (clock_monotonic() >= deadline) return false;
    queue_wait_on(p, &p->queue.progress, deadline);
    return true;
}

void queue_progress(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex);
    pthread_cond_broadcast(&p->queue.progress);
    pthread_cond_signal(&p->queue.tail);
    pthread_mutex_unlock(&p->queue.mutex);
}

void queue_free(struct pipeline *p)
{
    pthread_mutex_lock(&p->queue.mutex); /* a flush may be looking */
    for (unsigned i = 0; i < p->n_shards; i++)
        for (unsigned k = 0; k < p->n_routes && p->shards[i].lanes; k++) {
            struct lane *l = &p->shards[i].lanes[k];
            while (l->first) {
                answer_stored(l->first->held.first, ST_UNAVAILABLE,
                              "shutting down; the request is in the journal");
                task_free(lane_pop(l));
            }
        }
    pthread_cond_broadcast(&p->queue.progress);
    pthread_mutex_unlock(&p->queue.mutex);
}
