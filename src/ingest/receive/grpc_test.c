/* What gRPC asks of a server beside the answers themselves: framing, deadlines, windows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/receive/grpc_frame.h"
#include "ingest/receive/rig_test.h"
#include "net/compress.h"
#include "obs/metrics.h"
#include "testing/test.h"

TEST(grpc_frame_of_a_message_cut_at_every_byte_is_the_same)
{
    str wire = {"\0\0\0\0\x0c"
                "twelve bytes",
                17};
    for (size_t first = 0; first <= wire.len; first++) {
        for (size_t second = first; second <= wire.len; second++) {
            struct grpc_frame f = {};
            struct err err;
            char got[20];
            size_t n = 0;
            str parts[] = {{wire.ptr, first},
                           {wire.ptr + first, second - first},
                           {wire.ptr + second, wire.len - second}};
            for (int i = 0; i < 3; i++) {
                str m;
                CHECK_INT(grpc_frame_take(&f, parts[i], 100, &m, &err), ST_OK);
                if (m.len) memcpy(got + n, m.ptr, m.len);
                n += m.len;
            }
            CHECK_INT(grpc_frame_end(&f, false, &err), ST_OK);
            CHECK_STR(((str){got, n}), S("twelve bytes"));
        }
    }
}

static void answered(struct rig *g, const char *timeout, const char *want)
{
    struct call c;
    call_init(&c);
    c.timeout = timeout;
    frame(&c, false, S("x"));
    call(g, &c, LOGS, "application/grpc", "");
    CHECK(has(c.headers.ptr, want));
    CHECK(!strstr(c.headers.ptr, "details"));
    call_done(&c);
}

TEST(O11_grpc_timeout_that_has_passed_is_deadline_exceeded_and_the_sink_is_not_asked)
{
    struct rig g = {};
    rig_start(&g);
    answered(&g, "0S", "grpc-status=4;grpc-message=the call's grpc-timeout has passed;");
    answered(&g, "1n", "grpc-status=4;");
    CHECK_INT(g.calls, 0);
    static const char *const ample[] = {"99999999H", "1H", "9M", "60S", "60000m", "60000000u"};
    for (size_t i = 0; i < sizeof ample / sizeof *ample; i++)
        answered(&g, ample[i], "grpc-status=0;");
    static const char *const wrong[] = {"S", "10", "10s", "-1S", "123456789S", "1.5S", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        answered(&g, wrong[i], "grpc-status=3;grpc-message=grpc-timeout is not up to 8 digits");
    rig_end(&g);
}

TEST(grpc_timeout_passes_while_the_sink_has_it_and_its_answer_goes_nowhere)
{
    struct rig g = {};
    rig_start(&g);
    struct call c;
    call_init(&c);
    c.timeout = "1m";
    frame(&c, false, S("x"));
    g.slow_us = 20000;
    call(&g, &c, LOGS, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=4;"));
    call_done(&c);
    rig_end(&g);
}

TEST(grpc_timeout_ends_a_call_whose_answer_does_not_come)
{
    static const char *const longer[] = {"20m", "200m", "2S", "20S"};
    struct rig g = {.hold = true};
    rig_start(&g);
    for (int i = 0; i < 4 && g.calls == 0; i++) { /* a slow machine may need it for the body */
        struct call c;
        call_init(&c);
        c.timeout = longer[i];
        frame(&c, false, S("x"));
        call(&g, &c, LOGS, "application/grpc", ""); /* the sink has said nothing */
        CHECK(has(c.headers.ptr, "grpc-status=4;"));
        call_done(&c);
    }
    CHECK_INT(g.calls, 1);
    CHECK(atomic_load(&g.gate.bytes) > 0); /* the sink goes on with it */
    rig_let_go(&g);
    rig_end(&g);
}

TEST(grpc_timeout_ends_a_call_whose_body_does_not_come)
{
    struct rig g = {};
    rig_start(&g);
    struct call c;
    call_init(&c);
    c.timeout = "20m";
    c.stops = true;
    frame(&c, false, S("0123456789"));
    c.send.len -= 5;
    call(&g, &c, LOGS, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=4;"));
    CHECK_INT(g.calls, 0);
    call_done(&c);
    rig_end(&g);
}

/* Sends and listens until all `n` calls are over, or nothing has come for a while: how many bytes
 * of bodies have gone. */
static size_t pump(nghttp2_session *s, int fd, struct call *c, int n)
{
    struct timeval patience = {0, 300000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char in[65536];
    for (ssize_t k = 1; k > 0 && c->n_over < n;) {
        const uint8_t *p;
        while ((k = nghttp2_session_mem_send(s, &p)) > 0)
            say(fd, (str){(const char *)p, (size_t)k});
        k = recv(fd, in, sizeof in, 0);
        if (k > 0) CHECK(nghttp2_session_mem_recv(s, (uint8_t *)in, (size_t)k) == k);
    }
    return c->sent_all;
}

TEST(windows_open_when_the_pipeline_has_answered_and_not_when_the_socket_was_read)
{
    enum { CALLS = 40, BODY = 16000, WINDOW = 100000 }; /* a body is a frame */
    struct rig g = {.hold = true, .opt.http.window_bytes = WINDOW};
    rig_start(&g);
    int fd = dial(&g);
    struct call c;
    call_init(&c);
    static char body[BODY];
    frame(&c, false, (str){body, BODY});
    nghttp2_session *s = call_session(&c);
    c.each = true;
    for (int i = 0; i < CALLS; i++) call_submit(s, &c, LOGS, "application/grpc", "");
    size_t sent = 0;
    for (int i = 0; i < 100 && sent < 4 * WINDOW - BODY; i++) sent = pump(s, fd, &c, CALLS);
    sent = pump(s, fd, &c, CALLS);
    CHECK(sent >= 4 * WINDOW - BODY && sent <= 4 * WINDOW); /* and no more until it answers */
    CHECK_INT(c.n_over, 0);
    rig_let_go(&g);
    for (int i = 0; i < 100 && c.n_over < CALLS; i++) sent = pump(s, fd, &c, CALLS);
    CHECK_INT(c.n_over, CALLS);
    CHECK_INT(sent, CALLS * (BODY + 5));
    CHECK_INT(g.calls, CALLS);
    nghttp2_session_del(s);
    call_done(&c);
    close(fd);
    rig_end(&g);
}

TEST(bodies_larger_than_the_windows_arrive_side_by_side)
{
    enum { CALLS = 10, BODY = 300000 };
    struct rig g = {.opt.http.window_bytes = 100000};
    rig_start(&g);
    int fd = dial(&g);
    struct call c;
    call_init(&c);
    static char body[BODY];
    frame(&c, false, (str){body, BODY});
    nghttp2_session *s = call_session(&c);
    c.each = true;
    c.piece = 5000; /* so that they take turns */
    for (int i = 0; i < CALLS; i++) call_submit(s, &c, LOGS, "application/grpc", "");
    for (int i = 0; i < 1000 && c.n_over < CALLS; i++) pump(s, fd, &c, CALLS);
    CHECK_INT(c.n_over, CALLS);
    CHECK_INT(g.calls, CALLS);
    nghttp2_session_del(s);
    call_done(&c);
    close(fd);
    rig_end(&g);
}

TEST(O2_a_bomb_is_refused_by_the_gate_before_it_is_inflated)
{
    struct rig g = {.gate.max_bytes = 1 << 20};
    rig_start(&g);
    size_t n = 8 << 20;
    char *zeros = calloc(1, n);
    struct buf z;
    struct err err;
    buf_init(&z, 1 << 24);
    CHECK_INT(compress_gzip((str){zeros, n}, 6, &z, &err), ST_OK);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" PB "\r\nContent-Encoding: gzip", buf_str(&z));
    CHECK(has(a, "429 Too Many Requests"));
    CHECK(has(a, "no room to decompress"));
    CHECK_INT(g.calls, 0);
    free(zeros);
    buf_done(&z);
    rig_end(&g);
}
