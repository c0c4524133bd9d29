/* The admin endpoints. What may block runs on two threads, probes (ready, status, config) and
 * actions (flush, dead/retry), so that a flush that takes its time does not keep a readiness probe
 * waiting; each has a short queue. */
#include "admin/admin.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/num.h"
#include "net/http.h"
#include "net/loop.h"
#include "obs/metrics.h"

enum {
    WAITING_MAX = 32,
    BODY_MAX = 16 << 20,
    FLUSH_TIMEOUT_MS = 60'000,
    FLUSH_TIMEOUT_MAX_MS = 600'000,
    ARG_MAX_BYTES = 2047
};

enum task_kind {
    TASK_READY,
    TASK_CONFIG,
    TASK_STATUS,
    TASK_FLUSH,
    TASK_DEAD_RETRY,
    TASK_BACKUP,
    TASK_BACKUP_STATE,
    TASK_RELOAD
};

struct task {
    enum task_kind kind;
    struct admin *admin;
    struct http_exchange *x; /* NULL once the peer has left. thread: loop */
    bool running;            /* thread: loop */
    bool is_json;            /* the body */
    uint32_t timeout_ms;
    char args[2][ARG_MAX_BYTES + 1]; /* id, or to and base */
    unsigned http_status;
    struct buf body;
    struct loop_message back;
    struct task *next;
};

struct worker {
    struct admin *admin;
    pthread_t thread;
    bool started;
    struct task *first, **last; /* these and below: under the lock */
    unsigned waiting;
};

struct admin {
    struct admin_options opt;
    struct loop *loop;
    struct http_listener *listener;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool closing;
    struct worker probes, actions;
};

static const str text_plain = S("text/plain; charset=utf-8"), json = S("application/json");

static void respond(struct http_exchange *x, unsigned http_status, str type, str body)
{
    struct http_header h = {S("content-type"), type};
    http_respond(x, &(struct http_answer){
                        .status = http_status, .headers = &h, .n_headers = 1, .body = body});
}

/* --- on the threads */

static void run_task(const struct admin *a, struct task *t)
{
    struct err err = {0};
    status st = ST_OK;
    switch (t->kind) {
    case TASK_READY: st = a->opt.ready(a->opt.ctx, &err); break;
    case TASK_FLUSH: st = a->opt.flush(a->opt.ctx, t->timeout_ms, &err); break;
    case TASK_DEAD_RETRY: st = a->opt.dead_retry(a->opt.ctx, str_of(t->args[0]), &err); break;
    case TASK_BACKUP:
        st = a->opt.backup(a->opt.ctx, str_of(t->args[0]), str_of(t->args[1]), &t->body, &err);
        break;
    case TASK_BACKUP_STATE:
        st = a->opt.backup_state(a->opt.ctx, str_of(t->args[0]), &t->body, &err);
        break;
    case TASK_RELOAD: st = a->opt.reload(a->opt.ctx, &err); break;
    case TASK_STATUS: a->opt.status(a->opt.ctx, &t->body); break;
    case TASK_CONFIG: a->opt.config(a->opt.ctx, &t->body); break;
    }
    /* Not ready is 503, whatever the reason. */
    t->http_status = st == ST_OK ? 200 : t->kind == TASK_READY ? 503 : (unsigned)status_http(st);
    if (st != ST_OK) {
        buf_clear(&t->body);
        buf_printf(&t->body, "%s\n", err.msg);
    } else if (!t->body.len) {
        buf_add(&t->body, S("OK\n"));
    }
    t->is_json = st == ST_OK &&
                 (t->kind == TASK_STATUS || t->kind == TASK_BACKUP || t->kind == TASK_BACKUP_STATE);
}

static void task_free(struct task *t)
{
    buf_done(&t->body);
    free(t);
}

/* thread: loop */
static void finish(void *ctx)
{
    struct task *t = ctx;
    t->running = false;
    if (t->x)
        respond(t->x, t->http_status, t->is_json ? json : text_plain, buf_str(&t->body));
    else
        task_free(t);
}

static struct task *next_task(struct worker *w)
{
    struct admin *a = w->admin;
    pthread_mutex_lock(&a->lock);
    while (!w->first && !a->closing) pthread_cond_wait(&a->work, &a->lock);
    struct task *t = w->first;
    if (t) {
        w->first = t->next;
        if (!w->first) w->last = &w->first;
        w->waiting--;
    }
    pthread_mutex_unlock(&a->lock);
    return t;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    for (struct task *t; (t = next_task(w));) {
        run_task(w->admin, t);
        bool posted = loop_post_message(w->admin->loop, &t->back);
        assert(posted); /* the loop ends after the threads */
        (void)posted;
    }
    return NULL;
}

/* --- on the loop */

static bool enqueue(struct worker *w, struct task *t)
{
    struct admin *a = w->admin;
    pthread_mutex_lock(&a->lock);
    bool ok = !a->closing && w->waiting < WAITING_MAX;
    if (ok) {
        *w->last = t;
        w->last = &t->next;
        w->waiting++;
        pthread_cond_broadcast(&a->work);
    }
    pthread_mutex_unlock(&a->lock);
    return ok;
}

static struct task *task_new(struct admin *a, struct http_exchange *x, enum task_kind kind)
{
    struct task *t = calloc(1, sizeof *t);
    if (!t) abort();
    t->kind = kind;
    t->admin = a;
    t->x = x;
    t->back = (struct loop_message){.fn = finish, .ctx = t};
    buf_init(&t->body, BODY_MAX);
    return t;
}

static void start_task(struct task *t)
{
    struct admin *a = t->admin;
    struct http_exchange *x = t->x;
    bool acts = t->kind == TASK_FLUSH || t->kind == TASK_DEAD_RETRY || t->kind == TASK_BACKUP ||
                t->kind == TASK_RELOAD;
    http_set_user(x, t);
    t->running = enqueue(acts ? &a->actions : &a->probes, t);
    if (!t->running) respond(x, 503, text_plain, S("too many calls are waiting\n"));
}

/* Pages of memory that are in use, from the kernel. */
int64_t admin_resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    long long size = 0, resident = 0;
    int n = fscanf(f, "%lld %lld", &size, &resident);
    fclose(f);
    return n == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

static void answer_metrics(struct http_exchange *x)
{
    metric_set(M_RESIDENT_BYTES, 0, admin_resident_bytes());
    metric_set(M_CPU_SECONDS, 0, clock_cpu() / NANOS_MS);
    struct buf b;
    buf_init(&b, BODY_MAX);
    metrics_render(&b);
    respond(x, 200, S("text/plain; version=0.0.4; charset=utf-8"), buf_str(&b));
    buf_done(&b);
}

/* ?timeout_ms=N; false when it is not a number or out of range. */
static bool flush_timeout(str query, uint32_t *ret)
{
    uint64_t v = FLUSH_TIMEOUT_MS;
    str name = S("timeout_ms=");
    if (query.len && (query.len < name.len || memcmp(query.ptr, name.ptr, name.len) != 0 ||
                      !num_parse_u64(str_drop(query, name.len), &v)))
        return false;
    *ret = (uint32_t)v;
    return v >= 1 && v <= FLUSH_TIMEOUT_MAX_MS;
}

static void post_flush(struct admin *a, struct http_exchange *x, const struct http_request *req)
{
    uint32_t timeout_ms;
    if (!a->opt.flush)
        respond(x, 501, text_plain, S("nothing to flush in this process\n"));
    else if (!flush_timeout(req->query, &timeout_ms))
        respond(x, 400, text_plain, S("want ?timeout_ms= with 1 to 600000\n"));
    else {
        struct task *t = task_new(a, x, TASK_FLUSH);
        t->timeout_ms = timeout_ms;
        start_task(t);
    }
}

/* Of ?name=value&..., percent-decoded. *ret_there: it is named. False when it is empty, too long or
 * not well formed. */
static bool parameter(str query, str name, char out[ARG_MAX_BYTES + 1], bool *ret_there)
{
    size_t n = 0;
    *ret_there = false;
    *out = 0;
    while (query.len && (query.len <= name.len || memcmp(query.ptr, name.ptr, name.len) != 0 ||
                         query.ptr[name.len] != '=')) {
        const char *next = memchr(query.ptr, '&', query.len);
        query = next ? str_drop(query, (size_t)(next + 1 - query.ptr)) : (str){0};
    }
    if (!query.len) return true;
    *ret_there = true;
    for (size_t i = name.len + 1; i < query.len && query.ptr[i] != '&'; i++) {
        char c = query.ptr[i];
        if (c == '%') {
            if (i + 2 >= query.len || !hex_decode((str){query.ptr + i + 1, 2}, &c, 1)) return false;
            i += 2;
        }
        if (c == 0 || n == ARG_MAX_BYTES) return false;
        out[n++] = c;
    }
    out[n] = 0;
    return n > 0;
}

static void start_named(struct admin *a, struct http_exchange *x, enum task_kind kind, str query,
                        str first, str second)
{
    struct task *t = task_new(a, x, kind);
    bool there[2] = {}, ok = parameter(query, first, t->args[0], &there[0]) && there[0];
    if (ok && second.len) ok = parameter(query, second, t->args[1], &there[1]);
    size_t n = 1;
    for (size_t i = 0; i < query.len; i++) n += query.ptr[i] == '&';
    ok = ok && n == (size_t)there[0] + there[1]; /* and nothing else */
    if (ok) {
        start_task(t);
        return;
    }
    task_free(t);
    respond(x, 400, text_plain,
            kind == TASK_BACKUP         ? S("want ?to= and perhaps &base=, percent-encoded\n")
            : kind == TASK_BACKUP_STATE ? S("want ?id= with the id of a backup\n")
                                        : S("want ?id= with the name of a folder in dead/\n"));
}

static void post_dead_retry(struct admin *a, struct http_exchange *x,
                            const struct http_request *req)
{
    if (!a->opt.dead_retry)
        respond(x, 501, text_plain, S("nothing is delivered by this process\n"));
    else
        start_named(a, x, TASK_DEAD_RETRY, req->query, S("id"), (str){0});
}

static void backup(struct admin *a, struct http_exchange *x, const struct http_request *req,
                   bool is_post)
{
    if (!a->opt.backup)
        respond(x, 501, text_plain, S("this process has no tables to back up\n"));
    else if (is_post)
        start_named(a, x, TASK_BACKUP, req->query, S("to"), S("base"));
    else
        start_named(a, x, TASK_BACKUP_STATE, req->query, S("id"), (str){0});
}

static void post_reload(struct admin *a, struct http_exchange *x)
{
    if (a->opt.reload)
        start_task(task_new(a, x, TASK_RELOAD));
    else
        respond(x, 501, text_plain, S("nothing to read again in this process\n"));
}

static void get(struct admin *a, struct http_exchange *x, str path)
{
    if (str_eq(path, S("/metrics")))
        answer_metrics(x);
    else if (str_eq(path, S("/health")) || (str_eq(path, S("/ready")) && !a->opt.ready))
        respond(x, 200, text_plain, S("OK\n"));
    else if (str_eq(path, S("/ready")))
        start_task(task_new(a, x, TASK_READY));
    else if (str_eq(path, S("/status")) && a->opt.status)
        start_task(task_new(a, x, TASK_STATUS));
    else if (str_eq(path, S("/debug/config")) && a->opt.config)
        start_task(task_new(a, x, TASK_CONFIG));
    else
        respond(x, 404, text_plain,
                S("GET /metrics, /health, /ready, /status, /debug/config, /backup; POST "
                  "/flush, /reload, /dead/retry, /backup\n"));
}

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *req)
{
    struct admin *a = ctx;
    bool flush = str_eq(req->path, S("/flush")), dead = str_eq(req->path, S("/dead/retry"));
    bool reload = str_eq(req->path, S("/reload"));
    bool is_post = str_eq(req->method, S("POST"));
    http_set_user(x, NULL);
    if (str_eq(req->path, S("/backup")) && (is_post || str_eq(req->method, S("GET"))))
        backup(a, x, req, is_post);
    else if (flush && is_post)
        post_flush(a, x, req);
    else if (dead && is_post)
        post_dead_retry(a, x, req);
    else if (reload && is_post)
        post_reload(a, x);
    else if (flush || dead || reload || !str_eq(req->method, S("GET")))
        respond(x, 405, text_plain,
                S("POST /flush, /reload, /dead/retry, /backup; GET all else\n"));
    else
        get(a, x, req->path);
}

static void on_data(void *, struct http_exchange *x, str bytes) { http_consume(x, bytes.len); }
static void on_end(void *, struct http_exchange *) {}

static void on_close(void *, struct http_exchange *x)
{
    struct task *t = http_user(x);
    if (!t) return;
    t->x = NULL;
    if (!t->running) task_free(t);
}

/* --- life */

static status start_worker(struct worker *w, struct admin *a, const char *name, struct err *err)
{
    w->admin = a;
    w->last = &w->first;
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "no thread for the admin endpoints");
    pthread_setname_np(w->thread, name);
    w->started = true;
    return ST_OK;
}

static status start(struct admin *a, struct err *err)
{
    struct http_service service = {.ctx = a,
                                   .on_request = on_request,
                                   .on_data = on_data,
                                   .on_end = on_end,
                                   .on_close = on_close};
    struct http_limits limits = {.max_connections = 256};
    TRY(loop_new("admin-http", &a->loop, err));
    TRY(http_listen(a->loop, a->opt.host, a->opt.port, &service, &limits, &a->listener, err));
    TRY(start_worker(&a->probes, a, "admin-probe", err));
    TRY(start_worker(&a->actions, a, "admin-action", err));
    return loop_start(a->loop, err);
}

status admin_open(const struct admin_options *opt, struct admin **ret, struct err *err)
{
    struct admin *a = calloc(1, sizeof *a);
    if (!a) abort();
    a->opt = *opt;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->work, NULL);
    status st = start(a, err);
    if (st != ST_OK) {
        admin_close(a);
        return err_wrap(err, st, "admin");
    }
    *ret = a;
    return ST_OK;
}

uint16_t admin_port(const struct admin *a) { return http_listener_port(a->listener); }

void admin_close(struct admin *a)
{
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->closing = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    if (a->probes.started) pthread_join(a->probes.thread, NULL);
    if (a->actions.started) pthread_join(a->actions.thread, NULL);
    if (a->loop) {
        loop_stop(a->loop);
        loop_join(a->loop);
        loop_free(a->loop);
    }
    pthread_cond_destroy(&a->work);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
