/* A connection: its socket, its TLS, which protocol it speaks, its write queue and its end.
 *
 * One write is under way at a time; what a core has to say meanwhile stays with the core, so that
 * its backpressure counts it. A connection that ends while the peer may still be sending is closed
 * gently: our side first, then what comes is thrown away for a while, or a reset would take the
 * answer back (rfc9112 9.6). */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/listener.h"

enum { WRITE_BYTES = 256 << 10, KEEP_BYTES = 16 << 10, LINGER_MS = 2000, LINGER_BYTES = 64 << 20 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE_LEN = sizeof preface - 1 };

struct connection {
    uv_tcp_t tcp;
    struct http_listener *listener;
    struct connection *prev, *next;
    struct tls_session *tls; /* NULL: without */
    struct http_core *core;  /* NULL until the first bytes have told */
    struct loop_message pump;
    char first[PREFACE_LEN];
    size_t n_first;
    char peer[64];

    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf out;
    size_t write_left; /* of the write under way, when last looked at */
    bool reading, writing, ended, closing, lingering, draining;
    bool shaking; /* counted among the listener's handshakes */
    bool failed;  /* TLS: what lies ready is sent, then it ends */
    bool spoke;   /* the peer has sent something */
    uint64_t
        since_ms; /* of the first byte, then of the last progress in writing, then of the end */
    size_t lingered;
};

static void pump(struct connection *c);

static uint64_t now_ms(struct connection *c) { return uv_now(loop_uv(c->listener->loop)); }

struct connection *connection_next(struct connection *c) { return c->next; }

static void on_closed(uv_handle_t *h)
{
    struct connection *c = h->data;
    buf_done(&c->out);
    tls_session_free(c->tls);
    free(c);
}

static void shaken(struct connection *c)
{
    c->listener->n_handshakes -= c->shaking;
    c->shaking = false;
}

/* Out of the listener's list, the core freed (on_close calls), the handle closed. */
static void end(struct connection *c, bool reset)
{
    if (c->closing) return;
    c->closing = true;
    loop_undefer(c->listener->loop, &c->pump);
    struct http_listener *l = c->listener;
    if (c->prev)
        c->prev->next = c->next;
    else
        l->connections = c->next;
    if (c->next) c->next->prev = c->prev;
    l->n_connections--;
    shaken(c);
    if (c->core) {
        c->core->wake = NULL; /* on_close may still call */
        c->core->now_ms = now_ms(c);
        c->core->ops->free(c->core);
        c->core = NULL;
    }
    if (!reset || uv_tcp_close_reset(&c->tcp, on_closed))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void connection_abandon(struct connection *c) { end(c, false); }

static void on_alloc(uv_handle_t *h, size_t, uv_buf_t *buf)
{
    struct connection *c = h->data;
    *buf = uv_buf_init(c->listener->read_buffer, READ_BYTES);
}

static void wake(void *ctx)
{
    struct connection *c = ctx;
    if (!c->closing) loop_defer(c->listener->loop, &c->pump);
}

static void core_begin(struct connection *c, bool http2)
{
    struct http_core *core = c->core = http2 ? http2_new() : http1_new();
    core->service = &c->listener->service;
    core->limits = &c->listener->limits;
    core->loop = c->listener->loop;
    core->date = &c->listener->date;
    core->n_open = &c->listener->n_exchanges;
    core->peer = (str){c->peer, strlen(c->peer)};
    core->wake = wake;
    core->wake_ctx = c;
    core->now_ms = core->idle_since_ms = now_ms(c);
    if (http2) http2_begin(core);
    if (c->draining) core->ops->drain(core);
}

/* The first bytes tell the protocol: HTTP/2 begins with its preface, HTTP/1.1 with anything else.
 */
static void take(struct connection *c, str in)
{
    if (!c->core) {
        if (c->n_first == 0) c->since_ms = now_ms(c);
        size_t n = 0;
        while (n < in.len && c->n_first + n < PREFACE_LEN && in.ptr[n] == preface[c->n_first + n])
            n++;
        memcpy(c->first + c->n_first, in.ptr, n);
        c->n_first += n;
        in = str_drop(in, n);
        if (c->n_first < PREFACE_LEN && in.len == 0) return;
        core_begin(c, c->n_first == PREFACE_LEN);
        c->core->ops->input(c->core, (str){c->first, c->n_first});
    }
    c->core->now_ms = now_ms(c);
    if (in.len) c->core->ops->input(c->core, in);
}

static void peer_ended(struct connection *c)
{
    c->ended = true;
    if (c->tls && !tls_is_ready(c->tls)) return end(c, false);
    if (!c->core && c->n_first == 0) return end(c, false);
    if (!c->core) { /* part of a preface and no more: HTTP/1.1 has the words for it */
        core_begin(c, false);
        c->core->ops->input(c->core, (str){c->first, c->n_first});
    }
    if (c->listener->limits.half_close_ends) return end(c, false);
    c->core->now_ms = now_ms(c);
    c->core->ops->input_end(c->core);
    pump(c);
}

/* A TLS record of a handshake begins with 22, and no request does (rfc8446 5.1). */
static bool is_tls(str in) { return in.ptr[0] == 22; }

static void take_encrypted(struct connection *c, str in)
{
    struct err err;
    ssize_t n;
    tls_feed(c->tls, in);
    while ((n = tls_read(c->tls, c->listener->plain_buffer, READ_BYTES, &err)) > 0)
        take(c, (str){c->listener->plain_buffer, (size_t)n});
    if (c->shaking && tls_is_ready(c->tls)) {
        shaken(c);
        c->since_ms = now_ms(c);
    }
    if (n == TLS_FAILED) {
        listener_complain(c->listener, "a TLS connection failed", c->peer, err.msg);
        c->failed = true;
    }
    if (n == TLS_ENDED && !c->ended) return peer_ended(c);
    pump(c);
}

static void take_bytes(struct connection *c, str in)
{
    if (!c->spoke && is_tls(in) != (c->tls != NULL)) {
        listener_complain(c->listener,
                          c->tls ? "a client without TLS was closed: this port has TLS"
                                 : "a client with TLS was closed: this port has none",
                          c->peer, NULL);
        return end(c, false);
    }
    c->spoke = true;
    if (c->tls) return take_encrypted(c, in);
    take(c, in);
    pump(c);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = s->data;
    if (n == 0) return;
    if (c->lingering) {
        if (n > 0) c->lingered += (size_t)n;
        if (n < 0 || c->lingered > LINGER_BYTES) end(c, false);
        return;
    }
    if (n == UV_EOF) {
        uv_read_stop(s);
        c->reading = false;
        peer_ended(c);
    } else if (n < 0) {
        end(c, false);
    } else {
        take_bytes(c, (str){buf->base, (size_t)n});
    }
}

static void on_shutdown(uv_shutdown_t *r, int e)
{
    struct connection *c = r->data;
    if (e < 0) end(c, false);
}

/* The last word of TLS. It may be lost when the socket is full: HTTP tells its own ends. */
static void say_finished(struct connection *c)
{
    tls_finish(c->tls);
    buf_clear(&c->out);
    if (!tls_wrap(c->tls, &c->out) || c->out.len == 0) return;
    uv_buf_t b = uv_buf_init(c->out.ptr, (unsigned)c->out.len);
    uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
}

static void linger(struct connection *c)
{
    bool reset = c->core && c->core->wants_reset;
    if (c->tls && !reset) say_finished(c);
    if (c->ended || reset) return end(c, reset);
    c->lingering = true;
    c->since_ms = now_ms(c);
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown)) return end(c, false);
    if (!c->reading && uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read)) end(c, false);
    c->reading = true;
}

static void on_written(uv_write_t *w, int e)
{
    struct connection *c = w->data;
    c->writing = false;
    if (e < 0) return end(c, false);
    pump(c);
}

/* False when the connection has ended. */
static bool flush(struct connection *c)
{
    while (!c->writing) {
        buf_clear(&c->out);
        if (c->core && !c->failed) c->core->ops->output(c->core, &c->out, WRITE_BYTES);
        if (c->tls && !tls_wrap(c->tls, &c->out)) return end(c, true), false;
        if (c->out.len == 0) { /* idle connections are many: they keep no large buffer */
            if (c->out.cap > KEEP_BYTES) buf_done(&c->out);
            return true;
        }
        uv_buf_t b = uv_buf_init(c->out.ptr, (unsigned)c->out.len);
        int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
        if (n == (int)c->out.len) {
            if (c->core) c->core->ops->step(c->core);
            continue;
        }
        if (n < 0 && n != UV_EAGAIN) return end(c, false), false;
        size_t done = n > 0 ? (size_t)n : 0;
        b = uv_buf_init(c->out.ptr + done, (unsigned)(c->out.len - done));
        c->write.data = c;
        if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written))
            return end(c, false), false;
        c->writing = true;
        c->write_left = b.len;
        c->since_ms = now_ms(c);
    }
    return true;
}

static void pump(struct connection *c)
{
    if (c->closing || c->lingering) return;
    if (c->core) {
        c->core->now_ms = now_ms(c);
        c->core->ops->step(c->core);
    }
    if (!flush(c)) return;
    bool over = c->failed || (c->core && c->core->wants_close);
    if (!c->writing && over) return linger(c);
    bool read = !c->ended && !over && !(c->core && c->core->stops_reading);
    if (read == c->reading) return;
    c->reading = read;
    if (!read)
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
        end(c, false);
}

static void pump_later(void *ctx) { pump(ctx); }

static void name_peer(struct connection *c)
{
    struct sockaddr_storage a;
    int len = sizeof a;
    char host[48] = "?";
    unsigned port = 0;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &len) == 0) {
        bool six = a.ss_family == AF_INET6;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;
        struct sockaddr_in *in4 = (struct sockaddr_in *)&a;
        if (six)
            uv_ip6_name(in6, host, sizeof host);
        else
            uv_ip4_name(in4, host, sizeof host);
        port = ntohs(six ? in6->sin6_port : in4->sin_port);
        snprintf(c->peer, sizeof c->peer, six ? "[%s]:%u" : "%s:%u", host, port);
    }
}

/* NULL, or why there is no room for it. */
static const char *no_room(const struct http_listener *l)
{
    if (l->n_connections >= l->limits.max_connections) return "too many connections";
    if (l->tls && l->n_handshakes >= l->limits.max_handshakes) return "too many TLS handshakes";
    return NULL;
}

void connection_accept(struct http_listener *l)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->listener = l;
    c->pump = (struct loop_message){.fn = pump_later, .ctx = c};
    buf_init(&c->out, SIZE_MAX / 4);
    uv_tcp_init(loop_uv(l->loop), &c->tcp);
    c->tcp.data = c;
    c->since_ms = now_ms(c);
    const char *full = no_room(l);
    int e = uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)&c->tcp);
    if (e == 0) name_peer(c);
    if (full) listener_complain(l, "a connection was closed", c->peer, full);
    if (e || full) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    if (l->tls) {
        c->tls = tls_session_new(l->tls);
        c->shaking = true;
        l->n_handshakes++;
    }
    c->next = l->connections;
    if (c->next) c->next->prev = c;
    l->connections = c;
    l->n_connections++;
    c->reading = true;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read)) end(c, false);
}

void connection_sweep(struct connection *c)
{
    const struct http_limits *l = &c->listener->limits;
    uint64_t now = now_ms(c);
    if (c->lingering) {
        if (now - c->since_ms > LINGER_MS) end(c, false);
        return;
    }
    if (c->writing) {
        size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
        if (left != c->write_left) c->since_ms = now;
        c->write_left = left;
        if (now - c->since_ms > l->write_timeout_ms) return end(c, true);
    }
    if (!c->core) {
        bool began = c->n_first || c->shaking;
        if (now - c->since_ms > (began ? l->header_timeout_ms : l->idle_timeout_ms)) end(c, false);
        return;
    }
    c->core->now_ms = now;
    c->core->ops->sweep(c->core);
    pump(c);
}

void connection_drain(struct connection *c)
{
    c->draining = true;
    if (!c->core && c->n_first == 0) return end(c, false);
    if (!c->core) return;
    c->core->now_ms = now_ms(c);
    c->core->ops->drain(c->core);
    wake(c); /* not now: a service may be asking */
}
