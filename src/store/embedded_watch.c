#include "store/embedded_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/embedded_engine.h"

#define LOOK_EVERY (20 * NANOS_MS)

struct watched {
    const char *comment;
    const atomic_bool *cancel; /* NULL: nothing runs here that can be cancelled */
};

struct embedded_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    unsigned slots, watched;
    struct watched slot[];
};

static void look(struct embedded_watch *w)
{
    for (unsigned i = 0; i < w->slots; i++) {
        struct watched *s = &w->slot[i];
        /* Again at every look until it ends: the statement may not have begun when we first asked.
         */
        if (s->cancel && atomic_load_explicit(s->cancel, memory_order_relaxed))
            embedded_engine_kill(s->comment);
    }
}

static void *watch(void *ctx)
{
    struct embedded_watch *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (!w->watched) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        nanos at = clock_monotonic() + LOOK_EVERY;
        struct timespec t = {.tv_sec = at / NANOS_S, .tv_nsec = at % NANOS_S};
        pthread_cond_timedwait(&w->changed, &w->lock, &t);
        look(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

status embedded_watch_new(unsigned slots, struct embedded_watch **ret, struct err *err)
{
    struct embedded_watch *w = calloc(1, sizeof *w + slots * sizeof *w->slot);
    if (!w) abort();
    w->slots = slots;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&w->thread, NULL, watch, w);
    if (rc != 0) {
        free(w);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no thread: %s", strerror(rc));
    }
    *ret = w;
    return ST_OK;
}

void embedded_watch_free(struct embedded_watch *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void embedded_watch_begin(struct embedded_watch *w, unsigned slot, const char *comment,
                          const atomic_bool *cancel)
{
    if (!cancel) return;
    pthread_mutex_lock(&w->lock);
    w->slot[slot] = (struct watched){comment, cancel};
    if (!w->watched++) pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void embedded_watch_end(struct embedded_watch *w, unsigned slot)
{
    pthread_mutex_lock(&w->lock);
    if (w->slot[slot].cancel) {
        w->slot[slot] = (struct watched){};
        w->watched--;
    }
    pthread_mutex_unlock(&w->lock);
}
