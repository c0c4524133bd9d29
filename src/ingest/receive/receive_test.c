/* The receiver against the rules of OTLP: their names (O4 ...) are those of the list in our
 * contract. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ingest/receive/rig_test.h"
#include "net/compress.h"
#include "obs/metrics.h"
#include "testing/test.h"

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
    CHECK(strlen(a) < 8192);
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
    CHECK(has(a, "allow: POST\r\n"));
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

TEST(O12_head_and_get_of_a_path_are_405_and_say_what_is_allowed)
{
    struct rig g = {};
    rig_start(&g);
    char *a = post(&g, "GET /v1/traces HTTP/1.1", S(""));
    CHECK(has(a, "405 Method Not Allowed"));
    CHECK(has(a, "allow: POST\r\n"));
    a = post(&g, "HEAD /v1/logs HTTP/1.1", S(""));
    CHECK(has(a, "405 Method Not Allowed"));
    CHECK(has(a, "allow: POST\r\n"));
    CHECK(body_is(a, "", 0));
    CHECK(has(post(&g, "GET / HTTP/1.1", S("")), "404 Not Found"));
    rig_end(&g);
}

TEST(O2_a_stated_body_past_the_limit_is_413_and_asked_for_by_nobody)
{
    struct rig g = {.opt.max_body_bytes = 1000};
    rig_start(&g);
    int fd = dial(&g);
    say(fd, S("POST /v1/traces HTTP/1.1\r\nHost: h" JS "\r\nExpect: 100-continue\r\n"
              "Content-Length: 1001\r\n\r\n"));
    char in[1000];
    size_t n = 0;
    for (ssize_t k; (k = recv(fd, in + n, sizeof in - 1 - n, 0)) > 0;) n += (size_t)k;
    in[n] = 0;
    CHECK(memcmp(in, "HTTP/1.1 413", 12) == 0); /* and no 100 before it */
    close(fd);
    fd = dial(&g);
    say(fd, S("POST /v1/traces HTTP/1.1\r\nHost: h" JS "\r\nExpect: 100-continue\r\n"
              "Content-Length: 2\r\n\r\n"));
    CHECK(recv(fd, in, sizeof in, 0) == 25);
    CHECK(memcmp(in, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0);
    say(fd, S("{}"));
    CHECK(recv(fd, in, sizeof in, 0) > 15);
    CHECK(memcmp(in, "HTTP/1.1 200 OK", 15) == 0);
    close(fd);
    rig_end(&g);
}

static size_t gunzipped(const char *answer, char *out, size_t room)
{
    const char *length = strstr(answer, "content-length: "), *start = strstr(answer, "\r\n\r\n");
    struct arena a;
    struct err err;
    str text;
    CHECK(length && start);
    arena_init(&a, 1 << 20);
    str z = {start + 4, (size_t)atoi(length + 16)};
    CHECK_INT(decompress(&a, PAYLOAD_GZIP, z, room, &text, &err), ST_OK);
    memcpy(out, text.ptr, text.len);
    arena_done(&a);
    return text.len;
}

TEST(O14_an_answer_is_gzip_when_the_client_reads_it_and_it_gets_shorter)
{
    struct rig g = {.answer = {.rejected = 1}};
    memset(g.answer.message, 'm', sizeof g.answer.message - 1);
    rig_start(&g);
    char *a =
        post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nAccept-Encoding: br, GZIP;q=0.5", S("{}"));
    CHECK(has(a, "200 OK"));
    CHECK(has(a, "content-encoding: gzip\r\n"));
    char text[1000];
    size_t n = gunzipped(a, text, sizeof text);
    CHECK(memmem(text, n, "\"rejectedSpans\":\"1\"", 19));
    static const char *const others[] = {"", "\r\nAccept-Encoding: identity",
                                         "\r\nAccept-Encoding: gzip;q=0, *",
                                         "\r\nAccept-Encoding: gzip; q=0.00"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char head[200];
        snprintf(head, sizeof head, "POST /v1/traces HTTP/1.1" JS "%s", others[i]);
        a = post(&g, head, S("{}"));
        CHECK(has(a, "\"rejectedSpans\":\"1\""));
        CHECK(!strstr(a, "content-encoding"));
    }
    g.answer = (struct ingest_answer){}; /* two bytes do not get shorter */
    a = post(&g, "POST /v1/traces HTTP/1.1" JS "\r\nAccept-Encoding: gzip", S("{}"));
    CHECK(body_is(a, "{}", 2));
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

TEST(a_body_that_does_not_come_gives_its_room_back)
{
    struct rig g = {.gate.max_bytes = 100, .opt.http = {.body_timeout_ms = 50}};
    rig_start(&g);
    int fd = dial(&g);
    say(fd, S("POST /v1/traces HTTP/1.1\r\nHost: h" JS "\r\nContent-Length: 90\r\n\r\n{"));
    char in[1000] = {};
    CHECK(recv(fd, in, sizeof in - 1, 0) > 0); /* it has been reserved, or this would hang */
    CHECK(has(in, "408 Request Timeout"));
    CHECK(has(post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}")), "200"));
    close(fd);
    rig_end(&g);
}

TEST(a_large_body_that_is_stated_and_does_not_come_keeps_nobody_out)
{
    struct rig g = {.gate.max_bytes = 1 << 20};
    rig_start(&g);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(&g);
        say(fds[i],
            S("POST /v1/traces HTTP/1.1\r\nHost: h" JS "\r\nContent-Length: 900000\r\n\r\n{"));
    }
    char *a = post(&g, "POST /v1/traces HTTP/1.1" JS, S("{}"));
    CHECK(has(a, "200"));
    for (int i = 0; i < 4; i++) close(fds[i]);
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
