/* The detectors side by side, each in a thread, and what they found together.
 *
 * A thread that does not end in time (a name server that is not there) is left alone: it and the
 * caller hold the session together, and whoever is last frees it. */
#include "ingest/detect/detect.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/detect/detection.h"
#include "obs/log.h"

enum { ARENA_MAX = 32 << 20, GRACE_MS = 100 };
#define SCHEMA_URL "https://opentelemetry.io/schemas/1.37.0"

extern char **environ;

struct task {
    struct session *session;
    struct arena arena;
    struct detection detection;
    status result;
    struct err err;
    bool done;
};

struct session {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t held; /* by threads and the caller */
    size_t n, running;
    struct task tasks[32];
};

static void session_free(struct session *s)
{
    for (size_t i = 0; i < s->n; i++) arena_done(&s->tasks[i].arena);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

/* Mutex held; it is not afterwards. */
static void session_drop(struct session *s)
{
    bool last = --s->held == 0;
    pthread_mutex_unlock(&s->mutex);
    if (last) session_free(s);
}

static void *run_one(void *ctx)
{
    struct task *t = ctx;
    struct err err = {0};
    status s = t->detection.is->run(&t->detection, &err);
    if (arena_over(&t->arena))
        s = err_set(&err, ST_LIMIT, ERR_NOPOS, "more than %d bytes found", ARENA_MAX);
    pthread_mutex_lock(&t->session->mutex);
    t->result = s;
    t->err = err;
    t->done = true;
    t->session->running--;
    pthread_cond_broadcast(&t->session->changed);
    session_drop(t->session);
    return NULL;
}

static struct session *session_new(void)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s) abort();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->held = 1;
    return s;
}

static status session_plan(struct session *s, const struct detect_plan *p,
                           const struct world *world, nanos deadline, struct err *err)
{
    for (; s->n < p->n; s->n++) {
        struct task *t = &s->tasks[s->n];
        arena_init(&t->arena, ARENA_MAX);
        t->session = s;
        t->detection = (struct detection){
            .arena = &t->arena, .world = *world, .is = p->list[s->n], .deadline = deadline};
        struct detect_asked *asked = &t->detection.asked;
        status st = detect_asked_read(&t->arena, p->list[s->n], p->options[s->n], asked, err);
        if (st != ST_OK) {
            arena_done(&t->arena);
            return st;
        }
        asked->endpoint = arena_str(&t->arena, asked->endpoint); /* the tree may go before */
        asked->api_endpoint = arena_str(&t->arena, asked->api_endpoint);
        asked->node_env = arena_str(&t->arena, asked->node_env);
    }
    return ST_OK;
}

/* Mutex held. */
static void session_start(struct session *s)
{
    for (size_t i = 0; i < s->n; i++) {
        pthread_t thread;
        struct task *t = &s->tasks[i];
        s->held++;
        s->running++;
        if (pthread_create(&thread, NULL, run_one, t) == 0) {
            pthread_detach(thread);
            continue;
        }
        s->held--;
        s->running--;
        t->done = true;
        t->result = err_set(&t->err, ST_UNAVAILABLE, ERR_NOPOS, "no thread can be started");
    }
}

static void tell(const struct task *t)
{
    str name = t->detection.is->name;
    if (!t->done)
        log_warn("detect", "a detector has not ended in time and gives nothing",
                 LOG_STR("detector", name));
    else if (t->result == ST_NOT_FOUND)
        log_debug("detect", "not here", LOG_STR("detector", name), LOG_CSTR("why", t->err.msg));
    else if (t->result != ST_OK)
        log_warn("detect", "a detector failed and gives nothing", LOG_STR("detector", name),
                 LOG_CSTR("why", t->err.msg));
}

static bool has(const struct detected_attr *attrs, size_t n, str key)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].key, key)) return true;
    return false;
}

static struct detected_attr copy_of(struct arena *a, const struct detected_attr *from)
{
    struct detected_attr x = *from;
    x.key = arena_str(a, from->key);
    x.text = arena_str(a, from->text);
    str *list = arena_array(a, str, from->n_list);
    for (size_t i = 0; i < from->n_list; i++) list[i] = arena_str(a, from->list[i]);
    x.list = from->n_list ? list : NULL;
    return x;
}

/* The first detector that has a key wins. Mutex held. */
static void merge(struct arena *a, const struct session *s, struct detected *ret)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < s->n; i++) most += s->tasks[i].done ? s->tasks[i].detection.n : 0;
    struct detected_attr *attrs = arena_array(a, struct detected_attr, most);
    for (size_t i = 0; i < s->n; i++) {
        const struct task *t = &s->tasks[i];
        tell(t);
        if (!t->done || t->result != ST_OK) continue;
        for (size_t k = 0; k < t->detection.n; k++)
            if (!has(attrs, n, t->detection.attrs[k].key))
                attrs[n++] = copy_of(a, &t->detection.attrs[k]);
    }
    *ret = (struct detected){.attrs = attrs, .n = n, .schema_url = n ? S(SCHEMA_URL) : S("")};
}

status detect_run(struct arena *a, const struct detect_plan *p, const struct world *world,
                  struct detected *ret, struct err *err)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct session *s = session_new();
    nanos deadline = clock_monotonic() + p->timeout;
    status st = session_plan(s, p, world, deadline, err);
    pthread_mutex_lock(&s->mutex);
    if (st == ST_OK) {
        session_start(s);
        nanos until = deadline + GRACE_MS * NANOS_MS; /* those that end by themselves may say so */
        struct timespec t = {.tv_sec = until / NANOS_S, .tv_nsec = until % NANOS_S};
        while (s->running && pthread_cond_timedwait(&s->changed, &s->mutex, &t) != ETIMEDOUT) {
        }
        merge(a, s, ret);
    }
    session_drop(s);
    return st;
}

status detect_check(const struct tree *options, struct err *err)
{
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct detect_plan p;
    status s = detect_plan_read(&a, options, &p, err);
    arena_done(&a);
    return s;
}

status detect_resource(struct arena *a, const struct tree *options, struct detected *ret,
                       struct err *err)
{
    struct detect_plan p;
    TRY(detect_plan_read(a, options, &p, err));
    const struct world here = {.root = "", .env = environ};
    return detect_run(a, &p, &here, ret, err);
}
