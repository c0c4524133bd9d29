/* incoming: a request from its head to its answer, for the files of this folder: receive.c (life,
 * service, door), body.c (its bytes and the gate), respond.c (what is said). thread: loop */
#pragma once

#include "ingest/receive/auth.h"
#include "ingest/receive/grpc_frame.h"
#include "ingest/receive/receive.h"
#include "ingest/receive/route.h"

struct receiver {
    struct loop *loop;
    struct http_listener *listener;
    struct receive_options opt;
    struct auth *auth; /* NULL: everybody may */
    struct loop_timer *clock;
    struct incoming *timed; /* those with a deadline that are not answered */
    uint16_t port;
    atomic_uint open;
    struct loop_message drain;
    atomic_bool draining;
};

/* Held by two: the exchange (until on_close) and the request (from the sink until the answer).
 * Whoever lets go last frees it. */
struct incoming {
    struct ingest_request req;
    struct receiver *r;
    struct http_exchange *x; /* NULL once the client is gone. thread: loop */
    atomic_int refs;
    struct route route;
    struct grpc_frame frame;
    bool answered;
    bool challenge;  /* the answer names the credentials that would do */
    bool takes_gzip; /* the client reads gzip */
    str origin;      /* a browser's, when it may send; borrows from the exchange */

    char *at; /* the wire bytes: in the arena when their number was told, else malloc'ed */
    size_t len, room, stated; /* stated: 0 when it was not */
    bool on_heap;
    uint64_t charged; /* of the gate */

    nanos deadline; /* monotonic; 0: none */
    struct incoming *timed_prev, *timed_next;
    nanos ended_at; /* monotonic: the last byte */
    struct loop_message message;
    struct ingest_answer answer;
};

/* ---- body.c ---- */

/* Is there room for a body of which nothing is known yet? */
bool body_fits(const struct incoming *in);
/* Its number of wire bytes is known before the first of them. ST_LIMIT, ST_OVERLOADED. */
[[nodiscard]] status body_expect(struct incoming *in, uint64_t n, struct err *err);
[[nodiscard]] status body_take(struct incoming *in, str bytes, struct err *err);
/* Wire and body of the request, once the last byte is there. */
[[nodiscard]] status body_finish(struct incoming *in, struct err *err);
/* Frees it, arena and all, and gives back what it was charged. */
void body_release(struct incoming *in);

/* ---- respond.c: once for each incoming, in->x is not NULL ---- */

void respond(struct incoming *in, const struct ingest_answer *a);
void respond_preflight(struct incoming *in, const struct http_request *req);
