/* Listening sockets: bind, accept, the clock of the timeouts, drain and close. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "obs/log.h"

enum { BACKLOG = 1024, COMPLAIN_EVERY_MS = 1000 };

static void on_connection(uv_stream_t *s, int e)
{
    struct http_listener *l = s->data;
    if (e == 0) connection_accept(l);
}

void listener_complain(struct http_listener *l, const char *what, const char *peer, const char *why)
{
    uint64_t now = uv_now(loop_uv(l->loop));
    if (l->complained_at_ms && now - l->complained_at_ms < COMPLAIN_EVERY_MS) {
        l->kept_quiet++;
        return;
    }
    log_warn("net", what, LOG_INT("port", l->port), LOG_CSTR("peer", peer),
             LOG_CSTR("why", why ? why : ""), LOG_INT("others", l->kept_quiet));
    l->complained_at_ms = now ? now : 1;
    l->kept_quiet = 0;
}

static void sweep(void *ctx)
{
    struct http_listener *l = ctx;
    if (l->tls) tls_context_refresh(l->tls, uv_now(loop_uv(l->loop)));
    for (struct connection *c = l->connections, *next; c; c = next) {
        next = connection_next(c);
        connection_sweep(c);
    }
}

static void stop_listening(struct http_listener *l)
{
    if (!uv_is_closing((uv_handle_t *)&l->tcp)) uv_close((uv_handle_t *)&l->tcp, NULL);
}

static void close_all(void *ctx)
{
    struct http_listener *l = ctx;
    if (l->closed) return;
    l->closed = true;
    stop_listening(l);
    loop_timer_free(l->sweeper);
    while (l->connections) connection_abandon(l->connections);
}

static void gone(void *ctx)
{
    struct http_listener *l = ctx;
    tls_context_free(l->tls);
    free(l->plain_buffer);
    free(l->read_buffer);
    free(l);
}

/* SO_REUSEPORT lets any process of the same user share the port. So whoever comes first binds and
 * listens without it, which fails when somebody has the address, and lets others join only then. */
static int listen_at(const struct addrinfo *a, bool shares, int *ret)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shares) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, BACKLOG)) {
        int e = errno;
        close(fd);
        return e;
    }
    if (!shares) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    *ret = fd;
    return 0;
}

/* The socket is made here, since this libuv cannot set SO_REUSEPORT. */
static int listening_socket(const char *host, uint16_t port, bool shares, int *ret)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    int e = getaddrinfo(host, service, &hints, &list);
    if (e) return e == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
    e = EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a; a = a->ai_next)
        if ((e = listen_at(a, shares, ret)) == 0) break;
    freeaddrinfo(list);
    return e;
}

static uint16_t port_of(uv_tcp_t *tcp)
{
    struct sockaddr_storage a;
    int len = sizeof a;
    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&a, &len)) return 0;
    return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port)
                                   : ntohs(((struct sockaddr_in *)&a)->sin_port);
}

/* Often enough that a timeout is late by a quarter at most. */
static uint64_t sweep_every(const struct http_limits *l)
{
    uint32_t least = l->header_timeout_ms;
    if (l->body_timeout_ms < least) least = l->body_timeout_ms;
    if (l->idle_timeout_ms < least) least = l->idle_timeout_ms;
    if (l->write_timeout_ms < least) least = l->write_timeout_ms;
    uint64_t every = least / 4;
    return every < 10 ? 10 : every > 500 ? 500 : every;
}

status http_listen(struct loop *loop, const char *host, uint16_t port,
                   const struct http_service *service, const struct http_limits *limits,
                   struct http_listener **ret, struct err *err)
{
    int fd = -1;
    struct tls_context *tls = NULL;
    if (limits && limits->tls) TRY(tls_context_new(limits->tls, &tls, err));
    int e = listening_socket(host, port, limits && limits->shares_port, &fd);
    if (e) {
        tls_context_free(tls);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "listen on %s port %u: %s", host, port,
                       uv_strerror(-e));
    }
    struct http_listener *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->loop = loop;
    l->service = *service;
    l->limits = http_limits_fill(limits);
    l->limits.tls = NULL; /* the caller's */
    l->tls = tls;
    l->read_buffer = malloc(READ_BYTES);
    l->plain_buffer = tls ? malloc(READ_BYTES) : NULL;
    if (!l->read_buffer || (tls && !l->plain_buffer)) abort();
    uv_tcp_init(loop_uv(loop), &l->tcp);
    l->tcp.data = l;
    l->guest = (struct loop_guest){.end = close_all, .gone = gone, .ctx = l};
    loop_add_guest(loop, &l->guest);
    e = uv_tcp_open(&l->tcp, fd);
    if (e)
        close(fd);
    else
        e = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (e) { /* freed with the loop */
        l->closed = true;
        stop_listening(l);
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "listen on %s port %u: %s", host, port,
                       uv_strerror(e));
    }
    l->port = port_of(&l->tcp);
    l->sweeper = loop_timer_new(loop, sweep_every(&l->limits), sweep, l);
    *ret = l;
    return ST_OK;
}

uint16_t http_listener_port(const struct http_listener *l) { return l->port; }
uint32_t http_listener_exchanges(const struct http_listener *l) { return l->n_exchanges; }
uint32_t http_listener_connections(const struct http_listener *l) { return l->n_connections; }

void http_listener_drain(struct http_listener *l)
{
    if (l->closed || l->draining) return;
    l->draining = true;
    stop_listening(l);
    for (struct connection *c = l->connections, *next; c; c = next) {
        next = connection_next(c);
        connection_drain(c);
    }
}

void http_listener_close(struct http_listener *l)
{
    assert(loop_is_over(l->loop) || loop_is_mine(l->loop));
    close_all(l);
}
