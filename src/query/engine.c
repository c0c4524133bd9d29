/* The query threads: a bounded queue of calls, each run by the handler of its route with a fetcher
 * of its own. */
#include "query/engine.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "obs/log.h"
#include "obs/metrics.h"
#include "query/fetch/fetch.h"
#include "query/serve/serve.h"

enum { THREADS_MAX = 64, KEPT_BYTES = 16 << 20 };

struct engine {
    struct engine_options opt;
    struct store *store;
    struct kept *kept;
    struct server *server;
    atomic_bool begun;
    pthread_mutex_t lock; /* the members below */
    pthread_cond_t work;
    struct serve_call *first, **last;
    unsigned queued;
    struct serve_call *running[THREADS_MAX];
    struct query_job *warming; /* NULL: it has been, or is still to be */
    bool closing, warmed;
    unsigned n_threads;
    struct worker {
        struct engine *engine;
        unsigned number;
        pthread_t thread;
    } workers[THREADS_MAX];
};

/* thread: loop */
static bool submit(void *ctx, struct serve_call *c)
{
    struct engine *e = ctx;
    pthread_mutex_lock(&e->lock);
    bool goes_on = c->job.more != NULL; /* it has been let in before */
    bool ok = !e->closing && (goes_on || e->queued < e->opt.max_queued);
    if (ok) {
        c->next = NULL;
        *e->last = c;
        e->last = &c->next;
        e->queued++;
        pthread_cond_signal(&e->work);
    }
    pthread_mutex_unlock(&e->lock);
    if (!ok && !goes_on) {
        metric_add(M_QUERIES, c->route->api, 1);
        metric_add(M_QUERY_ERRORS, c->route->api, 1);
    }
    return ok;
}

static bool may_warm_up(const struct engine *e)
{
    return e->opt.warm_up && !e->warmed && atomic_load(&e->begun);
}

/* The lock is held, but not while it runs. */
static void warm_up(struct engine *e)
{
    struct arena arena;
    struct err err = {0};
    struct store_fetcher f;
    struct query_limits limits = e->opt.limits;
    limits.max_rows = 2'000'000;
    struct query_job j = {.arena = &arena,
                          .now = clock_now(),
                          .deadline = clock_monotonic() + NANOS_S,
                          .limits = &limits};
    e->warmed = true;
    e->warming = &j;
    pthread_mutex_unlock(&e->lock);
    arena_init(&arena, limits.max_bytes / 4);
    store_fetcher_init(&f, e->store, &j);
    f.kept = e->kept;
    nanos begun = clock_monotonic();
    status st = e->opt.warm_up(&j, &err);
    log_debug("query", "first queries asked", LOG_CSTR("status", status_name(st)),
              LOG_INT("ms", (clock_monotonic() - begun) / NANOS_MS));
    pthread_mutex_lock(&e->lock);
    e->warming = NULL;
    arena_done(&arena);
}

/* The next call to run; NULL when the engine closes. Waiting calls are handed out then too,
 * cancelled. */
static struct serve_call *next_call(struct engine *e, unsigned worker)
{
    pthread_mutex_lock(&e->lock);
    while (!e->first && !e->closing && !may_warm_up(e)) pthread_cond_wait(&e->work, &e->lock);
    if (may_warm_up(e) && !e->first && !e->closing) warm_up(e);
    while (!e->first && !e->closing) pthread_cond_wait(&e->work, &e->lock);
    struct serve_call *c = e->first;
    if (c) {
        e->first = c->next;
        if (!e->first) e->last = &e->first;
        e->queued--;
        if (e->closing) atomic_store(&c->job.cancelled, true);
    }
    e->running[worker] = c;
    pthread_mutex_unlock(&e->lock);
    return c;
}

static void log_failure(const struct serve_call *c, status st, const struct err *err,
                        double seconds)
{
    const struct query_job *j = &c->job;
    str query = job_param(j, S("query"));
    if (query.len > 300) query.len = 300;
    enum log_level level = status_http(st) >= 500 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    LOG_WRITE(level, "query", "query failed", LOG_STR("path", j->path),
              LOG_CSTR("status", status_name(st)), LOG_CSTR("error", err->msg),
              LOG_STR("query", query), LOG_DOUBLE("seconds", seconds));
}

/* Runs the handler and makes sure there is an answer. */
static void answer(struct serve_call *c, status st, struct err *err)
{
    struct query_job *j = &c->job;
    if (st != ST_OK || j->body.over) j->more = NULL;
    if (st != ST_OK && j->body.len == 0 && j->http_status == 0)
        serve_fail(c, (unsigned)status_http(st), err->msg);
    else if (j->body.over) {
        err_set(err, ST_EXECUTION, ERR_NOPOS,
                "the answer is larger than the query's memory limit of %llu bytes",
                (unsigned long long)j->limits->max_bytes);
        serve_fail(c, (unsigned)status_http(ST_EXECUTION), err->msg);
    }
}

static void run_call(struct engine *e, struct serve_call *c)
{
    unsigned api = c->route->api;
    struct store_fetcher f;
    struct err err = {0};
    store_fetcher_init(&f, e->store, &c->job);
    f.kept = e->kept;
    c->job.cache = e->opt.cache;
    metric_move(M_QUERIES_RUNNING, 0, 1);
    status st = job_check(&c->job, &err); /* it may have waited too long */
    if (st == ST_OK && !atomic_load(&e->begun))
        st = err_set(&err, ST_UNAVAILABLE, ERR_NOPOS,
                     "the tables are being loaded: try again in a moment");
    if (st == ST_OK) st = c->route->run(&c->job, &err);
    c->job.fetcher = NULL;
    bool over = c->job.body.over;
    answer(c, st, &err);
    if (st == ST_OK && over) st = ST_EXECUTION;
    metric_move(M_QUERIES_RUNNING, 0, -1);

    double seconds = (double)(clock_monotonic() - c->begun) / (double)NANOS_S;
    metric_add(M_QUERIES, api, 1);
    metric_add(M_QUERY_ROWS_READ, api, f.rows_read);
    metric_observe(M_QUERY_SECONDS, api, seconds);
    if (st != ST_OK) {
        metric_add(M_QUERY_ERRORS, api, 1);
        log_failure(c, st, &err, seconds);
    }
}

/* The next piece of an answer: the client has taken those before. */
static void go_on(struct serve_call *c)
{
    buf_clear(&c->job.body);
    if (!atomic_load(&c->job.cancelled)) c->job.more(&c->job);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct engine *e = w->engine;
    for (struct serve_call *c; (c = next_call(e, w->number));) {
        if (c->job.more)
            go_on(c);
        else
            run_call(e, c);
        pthread_mutex_lock(&e->lock);
        e->running[w->number] = NULL; /* before serve_done: the call is not ours after it */
        pthread_mutex_unlock(&e->lock);
        serve_done(c);
    }
    return NULL;
}

static void set_defaults(struct engine_options *o)
{
    struct query_limits *l = &o->limits;
    if (!o->threads) o->threads = 4;
    if (o->threads > THREADS_MAX) o->threads = THREADS_MAX;
    if (!o->max_queued) o->max_queued = 256;
    if (!l->max_rows) l->max_rows = 50'000'000;
    if (!l->max_series) l->max_series = 500'000;
    if (!l->max_bytes) l->max_bytes = 512u << 20;
    if (!l->max_entries) l->max_entries = 5000;
    if (!l->timeout_ms) l->timeout_ms = 60'000;
    if (!l->cores) l->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

static void stop_workers(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->closing = true;
    for (unsigned i = 0; i < e->n_threads; i++)
        if (e->running[i]) atomic_store(&e->running[i]->job.cancelled, true);
    if (e->warming) atomic_store(&e->warming->cancelled, true);
    pthread_cond_broadcast(&e->work);
    pthread_mutex_unlock(&e->lock);
    for (unsigned i = 0; i < e->n_threads; i++) pthread_join(e->workers[i].thread, NULL);
}

static void engine_free(struct engine *e)
{
    pthread_cond_destroy(&e->work);
    pthread_mutex_destroy(&e->lock);
    kept_free(e->kept);
    free(e);
}

status engine_open(const struct engine_options *opt, struct store *store, struct engine **ret,
                   struct err *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->opt = *opt;
    set_defaults(&e->opt);
    e->store = store;
    e->kept = kept_new(KEPT_BYTES);
    atomic_init(&e->begun, !opt->begin_later);
    e->last = &e->first;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->work, NULL);

    status st = ST_OK;
    for (unsigned i = 0; i < e->opt.threads; i++) {
        struct worker *w = &e->workers[i];
        *w = (struct worker){.engine = e, .number = i};
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            st = err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no thread for queries");
            break;
        }
        char name[16];
        snprintf(name, sizeof name, "query-%u", i % THREADS_MAX);
        pthread_setname_np(w->thread, name);
        e->n_threads++;
    }
    struct serve_options serve = {.host = e->opt.host,
                                  .port = e->opt.port,
                                  .tables = e->opt.tables,
                                  .limits = &e->opt.limits,
                                  .submit = submit,
                                  .ctx = e};
    if (st == ST_OK) st = serve_open(&serve, &e->server, err);
    if (st != ST_OK) {
        stop_workers(e);
        engine_free(e);
        return st;
    }
    *ret = e;
    return ST_OK;
}

void engine_begin(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    atomic_store(&e->begun, true);
    pthread_cond_broadcast(&e->work); /* one of them warms up */
    pthread_mutex_unlock(&e->lock);
}

uint16_t engine_port(const struct engine *e) { return serve_port(e->server); }

void engine_close(struct engine *e)
{
    if (!e) return;
    stop_workers(e);
    serve_close(e->server);
    engine_free(e);
}
