/* HTTP/2 over real sockets, with nghttp2's client. */
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server_test.h"
#include "testing/test.h"

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

static void h2_open(struct h2_client *c, const struct test_server *s)
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
    struct test_server s = {.limits.window_bytes = 100000};
    test_server_start(&s);
    static char mega[3000000];
    struct h2_client c;
    h2_open(&c, &s);
    c.send = (str){mega, sizeof mega};
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("3000000 bytes"));
    CHECK(buf_has(&c.headers, ":status=200;"));
    h2_done(&c);
    test_server_end(&s);
}

TEST(http2_many_streams_and_trailers)
{
    struct test_server s = {};
    test_server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    for (int i = 0; i < 50; i++) h2_ask(&c, "/trailer", "");
    h2_run(&c);
    CHECK_INT(c.body.len, 200);
    CHECK(buf_has(&c.headers, "grpc-status=0;"));
    CHECK(!buf_has(&c.headers, "content-length"));
    h2_done(&c);
    test_server_end(&s);
    CHECK_INT(s.closes, 50);
}

TEST(http2_streams_an_answer_with_backpressure)
{
    struct test_server s = {.stream_bytes = 20 << 20, .limits.window_bytes = 100000};
    test_server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    h2_ask(&c, "/stream", "");
    h2_run(&c);
    CHECK_INT(c.body.len, 20 << 20);
    h2_done(&c);
    test_server_end(&s);
}

TEST(http2_early_answer_resets_the_stream_without_an_error)
{
    struct test_server s = {};
    test_server_start(&s);
    static char mega[9000000];
    struct h2_client c;
    h2_open(&c, &s);
    c.send = (str){mega, sizeof mega};
    h2_ask(&c, "/early", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("early"));
    CHECK(buf_has(&c.headers, ":status=413;"));
    CHECK_INT(c.reset_code, NGHTTP2_NO_ERROR);
    h2_done(&c);
    test_server_end(&s);
}

TEST(http2_header_bomb_is_431_and_the_connection_lives_on)
{
    struct test_server s = {.limits.max_header_bytes = 2000};
    test_server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    char big[3001] = {};
    memset(big, 'b', 3000);
    h2_ask(&c, "/", big);
    h2_run(&c);
    CHECK(buf_has(&c.headers, ":status=431;"));
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("0 bytes"));
    h2_done(&c);
    test_server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http2_a_body_that_stops_is_reset)
{
    struct test_server s = {.limits.body_timeout_ms = 60};
    test_server_start(&s);
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
    test_server_end(&s);
    CHECK_INT(s.closes, 1);
}

TEST(http2_reset_flood_ends_the_connection)
{
    struct test_server s = {};
    test_server_start(&s);
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
    test_server_end(&s);
}

TEST(http2_drain_sends_goaway_and_finishes)
{
    struct test_server s = {};
    test_server_start(&s);
    struct h2_client c;
    h2_open(&c, &s);
    h2_ask(&c, "/", "");
    h2_run(&c);
    CHECK(loop_post(s.loop, test_server_drain, &s));
    c.open = 1; /* nothing: only the end of the connection ends the run */
    h2_run(&c);
    CHECK_STR(buf_str(&c.body), S("0 bytes"));
    h2_done(&c);
    test_server_end(&s);
}
