#include "obs/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { PATIENCE_S = 1, SHED_LEAST_S = 1, SHED_MOST_S = 5 };

static struct {
    struct memory_options opt;
    atomic_uint_fast64_t soft, resident; /* soft 0: nothing watches */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool started, stopping, shed_wanted;
    pthread_t watcher, shedder;
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint64_t resident_now(void)
{
    if (watch.opt.read) return watch.opt.read(watch.opt.ctx);
    char text[128] = {0};
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    unsigned long long size = 0, pages = 0;
    if (n <= 0 || sscanf(text, "%llu %llu", &size, &pages) != 2) return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

status memory_admit(struct err *err)
{
    uint64_t soft = atomic_load_explicit(&watch.soft, memory_order_relaxed);
    uint64_t resident = atomic_load_explicit(&watch.resident, memory_order_relaxed);
    if (!soft || resident <= soft) return ST_OK;
    metric_add(M_MEMORY_REFUSED, 0, 1);
    return err_set(err, ST_OVERLOADED, ERR_NOPOS,
                   "%llu MiB of memory are in use, requests are taken up to %llu MiB "
                   "(memory.limit)",
                   (unsigned long long)(resident >> 20), (unsigned long long)(soft >> 20));
}

/* Waits for `n` ns or until it is told to stop. Mutex held. */
static void wait_for(nanos n)
{
    nanos until = clock_monotonic() + n;
    struct timespec t = {.tv_sec = until / NANOS_S, .tv_nsec = until % NANOS_S};
    while (!watch.stopping && pthread_cond_timedwait(&watch.changed, &watch.mutex, &t) == 0) {
    }
}

static void *watch_loop(void *)
{
    nanos above_since = 0;
    pthread_mutex_lock(&watch.mutex);
    while (!watch.stopping) {
        uint64_t resident = resident_now();
        atomic_store_explicit(&watch.resident, resident, memory_order_relaxed);
        nanos now = clock_monotonic();
        if (resident <= watch.opt.soft)
            above_since = 0;
        else if (!above_since)
            above_since = now;
        bool long_above = above_since && now - above_since >= PATIENCE_S * NANOS_S;
        watch.shed_wanted = resident > watch.opt.hard || long_above;
        if (watch.shed_wanted) pthread_cond_broadcast(&watch.changed);
        wait_for(watch.opt.interval);
    }
    pthread_mutex_unlock(&watch.mutex);
    return NULL;
}

/* Gives back what is idle; how many bytes that was. */
static uint64_t shed(void)
{
    uint64_t before = resident_now();
    arena_trim();
    malloc_trim(0);
    if (watch.opt.shed && resident_now() > watch.opt.soft) {
        watch.opt.shed(watch.opt.ctx);
        malloc_trim(0);
    }
    uint64_t after = resident_now();
    atomic_store_explicit(&watch.resident, after, memory_order_relaxed);
    metric_add(M_MEMORY_SHED, 0, 1);
    return before > after ? before - after : 0;
}

/* When it does not help it is tried ever more seldom: what is in use will be given back by whoever
 * uses it. */
static void *shed_loop(void *)
{
    nanos pause = SHED_LEAST_S * NANOS_S, logged = 0;
    pthread_mutex_lock(&watch.mutex);
    while (!watch.stopping) {
        if (!watch.shed_wanted) {
            pause = SHED_LEAST_S * NANOS_S;
            pthread_cond_wait(&watch.changed, &watch.mutex);
            continue;
        }
        pthread_mutex_unlock(&watch.mutex);
        uint64_t given = shed();
        nanos now = clock_monotonic();
        if (!logged || now - logged > 10 * NANOS_S) {
            logged = now;
            log_warn("memory", "above its limit; what was idle has been given back",
                     LOG_INT("resident", atomic_load(&watch.resident)),
                     LOG_INT("given_back", given), LOG_INT("soft", watch.opt.soft),
                     LOG_INT("hard", watch.opt.hard));
        }
        bool helped = given > watch.opt.hard / 64;
        pause = helped ? SHED_LEAST_S * NANOS_S : pause * 2;
        if (pause > SHED_MOST_S * NANOS_S) pause = SHED_MOST_S * NANOS_S;
        pthread_mutex_lock(&watch.mutex);
        wait_for(pause);
    }
    pthread_mutex_unlock(&watch.mutex);
    return NULL;
}

static void condition_init(void)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

status memory_watch_start(const struct memory_options *opt, struct err *err)
{
    watch.opt = *opt;
    watch.stopping = watch.shed_wanted = false;
    condition_init();
    atomic_store(&watch.resident, resident_now());
    metric_set(M_MEMORY_SOFT, 0, (int64_t)opt->soft);
    metric_set(M_MEMORY_HARD, 0, (int64_t)opt->hard);
    if (pthread_create(&watch.watcher, NULL, watch_loop, NULL) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "cannot start the watch of memory");
    pthread_setname_np(watch.watcher, "memory");
    watch.started = true;
    if (pthread_create(&watch.shedder, NULL, shed_loop, NULL) != 0) abort();
    pthread_setname_np(watch.shedder, "memory-shed");
    atomic_store(&watch.soft, opt->soft);
    return ST_OK;
}

void memory_watch_stop(void)
{
    if (!watch.started) return;
    atomic_store(&watch.soft, 0);
    pthread_mutex_lock(&watch.mutex);
    watch.stopping = true;
    pthread_cond_broadcast(&watch.changed);
    pthread_mutex_unlock(&watch.mutex);
    pthread_join(watch.watcher, NULL);
    pthread_join(watch.shedder, NULL);
    pthread_cond_destroy(&watch.changed);
    watch.started = false;
}
