/* http_core: one connection's protocol, without its socket. Bytes of the peer go in by `input`,
 * bytes for the peer come out by `output`; in between the service is called. http1.c and http2.c
 * are the two there are.
 *
 * A core is only stepped by whoever holds the socket: a service that answers makes the core call
 * `wake`, and the holder then calls `step` and `output` later, never from inside a call of the
 * service. */
#pragma once

#include <assert.h>

#include "base/arena.h"
#include "base/buf.h"
#include "net/http.h"

struct http_core;

struct http_exchange {
    struct http_core *core;
    struct http_exchange *prev, *next;
    struct http_request req;
    struct arena arena; /* the request's headers */
    void *user;

    bool announced;    /* on_request was called, on_close is owed */
    bool request_done; /* the body is complete */
    bool answered;     /* http_respond or http_respond_begin was called */
    bool answer_done;  /* nothing more will be added to `unsent` */
    bool full;         /* http_respond_write said false */
    bool no_body;      /* HEAD, 204, 304 */
    bool aborted;
    size_t body_bytes, unconsumed;

    struct buf unsent;
    size_t unsent_at;
    uint64_t body_at_ms, write_at_ms;       /* last progress */
    uint64_t body_swept_ms, body_wanted_ms; /* when last looked at; how long we have wanted more */

    bool expects_continue, chunked, close_after; /* HTTP/1.1 */

    int32_t stream; /* HTTP/2 */
    bool deferred, header_over;
    bool early_end; /* the answer is out, the request is not all in */
    size_t header_bytes;
    struct header_node *header_list;
    const struct http_header *trailers;
    size_t n_trailers;
};

struct http_core_ops {
    void (*input)(struct http_core *c, str bytes);
    void (*input_end)(struct http_core *c); /* the peer sends no more */
    void (*step)(struct http_core *c);      /* ends what is over, goes on with what waited */
    /* Appends bytes for the peer, about `most` at most. */
    void (*output)(struct http_core *c, struct buf *out, size_t most);
    void (*sweep)(struct http_core *c); /* timeouts, by c->now_ms */
    void (*drain)(struct http_core *c); /* no new requests */
    void (*free)(struct http_core *c);  /* owed on_close calls are made */

    void (*answer)(struct http_exchange *x, const struct http_answer *a, bool whole);
    void (*write)(struct http_exchange *x, str piece);
    void (*end)(struct http_exchange *x);
    void (*abort)(struct http_exchange *x);
    void (*consume)(struct http_exchange *x, size_t n);
    void (*proceed)(struct http_exchange *x); /* 100 Continue */
};

/* The text of a second (rfc9110 5.6.7). */
struct http_date {
    int64_t s;
    char text[32];
};

struct http_core {
    const struct http_core_ops *ops;
    const struct http_service *service;
    const struct http_limits *limits; /* no zeros */
    struct loop *loop;                /* NULL in tests of a core */
    str peer;
    void (*wake)(void *ctx);
    void *wake_ctx;
    uint32_t *n_open; /* the listener's count of exchanges, or NULL */

    uint64_t now_ms;    /* set by the holder before each call */
    bool wants_close;   /* once the output is out */
    bool wants_reset;   /* closing must look like a failure to the peer */
    bool stops_reading; /* until what was read is dealt with */
    struct http_exchange *exchanges;
    uint32_t n_exchanges;
    size_t held;                             /* unconsumed bytes of bodies that are not complete */
    uint64_t idle_since_ms, header_since_ms; /* header_since: 0 when not in a header */
    struct http_date *date; /* the listener's, since connections are many; NULL: no Date header */
};

struct http_core *http1_new(void);
struct http_core *http2_new(void);
void http2_begin(struct http_core *c); /* once limits are set: settings and windows */

/* Zeros in `l` become the defaults of http.h. */
struct http_limits http_limits_fill(const struct http_limits *l);

/* For the cores (exchange.c). */
struct http_exchange *exchange_new(struct http_core *c);
void exchange_free(struct http_exchange *x); /* calls on_close when owed */
void exchange_announce(struct http_exchange *x);
void exchange_take(struct http_exchange *x, str bytes); /* a piece of the body */
void exchange_ended(struct http_exchange *x);           /* the body is complete */
/* For each sweep: has its body stopped, or does it trickle? `wanted`: the peer could send more. */
bool exchange_is_late(struct http_exchange *x, bool wanted);
void exchange_unfill(struct http_exchange *x); /* on_writable when due */
void request_set_target(struct http_request *r, str target);
str http_date(struct http_core *c);
/* The value without control characters; a copy only when there are any. */
str header_clean(struct arena *a, str value);
static inline size_t exchange_unsent(const struct http_exchange *x)
{
    return x->unsent.len - x->unsent_at;
}
/* Moves up to `most` unsent bytes to `to`; returns how many. */
size_t exchange_move(struct http_exchange *x, char *to, size_t most);
