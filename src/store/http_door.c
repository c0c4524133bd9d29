/* The listener, the queue of statements and the threads that run them. */
#include "store/http_door.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/log.h"
#include "store/door_statement.h"
#include "store/sql_text.h"

enum {
    THREADS = 6,
    THREADS_MAX = 64,
    QUEUE_MAX = 256,
    START_BYTES =
        1 << 20, /* a body this far in, or complete, is worth a thread: slow senders hold none */
    WINDOW_BYTES = 4 << 20,
    CLOSE_SECONDS = 10,
};

struct job {
    struct job *next;
    struct door_exchange *e;
    const struct door_user *user;
    bool insert; /* says the URL */
};

struct http_door {
    struct door_context context;
    struct loop *loop;
    struct http_listener *listener;
    uint16_t port;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *first, **last;
    unsigned queued, running, queries, n_threads; /* queries: of those running */
    unsigned most_queries;
    bool stop;
    struct door_exchange *active[THREADS_MAX]; /* by thread */
    pthread_t threads[THREADS_MAX];
};

struct door_thread {
    struct http_door *door;
    unsigned number;
};

/* What hangs on an http_exchange. */
struct visit {
    struct door_exchange *e;
    const struct door_user *user;
    bool started; /* a thread has it, or will */
};

/* The oldest that may run now: queries leave some threads to inserts, so that slow ones do not stop
 * collectors. With the lock held. */
static struct job *next_job(struct http_door *d)
{
    bool may_query = d->queries < d->most_queries || d->stop;
    for (struct job **at = &d->first; *at; at = &(*at)->next) {
        struct job *job = *at;
        if (!job->insert && !may_query) continue;
        *at = job->next;
        if (!job->next) d->last = at;
        return job;
    }
    return NULL;
}

static void *work(void *ctx)
{
    struct door_thread me = *(struct door_thread *)ctx;
    struct http_door *d = me.door;
    free(ctx);
    pthread_mutex_lock(&d->lock);
    while (!d->stop || d->first) {
        struct job *job = next_job(d);
        if (!job) {
            pthread_cond_wait(&d->changed, &d->lock);
            continue;
        }
        d->queued--;
        d->running++;
        d->queries += !job->insert;
        d->active[me.number] = job->e;
        pthread_mutex_unlock(&d->lock);
        door_statement_run(&d->context, job->e, job->user);
        pthread_mutex_lock(&d->lock);
        d->active[me.number] = NULL;
        d->running--;
        d->queries -= !job->insert;
        door_exchange_unref(job->e);
        free(job);
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static bool enqueue(struct http_door *d, const struct visit *v)
{
    struct job *job = malloc(sizeof *job);
    if (!job) abort();
    str word = sql_first_word(door_exchange_request(v->e)->query);
    *job = (struct job){.e = v->e, .user = v->user, .insert = sql_word_is(word, "INSERT")};
    pthread_mutex_lock(&d->lock);
    bool room = d->queued < QUEUE_MAX && !d->stop;
    if (room) {
        door_exchange_ref(v->e);
        *d->last = job;
        d->last = &job->next;
        d->queued++;
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    if (!room) free(job);
    return room;
}

static void start(struct http_door *d, struct visit *v)
{
    if (v->started) return;
    v->started = true;
    if (enqueue(d, v)) return;
    struct err err = {};
    status s = err_set(&err, ST_OVERLOADED, ERR_NOPOS, "%d statements are waiting", QUEUE_MAX);
    door_statement_refuse(&d->context, v->e, 202, s, &err);
}

static void answer_text(struct http_exchange *x, unsigned http, str type, str body)
{
    struct http_header h = {S("content-type"), type};
    http_respond(
        x, &(struct http_answer){.status = http, .headers = &h, .n_headers = 1, .body = body});
}

/* What needs no statement. */
static bool answer_simple(struct http_exchange *x, const struct http_request *req)
{
    bool reads = str_eq(req->method, S("GET")) || str_eq(req->method, S("HEAD"));
    if (!reads && !str_eq(req->method, S("POST"))) {
        answer_text(x, 405, S("text/plain; charset=UTF-8"), S("Only GET, HEAD and POST\n"));
        return true;
    }
    if (str_eq(req->path, S("/ping")) && reads) {
        answer_text(x, 200, S("text/html; charset=UTF-8"), S("Ok.\n"));
        return true;
    }
    if (str_eq(req->path, S("/replicas_status")) && reads) {
        answer_text(x, 200, S("text/plain; charset=UTF-8"), S("Ok.\n"));
        return true;
    }
    if (!str_eq(req->path, S("/"))) {
        answer_text(x, 404, S("text/plain; charset=UTF-8"),
                    S("There is no such handle: /, /ping and /replicas_status are served\n"));
        return true;
    }
    return false;
}

static status authenticate(struct http_door *d, const struct door_request *r,
                           const struct door_user **ret, int *ret_code, struct err *err)
{
    *ret = door_users_find(d->context.users, r->user, r->password);
    if (*ret) return ST_OK;
    *ret_code = 516;
    return err_set(err, ST_UNAUTHORIZED, ERR_NOPOS,
                   STR_FMT ": Authentication failed: password is incorrect, or there is no user "
                           "with such name",
                   r->user.len < 100 ? (int)r->user.len : 100, r->user.ptr);
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    struct http_door *d = ctx;
    http_set_user(x, NULL);
    if (answer_simple(x, req)) return;
    struct door_exchange *e = door_exchange_new(d->loop, x);
    struct door_request *r = door_exchange_request(e);
    struct err err = {};
    int code = 0;
    status s = door_request_read(door_exchange_arena(e), req, r, &code, &err);
    if (s == ST_OK && r->get && !r->has_query) {
        door_exchange_unref(e);
        answer_text(x, 200, S("text/html; charset=UTF-8"), S("Ok.\n"));
        return;
    }
    struct visit *v = calloc(1, sizeof *v);
    if (!v) abort();
    v->e = e;
    if (s == ST_OK) s = authenticate(d, r, &v->user, &code, &err);
    http_set_user(x, v);
    if (s != ST_OK) {
        v->started = true;
        door_statement_refuse(&d->context, e, code, s, &err);
        return;
    }
    http_continue(x);
}

static void on_data(void *ctx, struct http_exchange *x, str bytes)
{
    struct visit *v = http_user(x);
    if (!v) {
        http_consume(x, bytes.len);
        return;
    }
    door_exchange_input(v->e, bytes);
    if (door_exchange_waiting(v->e) >= START_BYTES) start(ctx, v);
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct visit *v = http_user(x);
    if (!v) return;
    door_exchange_input_end(v->e);
    start(ctx, v);
}

static void on_close(void *, struct http_exchange *x)
{
    struct visit *v = http_user(x);
    if (!v) return;
    door_exchange_gone(v->e);
    door_exchange_unref(v->e);
    free(v);
}

static void on_writable(void *, struct http_exchange *x)
{
    struct visit *v = http_user(x);
    if (v) door_exchange_writable(v->e);
}

static void learn_timezone(struct http_door *d)
{
    struct buf out;
    buf_init(&out, 4096);
    struct store_query q = {.sql = S("SELECT timezone()"), .format = S("TabSeparatedRaw")};
    bool ok = store_query_buf(d->context.store, &q, &out, NULL) == ST_OK && out.len > 1;
    snprintf(d->context.timezone, sizeof d->context.timezone, STR_FMT, ok ? (int)out.len - 1 : 3,
             ok ? out.ptr : "UTC");
    buf_done(&out);
}

static status start_threads(struct http_door *d, unsigned n, struct err *err)
{
    for (unsigned i = 0; i < n; i++) {
        struct door_thread *me = malloc(sizeof *me);
        if (!me) abort();
        *me = (struct door_thread){d, i};
        int rc = pthread_create(&d->threads[i], NULL, work, me);
        if (rc != 0) {
            free(me);
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no thread: %s", strerror(rc));
        }
        d->n_threads++;
    }
    return ST_OK;
}

static status listen_on(struct http_door *d, const struct http_door_options *opt, struct err *err)
{
    const struct http_service service = {.ctx = d,
                                         .on_request = on_request,
                                         .on_data = on_data,
                                         .on_end = on_end,
                                         .on_close = on_close,
                                         .on_writable = on_writable};
    /* A statement may stand in the URL. */
    const struct http_limits limits = {.max_header_bytes = 1 << 20,
                                       .window_bytes = WINDOW_BYTES,
                                       .half_close_ends = true,
                                       .tls = opt->tls};
    TRY(loop_new("door", &d->loop, err));
    TRY(http_listen(d->loop, opt->host ? opt->host : "127.0.0.1", opt->port, &service, &limits,
                    &d->listener, err));
    d->port = http_listener_port(d->listener);
    return loop_start(d->loop, err);
}

status http_door_open(const struct http_door_options *opt, struct store *store,
                      struct http_door **ret, struct err *err)
{
    unsigned n = opt->threads ? opt->threads : THREADS;
    if (n > THREADS_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%u door threads, limit %d", n, THREADS_MAX);
    struct http_door *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->context.store = store;
    d->context.max_insert_bytes = opt->max_insert_bytes ? opt->max_insert_bytes : 1ull << 30;
    if (gethostname(d->context.host, sizeof d->context.host - 1) != 0)
        strcpy(d->context.host, "weir");
    d->context.read_only = opt->read_only;
    d->context.active = door_active_new();
    d->last = &d->first;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    status s = door_users_open(opt->users_file, &d->context.users, err);
    d->most_queries = n - (opt->read_only ? 0 : n >= 4 ? 2 : n >= 2 ? 1 : 0);
    if (s == ST_OK) learn_timezone(d);
    if (s == ST_OK) s = start_threads(d, n, err);
    if (s == ST_OK) s = listen_on(d, opt, err);
    if (s != ST_OK) {
        http_door_close(d);
        return s;
    }
    *ret = d;
    return ST_OK;
}

status http_door_check(const struct http_door_options *opt, struct err *err)
{
    struct door_users *users = NULL;
    TRY(door_users_open(opt->users_file, &users, err));
    door_users_close(users);
    return ST_OK;
}

uint16_t http_door_port(const struct http_door *d) { return d->port; }

static void drain(void *ctx) { http_listener_drain(ctx); }

/* Open statements get CLOSE_SECONDS, then they are cancelled. */
static void finish_statements(struct http_door *d)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_SECONDS;
    pthread_mutex_lock(&d->lock);
    while (d->queued || d->running)
        if (pthread_cond_timedwait(&d->changed, &d->lock, &until) != 0) break;
    for (unsigned i = 0; i < d->n_threads; i++)
        if (d->active[i]) atomic_store(door_exchange_cancel(d->active[i]), true);
    for (struct job *job = d->first; job; job = job->next)
        atomic_store(door_exchange_cancel(job->e), true);
    if (d->queued || d->running)
        log_warn("http_door", "statements cancelled at stop", LOG_INT("running", d->running),
                 LOG_INT("queued", d->queued));
    d->stop = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

void http_door_close(struct http_door *d)
{
    if (!d) return;
    if (d->listener) (void)!loop_post(d->loop, drain, d->listener);
    finish_statements(d);
    /* The loop ends before the threads are waited for: one may wait for a peer. */
    if (d->loop) {
        loop_stop(d->loop);
        loop_join(d->loop);
    }
    for (unsigned i = 0; i < d->n_threads; i++) pthread_join(d->threads[i], NULL);
    if (d->loop) loop_free(d->loop);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    door_active_free(d->context.active);
    door_users_close(d->context.users);
    free(d);
}
