/* The server with real sockets on loopback: a loop in its thread, clients here. */
#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "testing/test.h"

struct server {
    struct loop *loop;
    struct http_listener *listener;
    struct http_service service;
    struct http_limits limits;
    size_t stream_bytes, stream_at; /* for /stream */
    int closes;
    size_t body_bytes;
    sem_t closed;
};

static char block[65536];

static void stream_on(struct http_exchange *x, struct server *s)
{
    while (s->stream_at < s->stream_bytes) {
        size_t n = s->stream_bytes - s->stream_at;
        if (n > sizeof block) n = sizeof block;
        s->stream_at += n;
        if (!http_respond_write(x, (str){block, n})) return;
    }
    http_respond_end(x);
}

static void on_request(void *, struct http_exchange *x, const struct http_request *r)
{
    http_set_user(x, (void *)(uintptr_t)r);
    if (str_eq(r->path, S("/early")))
        http_respond(x, &(struct http_answer){.status = 413, .body = S("early")});
    else
        http_continue(x);
}

static void on_data(void *ctx, struct http_exchange *x, str b)
{
    ((struct server *)ctx)->body_bytes += b.len;
    http_consume(x, b.len);
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct server *s = ctx;
    str path = ((const struct http_request *)http_user(x))->path;
    if (str_eq(path, S("/stream"))) {
        s->stream_at = 0;
        http_respond_begin(x, &(struct http_answer){.status = 200});
        stream_on(x, s);
    } else if (str_eq(path, S("/never"))) {
        return;
    } else if (str_eq(path, S("/trailer"))) {
        struct http_header t = {S("grpc-status"), S("0")};
        http_respond(x, &(struct http_answer){
                            .status = 200, .body = S("body"), .trailers = &t, .n_trailers = 1});
    } else {
        char text[64];
        int n = snprintf(text, sizeof text, "%zu bytes", s->body_bytes);
        s->body_bytes = 0;
        http_respond(x, &(struct http_answer){.status = 200, .body = {text, (size_t)n}});
    }
}

static void on_close(void *ctx, struct http_exchange *)
{
    struct server *s = ctx;
    s->closes++;
    sem_post(&s->closed);
}

static void on_writable(void *ctx, struct http_exchange *x) { stream_on(x, ctx); }

static void server_start(struct server *s)
{
    struct err err;
    sem_init(&s->closed, 0, 0);
    s->service = (struct http_service){s, on_request, on_data, on_end, on_close, on_writable};
    CHECK_INT(loop_new("http", &s->loop, &err), ST_OK);
    CHECK_INT(http_listen(s->loop, "127.0.0.1", 0, &s->service, &s->limits, &s->listener, &err),
              ST_OK);
    CHECK(http_listener_port(s->listener) > 0);
    CHECK_INT(loop_start(s->loop, &err), ST_OK);
}

static void server_end(struct server *s)
{
    loop_stop(s->loop);
    loop_join(s->loop);
    loop_free(s->loop);
}

static int dial(const struct server *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(http_listener_port(s->listener))};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void say(int fd, str s)
{
    while (s.len) {
        ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);
        CHECK(n > 0);
        s = str_drop(s, (size_t)n);
    }
}

/* Reads until `last` is at the end of what came, or the peer closes. */
static void hear(int fd, struct buf *in, str last)
{
    for (;;) {
        if (last.len && in->len >= last.len &&
            memcmp(in->ptr + in->len - last.len, last.ptr, last.len) == 0)
            return;
        CHECK(buf_reserve(in, 65536));
        ssize_t n = recv(fd, in->ptr + in->len, 65536, 0);
        if (n <= 0) {
            CHECK(n == 0 || errno == ECONNRESET);
            return;
        }
        in->len += (size_t)n;
    }
}

static bool has(const struct buf *b, const char *part)
{
    return b->len && memmem(b->ptr, b->len, part, strlen(part));
}

TEST(http_keep_alive_and_pipelining_over_a_socket)
{
    struct server s = {};
    server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde"));
    hear(fd, &in, S("5 bytes"));
    CHECK(has(&in, "3 bytes"));
    CHECK(has(&in, "date: "));
    buf_clear(&in);
    say(fd, S("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    hear(fd, &in, S(""));
    CHECK(has(&in, "connection: close"));
    CHECK(has(&in, "0 bytes"));
    close(fd);
    server_end(&s);
    CHECK_INT(s.closes, 3);
    buf_done(&in);
}

TEST(http_streams_more_than_the_window_to_a_slow_reader)
{
    struct server s = {.stream_bytes = 20 << 20, .limits.window_bytes = 100000};
    server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 64 << 20);
    say(fd, S("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(fd, &in, S("\r\n0\r\n\r\n"));
    CHECK(in.len > 20 << 20);
    close(fd);
    server_end(&s);
    buf_done(&in);
}

TEST(http_early_answer_arrives_though_the_client_goes_on_sending)
{
    struct server s = {};
    server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n"));
    static char mega[8000000];
    say(fd, (str){mega, sizeof mega});
    hear(fd, &in, S(""));
    CHECK(has(&in, "413 Payload Too Large"));
    CHECK(has(&in, "early"));
    close(fd);
    server_end(&s);
    buf_done(&in);
}

TEST(http_connections_past_the_limit_are_closed)
{
    struct server s = {.limits.max_connections = 1};
    server_start(&s);
    int one = dial(&s), two = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    hear(two, &in, S(""));
    CHECK_INT(in.len, 0);
    say(one, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(one, &in, S("0 bytes"));
    close(one);
    close(two);
    server_end(&s);
    buf_done(&in);
}

TEST(http_slow_and_idle_connections_are_ended)
{
    struct server s = {
        .limits = {.header_timeout_ms = 60, .body_timeout_ms = 60, .idle_timeout_ms = 60}};
    server_start(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    int fd = dial(&s); /* says nothing */
    hear(fd, &in, S(""));
    CHECK_INT(in.len, 0);
    close(fd);
    fd = dial(&s); /* part of the HTTP/2 preface */
    say(fd, S("PRI * HT"));
    hear(fd, &in, S(""));
    close(fd);
    fd = dial(&s);
    say(fd, S("GET / HTTP/1.1\r\nHos"));
    hear(fd, &in, S(""));
    CHECK(has(&in, "408 Request Timeout"));
    close(fd);
    buf_clear(&in);
    fd = dial(&s);
    say(fd, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"));
    hear(fd, &in, S(""));
    CHECK(has(&in, "408 Request Timeout"));
    close(fd);
    server_end(&s);
    buf_done(&in);
}

TEST(http_a_reader_that_reads_nothing_is_ended)
{
    struct server s = {.stream_bytes = 64 << 20,
                       .limits = {.write_timeout_ms = 80, .window_bytes = 65536}};
    server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"));
    sem_wait(&s.closed);
    close(fd);
    server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http_half_closed_client_gets_its_answer)
{
    struct server s = {};
    server_start(&s);
    int fd = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(fd, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    hear(fd, &in, S(""));
    CHECK(has(&in, "0 bytes"));
    close(fd);
    server_end(&s);
    buf_done(&in);
}

TEST(http_half_close_ends_a_query_when_the_service_wants_that)
{
    struct server s = {.limits.half_close_ends = true};
    server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /never HTTP/1.1\r\nHost: h\r\n\r\n"));
    shutdown(fd, SHUT_WR);
    sem_wait(&s.closed);
    close(fd);
    server_end(&s);
}

TEST(http_the_end_of_the_loop_closes_what_is_open)
{
    struct server s = {};
    server_start(&s);
    int fd = dial(&s);
    say(fd, S("GET /never HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n"));
    struct buf in;
    buf_init(&in, 1000);
    int other = dial(&s); /* accepted after the first was read, since both are in one queue */
    say(other, S("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    buf_done(&in);
    buf_init(&in, 1 << 20);
    hear(other, &in, S(""));
    server_end(&s);
    CHECK_INT(s.closes, 2);
    close(fd);
    close(other);
    buf_done(&in);
}

static void drain(void *ctx) { http_listener_drain(((struct server *)ctx)->listener); }

TEST(http_drain_closes_idle_connections_and_lets_open_ones_finish)
{
    struct server s = {};
    server_start(&s);
    int idle = dial(&s), busy = dial(&s);
    struct buf in;
    buf_init(&in, 1 << 20);
    say(idle, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    hear(idle, &in, S("0 bytes"));
    buf_clear(&in);
    say(busy, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
    hear(busy, &in, S("Continue\r\n\r\n")); /* it has been read */
    buf_clear(&in);
    CHECK(loop_post(s.loop, drain, &s));
    hear(idle, &in, S(""));
    CHECK_INT(in.len, 0);
    say(busy, S("abc"));
    hear(busy, &in, S(""));
    CHECK(has(&in, "3 bytes"));
    CHECK(has(&in, "connection: close"));
    close(idle);
    close(busy);
    server_end(&s);
    buf_done(&in);
}

TEST(http_listen_shares_a_port_only_when_asked_to)
{
    struct server s = {};
    server_start(&s);
    struct err err;
    struct loop *l;
    struct http_listener *other;
    struct http_service none = {};
    CHECK_INT(loop_new("x", &l, &err), ST_OK);
    uint16_t port = http_listener_port(s.listener);
    CHECK_INT(http_listen(l, "127.0.0.1", port, &none, NULL, &other, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "address already in use"));
    struct http_limits shares = {.shares_port = true};
    CHECK_INT(http_listen(l, "127.0.0.1", port, &none, &shares, &other, &err), ST_OK);
    CHECK_INT(http_listener_port(other), port);
    loop_free(l);
    server_end(&s);
}

TEST(http_listen_names_an_address_that_is_not_ours)
{
    struct err err;
    struct loop *l;
    struct http_listener *listener;
    struct http_service none = {};
    CHECK_INT(loop_new("x", &l, &err), ST_OK);
    CHECK_INT(http_listen(l, "192.0.2.1", 4317, &none, NULL, &listener, &err), ST_UNAVAILABLE);
    CHECK(strstr(err.msg, "192.0.2.1 port 4317"));
    loop_free(l);
}

/* ---- HTTP/2, with nghttp2's client ---- */

struct h2_client {
    int fd;
    nghttp2_session *session;
    struct buf headers, body;
    str send;
    size_t sent;
    int open;
    uint32_t reset_code;
};

static int h2_header(nghttp2_session *, const nghttp2_frame *, const uint8_t *n, size_t nl,
                     const uint8_t *v, size_t vl, uint8_t, void *ud)
{
    struct h2_client *c = ud;
    buf_printf(&c->headers, "%.*s=%.*s;", (int)nl, (const char *)n, (int)vl, (const char *)v);
    return 0;
}

static int h2_data(nghttp2_session *, uint8_t, int32_t, const uint8_t *p, size_t n, void *ud)
{
    buf_add(&((struct h2_client *)ud)->body, (str){(const char *)p, n});
    return 0;
}

static int h2_close(nghttp2_session *, int32_t, uint32_t code, void *ud)
{
    struct h2_client *c = ud;
    c->open--;
    c->reset_code = code;
    return 0;
}

static ssize_t h2_read(nghttp2_session *, int32_t, uint8_t *to, size_t room, uint32_t *flags,
                       nghttp2_data_source *, void *ud)
{
    struct h2_client *c = ud;
    str left = str_drop(c->send, c->sent);
    if (left.len > room) left.len = room;
    if (left.len) memcpy(to, left.ptr, left.len);
    c->sent += left.len;
    if (c->sent == c->send.len) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)left.len;
}

static void h2_open(struct h2_client *c, const struct server *s)
{
    *c = (struct h2_client){.fd = dial(s)};
    buf_init(&c->headers, 1 << 20);
    buf_init(&c->body, 64 << 20);
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, h2_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, h2_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, h2_close);
    nghttp2_session_client_new(&c->session, cb, c);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(c->session, 0, NULL, 0);
}

static void h2_done(struct h2_client *c)
{
    nghttp2_session_del(c->session);
    close(c->fd);
    buf_done(&c->headers);
    buf_done(&c->body);
}

static void h2_ask(struct h2_client *c, const char *path, const char *big)
{
    nghttp2_nv nv[] = {
        {(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0},
        {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
        {(uint8_t *)":authority", (uint8_t *)"h", 10, 1, 0},
        {(uint8_t *)":path", (uint8_t *)(uintptr_t)path, 5, strlen(path), 0},
        {(uint8_t *)"x-big", (uint8_t *)(uintptr_t)big, 5, strlen(big), 0},
    };
    nghttp2_data_provider body = {.read_callback = h2_read};
    CHECK(nghttp2_submit_request(c->session, NULL, nv, *big ? 5 : 4, c->send.len ? &body : NULL,
                                 NULL) > 0);
    c->open++;
}

/* Until every stream is closed, or the connection. */
static void h2_run(struct h2_client *c)
{
    char in[65536];
    for (;;) {
        const uint8_t *p;
        ssize_t n;
        while ((n = nghttp2_session_mem_send(c->session, &p)) > 0)
            say(c->fd, (str){(const char *)p, (size_t)n});
        if (c->open == 0) return;
        n = recv(c->fd, in, sizeof in, 0);
        if (n <= 0) return;
        CHECK(nghttp2_session_mem_recv(c->session, (uint8_t *)in, (size_t)n) == n);
    }
}

TEST(http2_bodies_larger_than_every_window_arrive)
{
    struct server s = {.limits.window_bytes = 100000};
    server_start(&s);
    static char mega[3000000];
    struct h2_client c;
    h2_open(&c, &s);
    c.send = (str){mega, sizeof mega};
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("3000000 bytes"));
    CHECK(has(&c.headers, ":status=200;"));
    h2_done(&c);
    server_end(&s);
}

TEST(http2_many_streams_and_trailers)
{
    struct server s = {};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    for (int i = 0; i < 50; i++) h2_ask(&c, "/trailer", "");
    h2_run(&c);
    CHECK_INT(c.body.len, 200);
    CHECK(has(&c.headers, "grpc-status=0;"));
    CHECK(!has(&c.headers, "content-length"));
    h2_done(&c);
    server_end(&s);
    CHECK_INT(s.closes, 50);
}

TEST(http2_streams_an_answer_with_backpressure)
{
    struct server s = {.stream_bytes = 20 << 20, .limits.window_bytes = 100000};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    h2_ask(&c, "/stream", "");
    h2_run(&c);
    CHECK_INT(c.body.len, 20 << 20);
    h2_done(&c);
    server_end(&s);
}

TEST(http2_early_answer_resets_the_stream_without_an_error)
{
    struct server s = {};
    server_start(&s);
    static char mega[9000000];
    struct h2_client c;
    h2_open(&c, &s);
    c.send = (str){mega, sizeof mega};
    h2_ask(&c, "/early", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("early"));
    CHECK(has(&c.headers, ":status=413;"));
    CHECK_INT(c.reset_code, NGHTTP2_NO_ERROR);
    h2_done(&c);
    server_end(&s);
}

TEST(http2_header_bomb_is_431_and_the_connection_lives_on)
{
    struct server s = {.limits.max_header_bytes = 2000};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    char big[3001] = {};
    memset(big, 'b', 3000);
    h2_ask(&c, "/", big);
    h2_run(&c);
    CHECK(has(&c.headers, ":status=431;"));
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("0 bytes"));
    h2_done(&c);
    server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http2_a_body_that_stops_is_reset)
{
    struct server s = {.limits.body_timeout_ms = 60};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    nghttp2_nv nv[] = {
        {(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0},
        {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
        {(uint8_t *)":path", (uint8_t *)"/", 5, 1, 0},
        {(uint8_t *)":authority", (uint8_t *)"h", 10, 1, 0},
    };
    CHECK(nghttp2_submit_headers(c.session, NGHTTP2_FLAG_NONE, -1, NULL, nv, 4, NULL) > 0);
    c.open = 1;
    h2_run(&c);
    CHECK_INT(c.reset_code, NGHTTP2_CANCEL);
    h2_done(&c);
    server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http2_reset_flood_ends_the_connection)
{
    struct server s = {};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    bool ended = false;
    for (int i = 0; i < 5000 && !ended; i++) {
        h2_ask(&c, "/never", "");
        const uint8_t *p;
        ssize_t n;
        int32_t id = (int32_t)nghttp2_session_get_next_stream_id(c.session) - 2;
        while ((n = nghttp2_session_mem_send(c.session, &p)) > 0)
            ended |= send(c.fd, p, (size_t)n, MSG_NOSIGNAL) < 0;
        nghttp2_submit_rst_stream(c.session, 0, id, NGHTTP2_CANCEL);
        while ((n = nghttp2_session_mem_send(c.session, &p)) > 0)
            ended |= send(c.fd, p, (size_t)n, MSG_NOSIGNAL) < 0;
        char in[4096];
        ssize_t got = recv(c.fd, in, sizeof in, MSG_DONTWAIT);
        ended |= got == 0 || (got > 0 && memmem(in, (size_t)got, "\0\0\0\x0b", 4));
        if (got > 0 && nghttp2_session_mem_recv(c.session, (uint8_t *)in, (size_t)got) < 0)
            ended = true;
        if (!nghttp2_session_want_read(c.session)) ended = true;
    }
    /* All was sent, faster than the server reads: the end comes after it. */
    struct timeval patience = {.tv_sec = 30};
    CHECK_INT(setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    for (char in[4096]; !ended;) {
        ssize_t got = recv(c.fd, in, sizeof in, 0);
        CHECK(got >= 0 || errno == ECONNRESET);
        ended = got <= 0;
    }
    CHECK(ended);
    h2_done(&c);
    server_end(&s);
}

TEST(http2_drain_sends_goaway_and_finishes)
{
    struct server s = {};
    server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK(loop_post(s.loop, drain, &s));
    c.open = 1; /* nothing: only the end of the connection ends the run */
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("0 bytes"));
    h2_done(&c);
    server_end(&s);
}
