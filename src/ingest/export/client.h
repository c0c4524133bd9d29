/* client: one HTTP exchange with a destination, by libcurl: HTTP/1.1 or HTTP/2, TLS, a deadline, a
 * flag that ends it. What the answer means is the caller's to say.
 *
 * A client keeps links: a curl handle with its open connection and the buffers of a request. Who
 * sends takes one and gives it back, so there are as many as threads ever sent at once. thread:
 * any; a link is one thread's at a time. */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "ingest/export/client_options.h"
#include "ingest/export/otlp_request.h"

struct client;

enum client_protocol { CLIENT_HTTP, CLIENT_HTTP2 }; /* HTTP2: nothing else will do */

struct client_link {
    struct otlp_request request; /* the caller's */
    struct buf wire;             /* the caller's: the request as it goes out */
    struct buf answer;           /* its body; at most CLIENT_ANSWER_MAX */
    void *curl;                  /* private */
    struct client_link *next;
};

enum { CLIENT_ANSWER_MAX = 4 << 20 };

/* Borrows the options (and what they point to) until client_close. */
struct client *client_open(const struct client_options *opt, enum client_protocol protocol,
                           enum payload_format format);
void client_close(struct client *c); /* no link may be out; accepts NULL */

struct client_link *client_take(struct client *c);
void client_give(struct client *c, struct client_link *l);

struct client_exchange {
    const char *url;
    const struct client_header *headers; /* the caller's own, before those of the options */
    size_t n_headers;
    str body;
    const atomic_bool *cancel; /* may be NULL */
    /* Every header and trailer of the answer; names as they came. */
    void (*header)(void *ctx, str name, str value);
    void *ctx;
};

/* Sends and waits for the whole answer: its body is in l->answer, *ret_http its status.
 *
 * ST_UNAVAILABLE: not reached, or the connection broke before the answer was whole. ST_TIMEOUT: the
 * deadline passed. ST_OVERLOADED: the stream was reset by the other side. ST_LIMIT: the answer is
 * larger than CLIENT_ANSWER_MAX. ST_CANCELLED. */
[[nodiscard]] status client_run(struct client *c, struct client_link *l,
                                const struct client_exchange *x, long *ret_http, struct err *err);

/* The body as it goes out, compressed as the options say, with `room` bytes free in front of it: in
 * l->wire. */
[[nodiscard]] status client_compress(struct client *c, struct client_link *l, size_t room,
                                     struct err *err);
