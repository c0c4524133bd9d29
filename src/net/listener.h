/* listener: what a connection needs of the listener that accepted it. thread: loop */
#pragma once

#include "net/http_core.h"
#include "net/loop_hooks.h"
#include "net/tls.h"

struct connection;

enum { READ_BYTES = 256 << 10 };

struct http_listener {
    struct loop *loop;
    struct loop_guest guest;
    struct http_service service;
    struct http_limits limits;
    uv_tcp_t tcp;
    struct loop_timer *sweeper;
    uint16_t port;
    bool draining, closed;
    struct connection *connections;
    uint32_t n_connections, n_exchanges;
    struct http_date date;
    uint32_t n_handshakes;     /* TLS: under way */
    struct tls_context *tls;   /* NULL: without */
    char *read_buffer;         /* one for all: what is read is dealt with before the next read */
    char *plain_buffer;        /* TLS: the same, decrypted */
    uint64_t complained_at_ms; /* when listener_complain last logged */
    uint32_t kept_quiet;       /* since then */
};

/* Logs what is wrong with a peer, once a second at most; how many were left out is told with the
 * next one. `why` may be NULL. */
void listener_complain(struct http_listener *l, const char *what, const char *peer,
                       const char *why);

void connection_accept(struct http_listener *l);
void connection_sweep(struct connection *c);
void connection_drain(struct connection *c);
void connection_abandon(struct connection *c); /* now, whatever is open */
struct connection *connection_next(struct connection *c);
