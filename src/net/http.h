/* http: an HTTP server on a loop: HTTP/1.1 (llhttp) and HTTP/2 (nghttp2) on the same port, in TLS
 * or without; the first bytes of a connection tell, so HTTP/2 without TLS is by prior knowledge. It
 * knows nothing of telemetry.
 *
 * A service is a table of callbacks. All run on the connection's loop thread. An exchange is one
 * request and its answer; it lives until on_close, which is called exactly once for every
 * on_request, last. Work done elsewhere keeps its own state and comes back with loop_post.
 *
 * Flow control: body bytes handed to on_data count against the window until http_consume says they
 * were dealt with (HTTP/2 windows are replenished then; HTTP/1.1 reading pauses while more than
 * `window_bytes` are unconsumed). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct http_exchange;
struct http_listener;

struct http_header {
    str name; /* lower case */
    str value;
};

struct http_request {
    str method; /* upper case */
    str target; /* as sent: path and query */
    str path;   /* raw, not percent-decoded */
    str query;  /* after '?', raw; empty when none */
    const struct http_header *headers;
    size_t n_headers;
    int64_t content_length; /* -1: not stated */
    bool http2;
    str peer; /* "127.0.0.1:50412" */
};

/* The value of the first header called `name` (lower case), or an empty str with ptr NULL. */
str http_header_get(const struct http_request *r, str name);

struct http_service {
    void *ctx;
    /* Headers are complete. `req` is valid until on_close. May answer at once (http_respond): the
     * body is then drained or the stream reset. */
    void (*on_request)(void *ctx, struct http_exchange *x, const struct http_request *req);
    /* A piece of the body; borrowed during the call. */
    void (*on_data)(void *ctx, struct http_exchange *x, str bytes);
    /* The body is complete. */
    void (*on_end)(void *ctx, struct http_exchange *x);
    /* The exchange is over: answered, or the peer left, or the listener stopped. `x` is gone after
     * this. */
    void (*on_close)(void *ctx, struct http_exchange *x);
    /* May be NULL. A streaming answer may write again: fewer than `window_bytes` are unsent. */
    void (*on_writable)(void *ctx, struct http_exchange *x);
};

/* A port with TLS. Files are PEM. They are read again within two seconds of a change, for
 * connections that come after; a certificate and a key that do not fit together are logged, and the
 * old ones stay in use. */
enum http_tls_version { HTTP_TLS_1_2, HTTP_TLS_1_3 };
struct http_tls {
    const char *cert_file;      /* the server's own first, then what leads to a root */
    const char *key_file;       /* without a passphrase */
    const char *client_ca_file; /* NULL: clients need no certificate. Else one of these issued it */
    enum http_tls_version least;
};

/* Could a port be opened with it? ST_INVALID: the message names the file. thread: any */
[[nodiscard]] status http_tls_check(const struct http_tls *opt, struct err *err);

struct http_limits {
    uint32_t max_header_bytes;  /* 0: 32 KiB; past it 431 */
    uint32_t window_bytes;      /* 0: 4 MiB */
    uint32_t max_streams;       /* 0: 256, per HTTP/2 connection */
    uint32_t max_connections;   /* 0: 10,000 per listener; past it the connection is closed */
    uint32_t max_handshakes;    /* 0: 1,000: connections whose TLS handshake is under way */
    uint32_t header_timeout_ms; /* 0: 10,000: headers complete after the first byte; handshakes */
    uint32_t body_timeout_ms;   /* 0: 30,000: without progress in a body being read */
    /* A body that trickles: after body_grace_ms of reading it must have come at min_body_rate
     * bytes a second on average since. Time in which we did not want more does not count. */
    uint32_t body_grace_ms;    /* 0: 10,000 */
    uint32_t min_body_rate;    /* 0: 240 */
    uint32_t idle_timeout_ms;  /* 0: 120,000: keep-alive without a request */
    uint32_t write_timeout_ms; /* 0: 60,000: without progress in an answer being written */
    /* The peer's end of input also ends what it has asked for (on_close): right for queries, which
     * are worth cancelling. Otherwise a complete request is still answered. */
    bool half_close_ends;
    /* Another listener of this process has the address already: share its port. Otherwise the
     * address must be free, so that two processes do not take half of the connections each. */
    bool shares_port;
    const struct http_tls *tls; /* NULL: without. Copied */
};

/* Listens on host:port (port 0: any free one). `service` is copied.
 * ST_UNAVAILABLE: the address is in use or not ours; the error names it. thread: any before
 * loop_start, else loop */
[[nodiscard]] status http_listen(struct loop *l, const char *host, uint16_t port,
                                 const struct http_service *service,
                                 const struct http_limits *limits, struct http_listener **ret,
                                 struct err *err);
uint16_t http_listener_port(const struct http_listener *l);

/* Stops accepting, sends GOAWAY or Connection: close, lets open exchanges finish; closes idle
 * connections at once. thread: loop */
void http_listener_drain(struct http_listener *l);
uint32_t http_listener_exchanges(const struct http_listener *l);   /* open now. thread: loop */
uint32_t http_listener_connections(const struct http_listener *l); /* the same */

/* Closes everything at once: on_close is called for what is open, then the service is not called
 * again. The memory goes with the loop. Not from inside a callback of the service. thread: loop, or
 * any once the loop has ended */
void http_listener_close(struct http_listener *l);

void http_set_user(struct http_exchange *x, void *user);
void *http_user(const struct http_exchange *x);

/* `n` bytes handed out by on_data were dealt with. */
void http_consume(struct http_exchange *x, size_t n);

/* May the service keep what it has been handed unconsumed until it answers, so that the peer's
 * window opens with its progress? False when the bodies being read on this connection hold so much
 * of the windows that they would stop each other: then it must http_consume what comes. What is not
 * consumed at the end of an exchange is given back then. */
bool http_may_hold(const struct http_exchange *x);

/* A whole answer. Everything is copied. `trailers` are sent after the body (HTTP/2), or, with an
 * empty body and HTTP/2, together with the headers (gRPC trailers-only: pass them in `headers`).
 * Content-Length is added. To be called once for an exchange, at any time until on_close. */
struct http_answer {
    unsigned status;
    const struct http_header *headers;
    size_t n_headers;
    str body;
    const struct http_header *trailers;
    size_t n_trailers;
    bool close; /* HTTP/1.1: close the connection afterwards */
};
void http_respond(struct http_exchange *x, const struct http_answer *a);

/* A streaming answer: headers now (answer.body is the first piece), then pieces, then the end.
 * HTTP/1.1: chunked. */
void http_respond_begin(struct http_exchange *x, const struct http_answer *a);
/* Copies. False when more than the window is unsent: stop, and go on in on_writable (the piece was
 * taken). */
bool http_respond_write(struct http_exchange *x, str piece);
void http_respond_end(struct http_exchange *x);
/* Breaks the answer off so that the client sees it is not complete (RST_STREAM; or the connection
 * is closed). */
void http_respond_abort(struct http_exchange *x);

/* Sends 100 Continue when the request asked for it (HTTP/1.1). Called by the service once it wants
 * the body. */
void http_continue(struct http_exchange *x);

struct loop *http_loop(const struct http_exchange *x);

/* Percent-decodes ('+' is a space when `form`) into the arena. Malformed escapes stay as they are.
 */
struct arena;
str http_decode(struct arena *a, str s, bool form);
