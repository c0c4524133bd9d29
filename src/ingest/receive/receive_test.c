/* The receiver with real sockets, and a sink whose answers come from another thread. The names of
 * rules (O4 ...) are those of the OTLP specification's list in our contract. */
#include "ingest/receive/receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hex.h"
#include "net/compress.h"
#include "obs/metrics.h"
#include "testing/test.h"

struct rig {
    struct loop *loop;
    struct receiver *r;
    struct receive_gate gate;
    struct receive_options opt;
    uint16_t port;
    struct ingest_answer answer; /* what the sink says */
    bool take_arena;
    /* what the sink saw last */
    int calls;
    struct ingest_request seen;
    char body[4096], wire[4096];

    struct ingest_request *next; /* handed to the answering thread */
    sem_t ready, free;
    pthread_t thread;
    bool stop;
};

static void *answer_thread(void *arg)
{
    struct rig *g = arg;
    for (;;) {
        sem_wait(&g->ready);
        if (g->stop) return NULL;
        struct ingest_request *q = g->next;
        sem_post(&g->free);
        if (g->take_arena) {
            arena_done(q->arena);
            free(q->arena);
            q->arena = NULL;
        }
        receive_answer(q, &g->answer);
    }
}

static void sink(void *ctx, struct ingest_request *q)
{
    struct rig *g = ctx;
    g->calls++;
    g->seen = *q;
    memcpy(g->body, q->body.ptr, q->body.len < sizeof g->body ? q->body.len : sizeof g->body);
    memcpy(g->wire, q->wire.ptr, q->wire.len < sizeof g->wire ? q->wire.len : sizeof g->wire);
    for (size_t i = 0; i < 64; i++) CHECK_INT(q->body.ptr[q->body.len + i], 0);
    sem_wait(&g->free);
    g->next = q;
    sem_post(&g->ready);
}

static str seen_body(const struct rig *g) { return (str){g->body, g->seen.body.len}; }

static void rig_start(struct rig *g)
{
    struct err err;
    if (!g->gate.max_bytes) g->gate.max_bytes = 1 << 30;
    g->opt.gate = &g->gate;
    g->opt.sink = sink;
    g->opt.ctx = g;
    sem_init(&g->ready, 0, 0);
    sem_init(&g->free, 0, 1);
    CHECK_INT(loop_new("receive", &g->loop, &err), ST_OK);
    CHECK_INT(receive_open(g->loop, "127.0.0.1", 0, &g->opt, &g->r, &err), ST_OK);
    g->port = receive_port(g->r);
    CHECK_INT(loop_start(g->loop, &err), ST_OK);
    CHECK_INT(pthread_create(&g->thread, NULL, answer_thread, g), 0);
}

static void rig_end(struct rig *g)
{
    g->stop = true;
    sem_post(&g->ready);
    pthread_join(g->thread, NULL);
    loop_stop(g->loop);
    loop_join(g->loop);
    CHECK_INT(receive_open_requests(g->r), 0);
    receive_close(g->r);
    loop_free(g->loop);
    CHECK_INT(atomic_load(&g->gate.bytes), 0);
}

static int dial(const struct rig *g)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(g->port)};
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
        if (n <= 0) return; /* answered and closed early */
        s = str_drop(s, (size_t)n);
    }
}

/* One HTTP/1.1 call on a connection of its own. The whole answer, NUL-terminated. */
static char *post(struct rig *g, const char *line_and_headers, str body)
{
    static char answer[65536];
    int fd = dial(g);
    struct buf b;
    buf_init(&b, 64 << 20);
    buf_printf(&b, "%s\r\nHost: h\r\nConnection: close\r\n", line_and_headers);
    if (!strstr(line_and_headers, "Content-Length") && !strstr(line_and_headers, "hunked"))
        buf_printf(&b, "Content-Length: %zu\r\n", body.len);
    buf_add(&b, S("\r\n"));
    buf_add(&b, body);
    say(fd, buf_str(&b));
    buf_done(&b);
    size_t n = 0;
    for (ssize_t k; (k = recv(fd, answer + n, sizeof answer - 1 - n, 0)) > 0;) n += (size_t)k;
    answer[n] = 0;
    close(fd);
    return answer;
}

static bool has(const char *answer, const char *part)
{
    if (strstr(answer, part)) return true;
    fprintf(stderr, "no \"%s\" in:\n%s\n", part, answer);
    return false;
}

/* Does the answer end with these bytes as its body? */
static bool body_is(const char *answer, const char *body, size_t n)
{
    const char *start = strstr(answer, "\r\n\r\n");
    return start && memcmp(start + 4, body, n + 1) == 0;
}

#define PB "\r\nContent-Type: application/x-protobuf"
#define JS "\r\nContent-Type: application/json"

TEST(O4_full_success_over_http_is_an_empty_message_in_the_requests_encoding)
{
    struct rig g = {};
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" PB, S("\x0a\x00"));
    CHECK(has(a, "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n"));
    CHECK(has(a, "content-length: 0\r\n"));
    CHECK(body_is(a, "", 0));
    CHECK_INT(g.seen.signal, SIGNAL_TRACES);
    CHECK_INT(g.seen.format, PAYLOAD_PROTOBUF);
    CHECK_INT(g.seen.body.len, 2);
    CHECK(g.seen.received_at > 0);
    a = post(&g, "POST /v1/logs HTTP/1.1" JS "; charset=utf-8", S("{\"resourceLogs\":[]}"));
    CHECK(has(a, "content-type: application/json\r\n"));
    CHECK(body_is(a, "{}", 2));
    CHECK_INT(g.seen.signal, SIGNAL_LOGS);
    CHECK_INT(g.seen.format, PAYLOAD_JSON);
    CHECK_STR(seen_body(&g), S("{\"resourceLogs\":[]}"));
    rig_end(&g);
}

TEST(O5_an_empty_body_reaches_the_sink)
{
    struct rig g = {};
    rig_start(&g);
    CHECK(has(post(&g, "POST /v1/metrics HTTP/1.1" PB, S("")), "200 OK"));
    CHECK_INT(g.calls, 1);
    CHECK_INT(g.seen.body.len, 0);
    CHECK(g.seen.body.ptr != NULL);
    rig_end(&g);
}

TEST(O1_gzip_and_zstd_bodies_are_opened_and_kept_as_they_came)
{
    struct rig g = {};
    rig_start(&g);
    struct buf z;
    struct err err;
    buf_init(&z, 1 << 20);
    str text = S("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
    CHECK_INT(compress_gzip(text, 6, &z, &err), ST_OK);
    CHECK(has(post(&g, "POST /v1/logs HTTP/1.1" JS "\r\nContent-Encoding: gzip", buf_str(&z)),
              "200"));
    CHECK_STR(seen_body(&g), text);
    CHECK_STR(((str){g.wire, g.seen.wire.len}), buf_str(&z));
    CHECK_INT(g.seen.compression, PAYLOAD_GZIP);
    buf_clear(&z);
    CHECK_INT(compress_zstd(text, 3, &z, &err), ST_OK);
    CHECK(has(post(&g, "POST /v1/logs HTTP/1.1" JS "\r\nContent-Encoding: zstd", buf_str(&z)),
              "200"));
    CHECK_STR(seen_body(&g), text);
    CHECK_INT(g.seen.compression, PAYLOAD_ZSTD);
    CHECK(has(post(&g, "POST /v1/logs HTTP/1.1" JS "\r\nContent-Encoding: gzip", S("not gzip")),
              "400 Bad Request"));
    CHECK(has(post(&g, "POST /v1/logs HTTP/1.1" JS "\r\nContent-Encoding: br", text),
              "415 Unsupported Media Type"));
    CHECK_INT(g.calls, 2);
    buf_done(&z);
    rig_end(&g);
}

TEST(O2_bodies_past_either_limit_are_413_without_a_retry)
{
    struct rig g = {.opt = {.max_body_bytes = 1000, .max_decompressed_bytes = 2000}};
    rig_start(&g);
    char big[1001] = {};
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, (str){big, 1001});
    CHECK(has(a, "413 Payload Too Large"));
    CHECK(has(a, "{\"code\":8,\"message\":\"body is larger than 1000 bytes\"}"));
    CHECK(!strstr(a, "retry-after"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, (str){big, 1000}), "200"));
    a = post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nTransfer-Encoding: chunked",
             S("3e8\r\n")); /* cut off: see below for whole ones */
    struct buf b, z;
    struct err err;
    buf_init(&b, 4096);
    buf_init(&z, 4096);
    buf_add(&b, S("3e8\r\n"));
    buf_add(&b, (str){big, 1000});
    buf_add(&b, S("\r\n1\r\nx\r\n0\r\n\r\n"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nTransfer-Encoding: chunked", buf_str(&b)),
              "413"));
    char zeros[2001] = {};
    CHECK_INT(compress_gzip((str){zeros, 2001}, 6, &z, &err), ST_OK);
    a = post(&g, "POST /v1/traces HTTP/1.1" PB "\r\nContent-Encoding: gzip", buf_str(&z));
    CHECK(has(a, "413"));
    CHECK(has(a, "\x08\x08\x12")); /* Status: code 8, message */
    buf_clear(&z);
    CHECK_INT(compress_gzip((str){zeros, 2000}, 6, &z, &err), ST_OK);
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" PB "\r\nContent-Encoding: gzip", buf_str(&z)),
              "200"));
    buf_done(&b);
    buf_done(&z);
    rig_end(&g);
}

TEST(O6_partial_success_says_how_many_and_why)
{
    struct rig g = {.answer = {.rejected = 300, .message = "too old"}};
    rig_start(&g);
    char *a = post(&g, "POST /v1/metrics HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "200 OK"));
    CHECK(body_is(
        a, "{\"partialSuccess\":{\"rejectedDataPoints\":\"300\",\"errorMessage\":\"too old\"}}",
        71));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "\"rejectedSpans\":\"300\""));
    CHECK(has(post(&g, "POST /v1/logs HTTP/1.1" JS, S("{}")), "\"rejectedLogRecords\":\"300\""));
    a = post(&g, "POST /v1/metrics HTTP/1.1" PB, S(""));
    CHECK(body_is(a, "\x0a\x0c\x08\xac\x02\x12\x07too old", 14));
    g.answer.rejected = 0; /* a warning only */
    a = post(&g, "POST /v1/metrics HTTP/1.1" JS, S("{}"));
    CHECK(body_is(a, "{\"partialSuccess\":{\"errorMessage\":\"too old\"}}", 45));
    rig_end(&g);
}

#define BAD_REQUEST "type.googleapis.com/google.rpc.BadRequest"

TEST(O7_O8_errors_are_a_status_message_in_the_requests_encoding)
{
    struct rig g = {};
    err_set(&g.answer.err, ST_INVALID, 7, "bad \"span\"");
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "400 Bad Request\r\ncontent-type: application/json"));
    str json =
        S("{\"code\":3,\"message\":\"bad \\\"span\\\"\",\"details\":[{\"@type\":\"" BAD_REQUEST
          "\",\"fieldViolations\":[{\"description\":\"bad \\\"span\\\"\"}]}]}");
    CHECK(body_is(a, json.ptr, json.len));
    a = post(&g, "POST /v1/traces HTTP/1.1" PB, S("x"));
    CHECK(has(a, "400 Bad Request\r\ncontent-type: application/x-protobuf"));
    str pb = S("\x08\x03\x12\x0a"
               "bad \"span\""
               "\x1a\x3b\x0a\x29" BAD_REQUEST "\x12\x0e\x0a\x0c\x12\x0a"
               "bad \"span\"");
    CHECK(body_is(a, pb.ptr, pb.len));
    rig_end(&g);
}

TEST(O3_the_longest_answer_is_far_below_the_limit)
{
    struct rig g = {.answer.rejected = UINT32_MAX};
    memset(g.answer.message, '\1', sizeof g.answer.message - 1); /* six bytes each in JSON */
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "200 OK"));
    CHECK(strlen(a) < 4096);
    memset(g.answer.err.msg, 1, sizeof g.answer.err.msg - 1);
    g.answer.err.code = ST_INVALID;
    a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "400 Bad Request"));
    CHECK(strlen(a) < 4096);
    rig_end(&g);
}

TEST(O18_nothing_is_acknowledged_before_the_sinks_answer)
{
    struct rig g = {};
    rig_start(&g);
    sem_wait(&g.free); /* the sink waits until we say so */
    int fd = dial(&g);
    say(fd, S("POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
              "Content-Length: 2\r\n\r\n{}"));
    struct timeval soon = {0, 50000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    char in[1000];
    CHECK_INT(recv(fd, in, sizeof in, 0), -1);
    sem_post(&g.free);
    soon.tv_sec = 10;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    CHECK(recv(fd, in, sizeof in, 0) > 12 && memcmp(in, "HTTP/1.1 200", 12) == 0);
    close(fd);
    rig_end(&g);
}

TEST(O9_O10_overload_is_429_or_503_with_retry_after)
{
    struct rig g = {.answer.retry_after_ms = 1500};
    err_set(&g.answer.err, ST_UNAVAILABLE, ERR_NOPOS, "journal full");
    rig_start(&g);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "503 Service Unavailable"));
    CHECK(has(a, "retry-after: 2\r\n"));
    CHECK(has(a, "\"retryDelay\":\"1.500s\""));
    g.answer.err.code = ST_OVERLOADED;
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "429 Too Many Requests"));
    g.answer.err.code = ST_INVALID; /* not retryable: no advice to */
    CHECK(!strstr(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "retry"));
    rig_end(&g);
}

TEST(O10_past_the_gate_a_request_is_refused_before_its_body)
{
    struct rig g = {.gate.max_bytes = 100};
    rig_start(&g);
    uint64_t before = metric_get(M_REQUESTS_REFUSED, ST_OVERLOADED);
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nContent-Length: 101", S(""));
    CHECK(has(a, "429 Too Many Requests"));
    CHECK(has(a, "retry-after: 1\r\n"));
    CHECK_INT(metric_get(M_REQUESTS_REFUSED, ST_OVERLOADED), before + 1);
    CHECK_INT(g.calls, 0);
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "200"));
    atomic_store(&g.gate.closed, true);
    a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "503 Service Unavailable"));
    CHECK(has(a, "retry-after: 1\r\n"));
    rig_end(&g);
}

TEST(O12_other_types_are_415_other_methods_405_other_paths_404)
{
    struct rig g = {};
    rig_start(&g);
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1\r\nContent-Type: text/plain", S("x")), "415"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1", S("x")), "415"));
    char *a = post(&g, "GET /v1/traces HTTP/1.1" JS, S(""));
    CHECK(has(a, "405 Method Not Allowed"));
    CHECK(has(a, "allow: POST, OPTIONS"));
    CHECK(has(post(&g, "PUT /v1/traces HTTP/1.1" JS, S("")), "405"));
    CHECK(has(post(&g, "POST /v2/traces HTTP/1.1" JS, S("")), "404 Not Found"));
    a = post(&g, "POST /v2/traces HTTP/1.1" PB, S(""));
    CHECK(has(a, "404 Not Found\r\ncontent-type: application/x-protobuf"));
    CHECK(
        has(post(&g, "POST /v1/traces HTTP/1.1\r\nContent-Type: application/grpc", S("")), "415"));
    CHECK_INT(g.calls, 0);
    CHECK(has(
        post(&g, "POST /v1/traces HTTP/1.1\r\nContent-Type: Application/JSON;charset=x", S("{}")),
        "200"));
    CHECK(has(post(&g, "POST /otlp/v1/logs HTTP/1.1" JS, S("{}")), "200"));
    CHECK_INT(g.seen.signal, SIGNAL_LOGS);
    CHECK(has(post(&g, "POST /api/v1/otlp/v1/metrics?x=y HTTP/1.1" JS, S("{}")), "200"));
    CHECK_INT(g.seen.signal, SIGNAL_METRICS);
    rig_end(&g);
}

TEST(browsers_may_ask_first_and_read_the_answer)
{
    struct rig g = {};
    rig_start(&g);
    char *a = post(
        &g,
        "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: https://a\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,x-a",
        S(""));
    CHECK(has(a, "204 No Content"));
    CHECK(has(a, "access-control-allow-origin: *"));
    CHECK(has(a, "access-control-allow-methods: POST, OPTIONS"));
    CHECK(has(a, "access-control-allow-headers: content-type,x-a"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1\r\nOrigin: https://a" JS, S("{}")),
              "access-control-allow-origin: *"));
    CHECK(!strstr(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "access-control"));
    rig_end(&g);
}

TEST(O15_keep_alive_and_chunked_bodies)
{
    struct rig g = {};
    rig_start(&g);
    int fd = dial(&g);
    for (int i = 0; i < 3; i++) {
        say(fd, S("POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"));
        char in[1000];
        size_t n = 0;
        while (n < 2 || memcmp(in + n - 2, "{}", 2) != 0) {
            ssize_t k = recv(fd, in + n, sizeof in - n, 0);
            CHECK(k > 0);
            n += (size_t)k;
        }
        CHECK_STR(seen_body(&g), S("{}"));
    }
    CHECK_INT(g.calls, 3);
    close(fd);
    rig_end(&g);
}

TEST(O16_a_client_that_left_is_answered_into_the_void)
{
    struct rig g = {.take_arena = true};
    rig_start(&g);
    sem_wait(&g.free); /* the sink waits until we say so */
    int fd = dial(&g);
    say(fd, S("POST /v1/logs HTTP/1.1\r\nHost: h\r\nContent-Type: "
              "application/json\r\nContent-Length: 2\r\n\r\n{}"));
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd); /* a reset */
    sem_post(&g.free);
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "200"));
    rig_end(&g);
}

/* ---- gRPC ---- */

struct call {
    struct buf headers, body, send;
    size_t sent, piece; /* DATA frames of at most `piece` bytes */
    uint32_t reset;
    bool over;
};

static int g_header(nghttp2_session *, const nghttp2_frame *, const uint8_t *n, size_t nl,
                    const uint8_t *v, size_t vl, uint8_t, void *ud)
{
    struct call *c = ud;
    buf_printf(&c->headers, "%.*s=%.*s;", (int)nl, (const char *)n, (int)vl, (const char *)v);
    return 0;
}

static int g_data(nghttp2_session *, uint8_t, int32_t, const uint8_t *p, size_t n, void *ud)
{
    buf_add(&((struct call *)ud)->body, (str){(const char *)p, n});
    return 0;
}

static int g_close(nghttp2_session *, int32_t, uint32_t code, void *ud)
{
    struct call *c = ud;
    c->over = true;
    c->reset = code;
    return 0;
}

static ssize_t g_read(nghttp2_session *, int32_t, uint8_t *to, size_t room, uint32_t *flags,
                      nghttp2_data_source *, void *ud)
{
    struct call *c = ud;
    str left = str_drop(buf_str(&c->send), c->sent);
    if (left.len > room) left.len = room;
    if (c->piece && left.len > c->piece) left.len = c->piece;
    if (left.len) memcpy(to, left.ptr, left.len);
    c->sent += left.len;
    if (c->sent == c->send.len) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)left.len;
}

static nghttp2_nv nv(const char *n, const char *v)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)n, (uint8_t *)(uintptr_t)v, strlen(n), strlen(v), 0};
}

static void call_init(struct call *c)
{
    *c = (struct call){};
    buf_init(&c->headers, 1 << 20);
    buf_init(&c->body, 1 << 20);
    buf_init(&c->send, 64 << 20);
}

static void call_done(struct call *c)
{
    buf_done(&c->headers);
    buf_done(&c->body);
    buf_done(&c->send);
}

static void frame(struct call *c, bool compressed, str message)
{
    size_t n = message.len;
    char prefix[5] = {compressed, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    buf_add(&c->send, (str){prefix, 5});
    buf_add(&c->send, message);
}

/* Sends c->send to `path`; the answer is in c->headers ("name=value;...") and c->body. */
static void call(struct rig *g, struct call *c, const char *path, const char *type,
                 const char *encoding)
{
    int fd = dial(g);
    nghttp2_session *s;
    nghttp2_session_callbacks *cb;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, g_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, g_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, g_close);
    nghttp2_session_client_new(&s, cb, c);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(s, 0, NULL, 0);
    nghttp2_nv h[] = {nv(":method", "POST"),     nv(":scheme", "http"),
                      nv(":authority", "h"),     nv(":path", path),
                      nv("content-type", type),  nv("te", "trailers"),
                      nv("grpc-timeout", "10S"), nv("grpc-encoding", encoding)};
    nghttp2_data_provider body = {.read_callback = g_read};
    CHECK(nghttp2_submit_request(s, NULL, h, *encoding ? 8 : 7, &body, NULL) > 0);
    char in[65536];
    while (!c->over) {
        const uint8_t *p;
        ssize_t n;
        while ((n = nghttp2_session_mem_send(s, &p)) > 0)
            say(fd, (str){(const char *)p, (size_t)n});
        if (c->over) break;
        n = recv(fd, in, sizeof in, 0);
        if (n <= 0) break;
        CHECK(nghttp2_session_mem_recv(s, (uint8_t *)in, (size_t)n) == n);
    }
    CHECK(c->over);
    nghttp2_session_del(s);
    close(fd);
    buf_char(&c->headers, 0);
}

#define TRACES "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define LOGS "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
#define METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

TEST(O4_grpc_success_is_an_empty_message_and_status_0_in_trailers)
{
    struct rig g = {};
    rig_start(&g);
    struct call c;
    call_init(&c);
    frame(&c, false, S("hello"));
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK_STR(seen_body(&g), S("hello"));
    CHECK_STR(buf_str(&c.body), ((str){"\0\0\0\0\0", 5}));
    CHECK(has(c.headers.ptr, ":status=200;content-type=application/grpc;"));
    CHECK(has(c.headers.ptr, "grpc-status=0;"));
    CHECK_INT(c.reset, 0);
    call_done(&c);
    call_init(&c);
    frame(&c, false, S(""));
    call(&g, &c, METRICS, "application/grpc+proto", "identity");
    CHECK_INT(g.seen.signal, SIGNAL_METRICS);
    CHECK_INT(g.seen.body.len, 0);
    CHECK(has(c.headers.ptr, "grpc-status=0;"));
    call_done(&c);
    rig_end(&g);
}

TEST(grpc_messages_may_be_cut_anywhere)
{
    struct rig g = {};
    rig_start(&g);
    for (size_t piece = 1; piece < 9; piece++) {
        struct call c;
        call_init(&c);
        c.piece = piece;
        frame(&c, false, S("0123456789"));
        call(&g, &c, LOGS, "application/grpc", "");
        CHECK_STR(seen_body(&g), S("0123456789"));
        CHECK(has(c.headers.ptr, "grpc-status=0;"));
        call_done(&c);
    }
    rig_end(&g);
}

TEST(O1_grpc_messages_are_gzip_or_zstd_when_flagged)
{
    struct rig g = {};
    rig_start(&g);
    struct buf z;
    struct err err;
    buf_init(&z, 1 << 20);
    CHECK_INT(compress_gzip(S("gzipped"), 6, &z, &err), ST_OK);
    struct call c;
    call_init(&c);
    frame(&c, true, buf_str(&z));
    call(&g, &c, TRACES, "application/grpc", "gzip");
    CHECK_STR(seen_body(&g), S("gzipped"));
    CHECK_INT(g.seen.compression, PAYLOAD_GZIP);
    call_done(&c);
    buf_clear(&z);
    CHECK_INT(compress_zstd(S("zstded"), 6, &z, &err), ST_OK);
    call_init(&c);
    frame(&c, true, buf_str(&z));
    call(&g, &c, TRACES, "application/grpc", "zstd");
    CHECK_STR(seen_body(&g), S("zstded"));
    call_done(&c);
    call_init(&c); /* named, but this message is not */
    frame(&c, false, S("plain"));
    call(&g, &c, TRACES, "application/grpc", "gzip");
    CHECK_STR(seen_body(&g), S("plain"));
    CHECK_INT(g.seen.compression, PAYLOAD_IDENTITY);
    call_done(&c);
    buf_done(&z);
    rig_end(&g);
}

static void grpc_fails(struct rig *g, const char *path, const char *type, const char *encoding,
                       str raw, const char *want)
{
    struct call c;
    call_init(&c);
    buf_add(&c.send, raw);
    call(g, &c, path, type, encoding);
    CHECK(has(c.headers.ptr, want));
    CHECK_INT(c.body.len, 0);
    CHECK(!strstr(c.headers.ptr, "details"));
    call_done(&c);
}

TEST(grpc_errors_are_trailers_only)
{
    struct rig g = {.opt.max_body_bytes = 100};
    rig_start(&g);
    str ok = {"\0\0\0\0\1x", 6};
    grpc_fails(&g, "/a.B/C", "application/grpc", "", ok,
               "grpc-status=12;grpc-message=unknown service or method: /a.B/C");
    grpc_fails(&g, TRACES, "application/grpc+json", "", ok, "grpc-status=12;");
    grpc_fails(&g, TRACES, "application/grpc", "br", ok,
               "grpc-accept-encoding=identity,gzip,zstd;grpc-status=12;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\1\0\0\0\1x", 6}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\2\0\0\0\1x", 6}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\0\0\0\0\1xy", 7}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\0\0\0\0\2x", 6},
               "cut off after 1 of 2 bytes");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\0\0", 2}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){0}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "gzip", (str){"\1\0\0\0\1x", 6}, "grpc-status=3;");
    grpc_fails(&g, TRACES, "application/grpc", "", (str){"\0\0\0\0\145", 5},
               "grpc-status=8;"); /* O2 */
    CHECK_INT(g.calls, 0);
    rig_end(&g);
}

TEST(O10_O11_grpc_overload_is_unavailable_with_retry_info)
{
    struct rig g = {.answer.retry_after_ms = 2000};
    err_set(&g.answer.err, ST_OVERLOADED, ERR_NOPOS, "full: 100%% of \xc3\xa4");
    rig_start(&g);
    struct call c;
    call_init(&c);
    frame(&c, false, S("x"));
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=14;grpc-message=full: 100%25 of %C3%A4;"));
    const char *at = strstr(c.headers.ptr, "grpc-status-details-bin=");
    CHECK(at);
    at += strlen("grpc-status-details-bin=");
    str b64 = {at, (size_t)(strchr(at, ';') - at)};
    CHECK(!memchr(b64.ptr, '=', b64.len));
    char raw[400];
    size_t n;
    CHECK(base64_decode(b64, raw, &n));
    CHECK(memmem(raw, n, "\x08\x0e", 2) == raw); /* code 14 */
    CHECK(memmem(raw, n, "type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x02", 46));
    call_done(&c);
    rig_end(&g);
}

TEST(O11_grpc_codes_say_whether_a_retry_makes_sense)
{
    static const struct {
        status st;
        const char *want;
    } cases[] = {{ST_INVALID, "grpc-status=3;"},      {ST_LIMIT, "grpc-status=8;"},
                 {ST_UNAVAILABLE, "grpc-status=14;"}, {ST_OVERLOADED, "grpc-status=14;"},
                 {ST_INTERNAL, "grpc-status=13;"},    {ST_TIMEOUT, "grpc-status=4;"}};
    struct rig g = {};
    rig_start(&g);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err_set(&g.answer.err, cases[i].st, ERR_NOPOS, "x");
        struct call c;
        call_init(&c);
        frame(&c, false, S("x"));
        call(&g, &c, TRACES, "application/grpc", "");
        CHECK(has(c.headers.ptr, cases[i].want));
        CHECK(!strstr(c.headers.ptr, "details")); /* no RetryInfo unless a delay was stated */
        call_done(&c);
    }
    rig_end(&g);
}

TEST(O6_grpc_partial_success_is_in_the_message)
{
    struct rig g = {.answer = {.rejected = 5, .message = "why"}};
    rig_start(&g);
    struct call c;
    call_init(&c);
    frame(&c, false, S("x"));
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK_STR(buf_str(&c.body), ((str){"\0\0\0\0\x09\x0a\x07\x08\x05\x12\x03why", 14}));
    CHECK(has(c.headers.ptr, "grpc-status=0;"));
    call_done(&c);
    rig_end(&g);
}

TEST(O13_every_protocol_is_served_on_the_same_port_and_h2c_posts_too)
{
    struct rig g = {};
    rig_start(&g);
    struct call c;
    call_init(&c);
    buf_add(&c.send, S("{}"));
    call(&g, &c, "/v1/traces", "application/json", "");
    CHECK_STR(buf_str(&c.body), S("{}"));
    CHECK(has(c.headers.ptr, ":status=200;content-type=application/json;"));
    CHECK_INT(g.seen.format, PAYLOAD_JSON);
    call_done(&c);
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "200"));
    rig_end(&g);
}

TEST(a_body_that_is_stated_and_does_not_come_keeps_nobody_out)
{
    struct rig g = {.gate.max_bytes = 100};
    rig_start(&g);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(&g);
        say(fds[i], S("POST /v1/traces HTTP/1.1\r\nHost: h" JS "\r\nContent-Length: 90\r\n\r\n{"));
    }
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "200"));
    for (int i = 0; i < 4; i++) close(fds[i]);
    rig_end(&g);
}

TEST(O10_grpc_past_the_gate_is_refused_at_the_prefix)
{
    struct rig g = {.gate.max_bytes = 100};
    rig_start(&g);
    struct call c;
    call_init(&c);
    static char big[3000000];
    frame(&c, false, (str){big, sizeof big});
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=14;"));
    CHECK(has(c.headers.ptr, "grpc-status-details-bin="));
    CHECK_INT(g.calls, 0);
    call_done(&c);
    rig_end(&g);
}

TEST(large_messages_pass_the_windows)
{
    struct rig g = {};
    rig_start(&g);
    size_t n = 40u << 20;
    char *big = calloc(1, n);
    struct call c;
    call_init(&c);
    frame(&c, false, (str){big, n});
    call(&g, &c, TRACES, "application/grpc", "");
    CHECK(has(c.headers.ptr, "grpc-status=0;"));
    CHECK_INT(g.seen.body.len, n);
    call_done(&c);
    free(big);
    rig_end(&g);
}

TEST(requests_are_counted_by_protocol)
{
    struct rig g = {};
    rig_start(&g);
    uint64_t grpc = metric_get(M_REQUESTS, 0), pb = metric_get(M_REQUESTS, 1),
             js = metric_get(M_REQUESTS, 2);
    struct call c;
    call_init(&c);
    frame(&c, false, S("x"));
    call(&g, &c, TRACES, "application/grpc", "");
    call_done(&c);
    post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    post(&g, "POST /v1/traces HTTP/1.1" PB, S(""));
    CHECK_INT(metric_get(M_REQUESTS, 0), grpc + 1);
    CHECK_INT(metric_get(M_REQUESTS, 1), pb + 1);
    CHECK_INT(metric_get(M_REQUESTS, 2), js + 1);
    CHECK_INT(metric_get(M_INFLIGHT_BYTES, 0), 0);
    rig_end(&g);
}
