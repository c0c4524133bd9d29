/* The threads of the jobs. */
#include "lifecycle/jobs.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obs/log.h"
#include "obs/metrics.h"

struct worker {
    struct lifecycle_jobs *all;
    struct lifecycle_job job;
    unsigned slot; /* of the metrics */
    pthread_t thread;
    bool started;
    /* under the lock */
    bool due, running;
    uint64_t runs, failures;
    nanos last_start, last_took;            /* wall clock; duration of the last whole run */
    char error[sizeof((struct err){}.msg)]; /* of the last run; empty: it succeeded */
};

struct lifecycle_jobs {
    struct store *store;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n;
    struct worker workers[LIFECYCLE_JOBS_MAX];
};

static void note_end(struct worker *w, status s, nanos took, const struct err *err)
{
    bool failed = *w->error;
    w->runs++;
    w->last_took = took;
    metric_add(M_JOB_RUNS, w->slot, 1);
    metric_observe(M_JOB_SECONDS, w->slot, (double)took / NANOS_S);
    if (s == ST_OK) {
        *w->error = 0;
        metric_set(M_JOB_SUCCESS, w->slot, (w->last_start + took) / NANOS_S);
        if (failed) log_info("lifecycle", "job works again", LOG_CSTR("job", w->job.name));
        return;
    }
    w->failures++;
    metric_add(M_JOB_FAILURES, w->slot, 1);
    snprintf(w->error, sizeof w->error, "%s", *err->msg ? err->msg : status_name(s));
    if (!failed)
        log_warn("lifecycle", "job failed", LOG_CSTR("job", w->job.name), LOG_CSTR("why", w->error),
                 LOG_INT("again_after_ms", w->job.interval / NANOS_MS));
}

/* One run, without the lock. */
static void run(struct worker *w)
{
    struct lifecycle_jobs *j = w->all;
    struct err err = {};
    w->running = true;
    w->due = false;
    w->last_start = clock_now();
    pthread_mutex_unlock(&j->lock);
    nanos began = clock_monotonic();
    const struct lifecycle_run r = {.store = j->store, .now = w->last_start, .stop = &j->stop};
    status s = w->job.run(w->job.ctx, &r, &err);
    nanos took = clock_monotonic() - began;
    pthread_mutex_lock(&j->lock);
    w->running = false;
    if (s != ST_CANCELLED || !atomic_load(&j->stop)) note_end(w, s, took, &err);
}

static void *worker_main(void *ctx)
{
    struct worker *w = ctx;
    struct lifecycle_jobs *j = w->all;
    pthread_mutex_lock(&j->lock);
    while (!atomic_load(&j->stop)) {
        run(w);
        nanos at = clock_monotonic() + w->job.interval;
        const struct timespec until = {.tv_sec = at / NANOS_S, .tv_nsec = at % NANOS_S};
        while (!atomic_load(&j->stop) && !w->due)
            if (pthread_cond_timedwait(&j->changed, &j->lock, &until) != 0) break;
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static status start(struct worker *w, struct err *err)
{
    char name[16];
    snprintf(name, sizeof name, "job-%s", w->job.name);
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no thread for the job %s", w->job.name);
    pthread_setname_np(w->thread, name);
    w->started = true;
    return ST_OK;
}

status lifecycle_jobs_start(struct store *store, const struct lifecycle_job *jobs, size_t n,
                            struct lifecycle_jobs **ret, struct err *err)
{
    assert(n <= LIFECYCLE_JOBS_MAX);
    struct lifecycle_jobs *j = calloc(1, sizeof *j);
    if (!j) abort();
    j->store = store;
    j->n = n;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->changed, &attr);
    pthread_condattr_destroy(&attr);
    status s = ST_OK;
    for (size_t i = 0; i < n; i++) {
        j->workers[i] = (struct worker){.all = j, .job = jobs[i], .slot = (unsigned)i};
        metric_label_job((unsigned)i, jobs[i].name);
    }
    for (size_t i = 0; s == ST_OK && i < n; i++) s = start(&j->workers[i], err);
    if (s == ST_OK)
        *ret = j;
    else
        lifecycle_jobs_stop(j);
    return s;
}

void lifecycle_jobs_wake(struct lifecycle_jobs *j, const char *name)
{
    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < j->n; i++)
        if (strcmp(j->workers[i].job.name, name) == 0) j->workers[i].due = true;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

static void status_of(const struct worker *w, struct json_out *out)
{
    json_object(out);
    json_key(out, S("name"));
    json_str(out, str_of(w->job.name));
    json_key(out, S("runs"));
    json_u64(out, w->runs);
    json_key(out, S("failures"));
    json_u64(out, w->failures);
    json_key(out, S("running"));
    json_bool(out, w->running);
    json_key(out, S("last_start"));
    json_i64(out, w->last_start / NANOS_S);
    json_key(out, S("last_seconds"));
    json_f64(out, (double)(w->last_took / NANOS_MS) / 1000);
    json_key(out, S("error"));
    json_str(out, str_of(w->error));
    json_end(out);
}

void lifecycle_jobs_status(struct lifecycle_jobs *j, struct json_out *out)
{
    json_key(out, S("jobs"));
    json_array(out);
    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < j->n; i++) status_of(&j->workers[i], out);
    pthread_mutex_unlock(&j->lock);
    json_end(out);
}

void lifecycle_jobs_ask_stop(struct lifecycle_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    atomic_store(&j->stop, true);
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

void lifecycle_jobs_stop(struct lifecycle_jobs *j)
{
    if (!j) return;
    lifecycle_jobs_ask_stop(j);
    for (size_t i = 0; i < j->n; i++)
        if (j->workers[i].started) pthread_join(j->workers[i].thread, NULL);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    free(j);
}
