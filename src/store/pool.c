#include "store/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define CANCEL_LOOK                                                               \
    (50 * NANOS_MS) /* a flag cannot be waited on: how often a waiter looks at it \
                     */

struct waiter {
    struct waiter *next;
    pthread_cond_t wake;
    bool served;
    unsigned slot;
};

struct pool {
    pthread_mutex_t lock;
    struct waiter *first[2], **last[2]; /* by enum pool_use */
    unsigned slots, reserved, idle;
    unsigned stack[]; /* the idle slots */
};

struct pool *pool_new(unsigned slots, unsigned reserved)
{
    assert(slots > reserved);
    struct pool *p = calloc(1, sizeof *p + slots * sizeof *p->stack);
    if (!p) abort();
    p->slots = p->idle = slots;
    p->reserved = reserved;
    for (unsigned i = 0; i < slots; i++) p->stack[i] = slots - 1 - i;
    for (int use = 0; use < 2; use++) p->last[use] = &p->first[use];
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void pool_free(struct pool *p)
{
    if (!p) return;
    assert(p->idle == p->slots);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void serve(struct pool *p)
{
    for (int use = 0; use < 2; use++) {
        unsigned keep = use == POOL_QUERY ? p->reserved : 0;
        while (p->first[use] && p->idle > keep) {
            struct waiter *w = p->first[use];
            p->first[use] = w->next;
            if (!w->next) p->last[use] = &p->first[use];
            w->slot = p->stack[--p->idle];
            w->served = true;
            pthread_cond_signal(&w->wake);
        }
    }
}

static void leave(struct pool *p, enum pool_use use, struct waiter *w)
{
    struct waiter **at = &p->first[use];
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    if (!w->next) p->last[use] = at;
}

static void wait_until(struct pool *p, struct waiter *w, nanos deadline)
{
    struct timespec t = {.tv_sec = deadline / NANOS_S, .tv_nsec = deadline % NANOS_S};
    pthread_cond_timedwait(&w->wake, &p->lock, &t);
}

status pool_take(struct pool *p, enum pool_use use, nanos deadline, const atomic_bool *cancel,
                 unsigned *ret_slot, struct err *err)
{
    struct waiter w = {};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);

    status s = ST_OK;
    pthread_mutex_lock(&p->lock);
    *p->last[use] = &w;
    p->last[use] = &w.next;
    serve(p);
    while (!w.served) {
        nanos now = clock_monotonic();
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
            s = err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled while waiting for a connection");
        else if (now >= deadline)
            s = err_set(err, ST_OVERLOADED, ERR_NOPOS, "all %u connections to the store are busy",
                        p->slots);
        if (s != ST_OK) {
            leave(p, use, &w);
            break;
        }
        wait_until(p, &w, cancel && deadline - now > CANCEL_LOOK ? now + CANCEL_LOOK : deadline);
    }
    pthread_mutex_unlock(&p->lock);
    pthread_cond_destroy(&w.wake);
    if (s == ST_OK) *ret_slot = w.slot;
    return s;
}

void pool_give(struct pool *p, unsigned slot)
{
    pthread_mutex_lock(&p->lock);
    assert(p->idle < p->slots);
    p->stack[p->idle++] = slot;
    serve(p);
    pthread_mutex_unlock(&p->lock);
}
