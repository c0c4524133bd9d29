#include "store/door_exchange.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { OUTPUT_WINDOW = 1 << 20, OUTPUT_MOST = 1 << 30, POST_TRIES = 5000 };

struct piece {
    struct piece *next;
    size_t len;
    char bytes[];
};

struct door_exchange {
    atomic_uint refs;
    struct loop *loop;
    struct http_exchange *x; /* thread: loop; NULL: over */
    struct arena arena;
    struct door_request request;
    atomic_bool cancel;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* for the door thread */
    struct piece *first, **last, *held;
    size_t waiting;  /* bytes in the list */
    size_t consumed; /* bytes read, not yet told to the connection */
    bool input_ended, gone;

    unsigned status;
    struct http_header *headers; /* in the arena */
    size_t n_headers;
    struct buf out; /* of the answer, not yet given to the connection */
    bool begun, ended, whole, full, posted;
    bool answered, closed; /* thread: loop: the head was given to the connection; the end was */
};

struct door_exchange *door_exchange_new(struct loop *loop, struct http_exchange *x)
{
    struct door_exchange *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->refs = 1;
    e->loop = loop;
    e->x = x;
    e->last = &e->first;
    arena_init(&e->arena, 64 << 20);
    buf_init(&e->out, OUTPUT_MOST);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    return e;
}

void door_exchange_ref(struct door_exchange *e) { atomic_fetch_add(&e->refs, 1); }

void door_exchange_unref(struct door_exchange *e)
{
    if (atomic_fetch_sub(&e->refs, 1) != 1) return;
    for (struct piece *p = e->first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    free(e->held);
    buf_done(&e->out);
    arena_done(&e->arena);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

struct arena *door_exchange_arena(struct door_exchange *e) { return &e->arena; }
struct door_request *door_exchange_request(struct door_exchange *e) { return &e->request; }
atomic_bool *door_exchange_cancel(struct door_exchange *e) { return &e->cancel; }

void door_exchange_input(struct door_exchange *e, str bytes)
{
    struct piece *p = malloc(sizeof *p + bytes.len);
    if (!p) abort();
    p->next = NULL;
    p->len = bytes.len;
    memcpy(p->bytes, bytes.ptr, bytes.len);
    pthread_mutex_lock(&e->lock);
    bool drop = e->ended; /* answered before it was read: let the rest pass */
    if (!drop) {
        *e->last = p;
        e->last = &p->next;
        e->waiting += bytes.len;
        pthread_cond_signal(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
    if (!drop) return;
    free(p);
    http_consume(e->x, bytes.len);
}

void door_exchange_input_end(struct door_exchange *e)
{
    pthread_mutex_lock(&e->lock);
    e->input_ended = true;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

size_t door_exchange_waiting(struct door_exchange *e)
{
    pthread_mutex_lock(&e->lock);
    size_t n = e->waiting;
    pthread_mutex_unlock(&e->lock);
    return n;
}

void door_exchange_gone(struct door_exchange *e)
{
    atomic_store(&e->cancel, true);
    pthread_mutex_lock(&e->lock);
    e->gone = true;
    e->x = NULL;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* Gives the connection what is there for it. thread: loop */
static void flush(struct door_exchange *e)
{
    pthread_mutex_lock(&e->lock);
    struct http_exchange *x = e->x;
    e->posted = false;
    size_t consumed = e->consumed;
    e->consumed = 0;
    if (!x) {
        pthread_mutex_unlock(&e->lock);
        return;
    }
    struct buf out = {};
    bool begin = e->begun && !e->answered && !e->full, end = false;
    if (e->begun && !e->full && !e->closed) {
        out = e->out;
        buf_init(&e->out, OUTPUT_MOST);
        end = e->ended;
        e->answered = true;
        e->closed = end;
        pthread_cond_signal(&e->changed);
    }
    bool whole = e->whole;
    pthread_mutex_unlock(&e->lock);

    if (consumed) http_consume(x, consumed);
    struct http_answer a = {.status = e->status,
                            .headers = e->headers,
                            .n_headers = e->n_headers,
                            .body = buf_str(&out)};
    bool full = false;
    if (begin && end && whole) {
        http_respond(x, &a);
    } else {
        if (begin) http_respond_begin(x, &a);
        if (!begin && out.len) full = !http_respond_write(x, buf_str(&out));
        if (end && whole) http_respond_end(x);
        if (end && !whole) http_respond_abort(x);
    }
    buf_done(&out);
    pthread_mutex_lock(&e->lock);
    e->full = full && !end;
    pthread_mutex_unlock(&e->lock);
}

static void flush_posted(void *ctx)
{
    flush(ctx);
    door_exchange_unref(ctx);
}

void door_exchange_writable(struct door_exchange *e)
{
    pthread_mutex_lock(&e->lock);
    e->full = false;
    pthread_mutex_unlock(&e->lock);
    flush(e);
}

/* A full mailbox is rare and short: the thread can wait. A loop that has ended takes nothing any
 * more. */
static void post(struct door_exchange *e)
{
    door_exchange_ref(e);
    for (int i = 0; i < POST_TRIES; i++) {
        if (loop_post(e->loop, flush_posted, e)) return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    atomic_store(&e->cancel, true);
    pthread_mutex_lock(&e->lock);
    e->gone = true;
    e->posted = false;
    pthread_mutex_unlock(&e->lock);
    door_exchange_unref(e);
}

/* With the lock held; gives it back. */
static void post_once_unlock(struct door_exchange *e)
{
    bool first = !e->posted && !e->gone;
    e->posted |= first;
    pthread_mutex_unlock(&e->lock);
    if (first) post(e);
}

bool door_exchange_read(struct door_exchange *e, str *ret)
{
    pthread_mutex_lock(&e->lock);
    if (e->held) {
        e->consumed += e->held->len;
        free(e->held);
        e->held = NULL;
        post_once_unlock(e);
        pthread_mutex_lock(&e->lock);
    }
    while (!e->first && !e->input_ended && !e->gone) pthread_cond_wait(&e->changed, &e->lock);
    struct piece *p = e->gone ? NULL : e->first;
    if (p) {
        e->first = p->next;
        if (!p->next) e->last = &e->first;
        e->waiting -= p->len;
        e->held = p;
    }
    pthread_mutex_unlock(&e->lock);
    if (p) *ret = (str){p->bytes, p->len};
    return p != NULL;
}

bool door_exchange_complete(struct door_exchange *e)
{
    pthread_mutex_lock(&e->lock);
    bool complete = e->input_ended && !e->first && !e->gone;
    pthread_mutex_unlock(&e->lock);
    return complete;
}

void door_exchange_begin(struct door_exchange *e, unsigned http_status,
                         const struct http_header *headers, size_t n)
{
    struct http_header *copy = arena_array(&e->arena, struct http_header, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = (struct http_header){arena_str(&e->arena, headers[i].name),
                                       arena_str(&e->arena, headers[i].value)};
    pthread_mutex_lock(&e->lock);
    assert(!e->begun);
    e->begun = true;
    e->status = http_status;
    e->headers = copy;
    e->n_headers = n;
    pthread_mutex_unlock(&e->lock); /* sent with the first piece or the end */
}

bool door_exchange_write(struct door_exchange *e, str piece)
{
    pthread_mutex_lock(&e->lock);
    assert(e->begun && !e->ended);
    while (e->out.len >= OUTPUT_WINDOW && !e->gone) pthread_cond_wait(&e->changed, &e->lock);
    if (e->gone) {
        pthread_mutex_unlock(&e->lock);
        return false;
    }
    buf_add(&e->out, piece);
    bool ok = !e->out.over;
    post_once_unlock(e);
    return ok;
}

/* Input that was not read is let go, so that the connection can read past it. */
static void drop_input(struct door_exchange *e)
{
    if (e->held) e->consumed += e->held->len;
    free(e->held);
    e->held = NULL;
    for (struct piece *p = e->first, *next; p; p = next) {
        next = p->next;
        e->consumed += p->len;
        free(p);
    }
    e->first = NULL;
    e->last = &e->first;
    e->waiting = 0;
}

void door_exchange_end(struct door_exchange *e, bool whole)
{
    pthread_mutex_lock(&e->lock);
    assert(e->begun && !e->ended);
    e->ended = true;
    e->whole = whole;
    drop_input(e);
    post_once_unlock(e);
}
