/* The loop and its mailbox: a list under a mutex, and one uv_async to wake the thread.
 *
 * Order of an end: nothing more is taken in, what was posted runs, guests close their handles,
 * timers are closed, the thread returns. Work deferred by net/ runs just before the loop waits for
 * I/O. */
#include "net/loop.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/loop_hooks.h"

enum { MAILBOX_MAX = 65536, DEFER_ROUNDS = 16 };

struct posted {
    struct loop_message message;
    loop_fn fn;
    void *ctx;
    struct loop *loop;
};

struct message_list {
    struct loop_message *first, **last;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_wait;
    char name[16];
    pthread_t thread;
    bool started, joined;
    atomic_bool over;

    pthread_mutex_t lock; /* the mailbox: what is below */
    struct message_list mail;
    uint32_t n_posted;
    bool closed;
    bool stopping;
    bool mail_from_here; /* there is mail that its own thread posted, and nobody woke it for */
    bool napping;        /* it waits for mail only: `mailed` wakes it */
    pthread_cond_t mailed;

    struct message_list deferred;
    struct loop_guest *guests;
    nanos pace, looked_at; /* monotonic: when it last began to wait for I/O */
    uint64_t now_at_ms;
    nanos now;
};

struct loop_timer {
    uv_timer_t uv;
    loop_fn fn;
    void *ctx;
};

static void list_init(struct message_list *q) { *q = (struct message_list){.last = &q->first}; }

static void list_add(struct message_list *q, struct loop_message *m)
{
    m->next = NULL;
    m->queued = true;
    *q->last = m;
    q->last = &m->next;
}

static struct loop_message *list_take(struct message_list *q)
{
    struct loop_message *first = q->first;
    list_init(q);
    return first;
}

/* A message may free itself in its call, so what it says is read before. */
static void run_all(struct loop_message *m)
{
    while (m) {
        struct loop_message *next = m->next;
        m->queued = false;
        m->fn(m->ctx);
        m = next;
    }
}

static void run_deferred(struct loop *l)
{
    for (int i = 0; i < DEFER_ROUNDS && l->deferred.first; i++) {
        /* One at a time: a call may take others off the list (loop_undefer). */
        struct loop_message *last = NULL;
        for (struct loop_message *m = l->deferred.first; m; m = m->next) last = m;
        for (struct loop_message *m = NULL; m != last && l->deferred.first;) {
            m = l->deferred.first;
            l->deferred.first = m->next;
            if (!l->deferred.first) l->deferred.last = &l->deferred.first;
            bool was_last = m == last;
            m->queued = false;
            m->fn(m->ctx);
            if (was_last) break;
        }
    }
    if (l->deferred.first) uv_async_send(&l->wake);
}

static struct loop_message *take_mail(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct loop_message *m = list_take(&l->mail);
    l->mail_from_here = false;
    pthread_mutex_unlock(&l->lock);
    return m;
}

/* What the loop has posted to itself runs before it waits, in its turn, without a wake-up. False
 * when there is still some. */
static bool run_own(struct loop *l)
{
    for (int i = 0; i < DEFER_ROUNDS; i++) {
        if (l->mail_from_here) run_all(take_mail(l));
        run_deferred(l);
        if (!l->mail_from_here) return true;
    }
    uv_async_send(&l->wake);
    return false;
}

/* Waits for mail of others. False when it is `until` (monotonic), or the loop is to stop. */
static bool wait_for_mail(struct loop *l, nanos until)
{
    struct timespec t = {.tv_sec = until / NANOS_S, .tv_nsec = until % NANOS_S};
    pthread_mutex_lock(&l->lock);
    l->napping = true;
    int e = 0;
    while (!l->mail.first && !l->closed && e == 0)
        e = pthread_cond_timedwait(&l->mailed, &l->lock, &t);
    l->napping = false;
    bool came = l->mail.first && !l->closed;
    pthread_mutex_unlock(&l->lock);
    return came;
}

/* Sockets are left alone until it is `pace` since they were last waited for. */
static void nap(struct loop *l)
{
    while (clock_monotonic() < l->looked_at + l->pace && wait_for_mail(l, l->looked_at + l->pace)) {
        uv_update_time(&l->uv);
        run_all(take_mail(l));
        if (!run_own(l)) break;
    }
    uv_update_time(&l->uv);
    l->looked_at = clock_monotonic();
}

static void on_prepare(uv_prepare_t *h)
{
    struct loop *l = h->data;
    if (run_own(l) && l->pace > 0) nap(l);
}

static void close_timer(uv_handle_t *h) { free(h->data); }

static void close_rest(uv_handle_t *h, void *)
{
    if (uv_is_closing(h)) return;
    uv_close(h, h->type == UV_TIMER ? close_timer : NULL);
}

static void end_loop(struct loop *l)
{
    for (struct loop_guest *g = l->guests; g; g = g->next) g->end(g->ctx);
    run_deferred(l);
    uv_walk(&l->uv, close_rest, NULL);
}

static void on_wake(uv_async_t *h)
{
    struct loop *l = h->data;
    pthread_mutex_lock(&l->lock);
    struct loop_message *m = list_take(&l->mail);
    l->mail_from_here = false;
    bool stop = l->closed && !l->stopping;
    l->stopping |= l->closed;
    pthread_mutex_unlock(&l->lock);
    run_all(m);
    if (stop) end_loop(l);
}

static void run_posted(void *arg)
{
    struct posted *p = arg;
    struct posted copy = *p;
    pthread_mutex_lock(&copy.loop->lock);
    copy.loop->n_posted--;
    pthread_mutex_unlock(&copy.loop->lock);
    free(p);
    copy.fn(copy.ctx);
}

status loop_new(const char *name, struct loop **ret, struct err *err)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l) abort();
    int e = uv_loop_init(&l->uv);
    if (e) {
        free(l);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "event loop: %s", uv_strerror(e));
    }
    e = uv_async_init(&l->uv, &l->wake, on_wake);
    if (e) {
        uv_loop_close(&l->uv);
        free(l);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "event loop: %s", uv_strerror(e));
    }
    uv_prepare_init(&l->uv, &l->before_wait);
    uv_prepare_start(&l->before_wait, on_prepare);
    l->wake.data = l->before_wait.data = l;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->mailed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&l->mail);
    list_init(&l->deferred);
    snprintf(l->name, sizeof l->name, "%s", name);
    *ret = l;
    return ST_OK;
}

static void *run_loop(void *arg)
{
    struct loop *l = arg;
    sigset_t
        pipe; /* libuv writes without MSG_NOSIGNAL: a peer that left is an error, not a signal */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    atomic_store(&l->over, true);
    return NULL;
}

status loop_start(struct loop *l, struct err *err)
{
    assert(!l->started);
    /* Before the thread runs, so that loop_is_mine is right from its first call on. */
    l->started = true;
    int e = pthread_create(&l->thread, NULL, run_loop, l);
    if (e) {
        l->started = false;
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "thread %s: %s", l->name, uv_strerror(-e));
    }
    pthread_setname_np(l->thread, l->name);
    return ST_OK;
}

void loop_stop(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool first = !l->closed;
    l->closed = true;
    if (first) uv_async_send(&l->wake);
    if (l->napping) pthread_cond_signal(&l->mailed);
    pthread_mutex_unlock(&l->lock);
}

void loop_join(struct loop *l)
{
    if (l->joined) return;
    l->joined = true;
    if (l->started) {
        pthread_join(l->thread, NULL);
    } else { /* its handles are closed by whoever ends it */
        loop_stop(l);
        l->thread = pthread_self();
        l->started = true;
        run_loop(l);
    }
}

void loop_free(struct loop *l)
{
    if (!l) return;
    loop_stop(l);
    loop_join(l);
    for (struct loop_guest *g = l->guests, *next; g; g = next) {
        next = g->next;
        g->gone(g->ctx);
    }
    int e = uv_loop_close(&l->uv);
    assert(e == 0);
    (void)e;
    pthread_cond_destroy(&l->mailed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* Under the lock. Mail that is there already has woken the loop, or will be seen by it. */
static void mail_add(struct loop *l, struct loop_message *m)
{
    bool empty = !l->mail.first;
    list_add(&l->mail, m);
    if (!empty) return;
    if (loop_is_mine(l))
        l->mail_from_here = true;
    else if (l->napping)
        pthread_cond_signal(&l->mailed);
    else
        uv_async_send(&l->wake);
}

bool loop_post_message(struct loop *l, struct loop_message *m)
{
    pthread_mutex_lock(&l->lock);
    bool ok = !l->closed;
    if (ok) {
        assert(!m->queued);
        mail_add(l, m);
    }
    pthread_mutex_unlock(&l->lock);
    return ok;
}

bool loop_post(struct loop *l, loop_fn fn, void *ctx)
{
    struct posted *p = malloc(sizeof *p);
    if (!p) abort();
    *p = (struct posted){.message = {.fn = run_posted, .ctx = p}, .fn = fn, .ctx = ctx, .loop = l};
    pthread_mutex_lock(&l->lock);
    bool ok = !l->closed && l->n_posted < MAILBOX_MAX;
    if (ok) {
        l->n_posted++;
        mail_add(l, &p->message);
    }
    pthread_mutex_unlock(&l->lock);
    if (!ok) free(p);
    return ok;
}

bool loop_is_mine(const struct loop *l)
{
    return l->started && pthread_equal(l->thread, pthread_self());
}

bool loop_is_over(const struct loop *l) { return atomic_load(&l->over) || !l->started; }

static void on_timer(uv_timer_t *h)
{
    struct loop_timer *t = h->data;
    t->fn(t->ctx);
}

struct loop_timer *loop_timer_new(struct loop *l, uint64_t every_ms, loop_fn fn, void *ctx)
{
    assert(!l->started || loop_is_mine(l));
    struct loop_timer *t = calloc(1, sizeof *t);
    if (!t) abort();
    *t = (struct loop_timer){.fn = fn, .ctx = ctx};
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    uv_timer_start(&t->uv, on_timer, every_ms, every_ms);
    return t;
}

void loop_timer_free(struct loop_timer *t)
{
    if (t && !uv_is_closing((uv_handle_t *)&t->uv)) uv_close((uv_handle_t *)&t->uv, close_timer);
}

void loop_set_pace(struct loop *l, uint64_t every_ms)
{
    if (l->pace == 0) l->looked_at = clock_monotonic();
    l->pace = (nanos)every_ms * NANOS_MS;
}

nanos loop_now(struct loop *l)
{
    uint64_t ms = uv_now(&l->uv);
    if (l->now == 0 || ms != l->now_at_ms) {
        l->now = clock_now();
        l->now_at_ms = ms;
    }
    return l->now;
}

uv_loop_t *loop_uv(struct loop *l) { return &l->uv; }

void loop_defer(struct loop *l, struct loop_message *m)
{
    if (!m->queued) list_add(&l->deferred, m);
}

void loop_undefer(struct loop *l, struct loop_message *m)
{
    if (!m->queued) return;
    m->queued = false;
    struct loop_message **at = &l->deferred.first;
    while (*at != m) at = &(*at)->next;
    *at = m->next;
    if (l->deferred.last == &m->next) l->deferred.last = at;
}

void loop_add_guest(struct loop *l, struct loop_guest *g)
{
    g->next = l->guests;
    l->guests = g;
}
