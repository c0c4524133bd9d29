/* The HTTP/1.1 core alone: bytes in, calls of the service noted, bytes out. */
#include "net/http_core.h"
#include "testing/test.h"

struct rig {
    struct http_service service;
    struct http_limits limits;
    struct http_core *core;
    struct buf log; /* what the service was told */
    struct buf out;
    struct http_exchange *x; /* the open one */
    bool at_once, hold;      /* answer in on_request; do not answer in on_end */
};

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *r)
{
    struct rig *g = ctx;
    g->x = x;
    buf_printf(&g->log, "[" STR_FMT " " STR_FMT "?" STR_FMT " %d]", STR_ARG(r->method),
               STR_ARG(r->path), STR_ARG(r->query), (int)r->content_length);
    if (g->at_once)
        http_respond(x, &(struct http_answer){.status = 413, .body = S("no")});
    else
        http_continue(x);
}

static void on_data(void *ctx, struct http_exchange *x, str b)
{
    buf_add(&((struct rig *)ctx)->log, b);
    http_consume(x, b.len);
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct rig *g = ctx;
    buf_add(&g->log, S("|"));
    if (!g->hold) http_respond(x, &(struct http_answer){.status = 200, .body = S("hello")});
}

static void on_close(void *ctx, struct http_exchange *)
{
    struct rig *g = ctx;
    buf_add(&g->log, S("#"));
    g->x = NULL;
}

static void rig_init(struct rig *g)
{
    *g = (struct rig){};
    g->service = (struct http_service){g, on_request, on_data, on_end, on_close, NULL};
    g->limits = http_limits_fill(NULL);
    g->core = http1_new();
    g->core->service = &g->service;
    g->core->limits = &g->limits;
    g->core->now_ms = 1000;
    buf_init(&g->log, 1 << 20);
    buf_init(&g->out, 1 << 20);
}

static void rig_done(struct rig *g)
{
    g->core->ops->free(g->core);
    buf_done(&g->log);
    buf_done(&g->out);
}

static void pull(struct rig *g)
{
    for (int i = 0; i < 20; i++) {
        g->core->ops->step(g->core);
        g->core->ops->output(g->core, &g->out, 1 << 20);
    }
}

static void push(struct rig *g, str in)
{
    g->core->ops->input(g->core, in);
    pull(g);
}

#define OK_HELLO "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

TEST(http1_reads_a_body_and_answers_with_a_length)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
    CHECK_STR(buf_str(&g.log), S("[POST /v1/x?a=b 3]abc|#"));
    CHECK_STR(buf_str(&g.out), S(OK_HELLO));
    CHECK(!g.core->wants_close);
    rig_done(&g);
}

TEST(http1_one_byte_at_a_time_is_the_same)
{
    struct rig g;
    rig_init(&g);
    str in =
        S("POST /p HTTP/1.1\r\nhost: h\r\nx: \r\ntransfer-encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n2;e=f\r\nde\r\n0\r\ntrailer: 1\r\n\r\nGET /q HTTP/1.1\r\nHost: h\r\n\r\n");
    for (size_t i = 0; i < in.len; i++) push(&g, (str){in.ptr + i, 1});
    CHECK_STR(buf_str(&g.log), S("[POST /p? -1]abcde|#[GET /q? -1]|#"));
    CHECK_STR(buf_str(&g.out), S(OK_HELLO OK_HELLO));
    rig_done(&g);
}

TEST(http1_pipelined_requests_are_answered_in_order_one_by_one)
{
    struct rig g;
    rig_init(&g);
    g.hold = true;
    push(&g, S("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 "));
    CHECK_STR(buf_str(&g.log), S("[GET /1? -1]|"));
    http_respond(g.x, &(struct http_answer){.status = 200, .body = S("1")});
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[GET /1? -1]|#[GET /2? -1]|"));
    http_respond(g.x, &(struct http_answer){.status = 200, .body = S("2")});
    pull(&g);
    push(&g, S("HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK_STR(buf_str(&g.log), S("[GET /1? -1]|#[GET /2? -1]|#[GET /3? -1]|"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"
                                 "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2"));
    rig_done(&g);
    CHECK(!g.x); /* on_close is called for what was open */
}

TEST(http1_continue_is_sent_only_when_asked_for)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 100 Continue\r\n\r\n"));
    push(&g, S("ab"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 100 Continue\r\n\r\n" OK_HELLO));
    rig_done(&g);
}

TEST(http1_head_has_the_length_and_no_body)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"));
    rig_done(&g);
}

#define EMPTY(line) "HTTP/1.1 " line "\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

static void refused(str in, str want)
{
    struct rig g;
    rig_init(&g);
    push(&g, in);
    CHECK_STR(buf_str(&g.out), want);
    CHECK(g.core->wants_close);
    CHECK(!g.x);
    rig_done(&g);
}

TEST(http1_what_cannot_be_read_is_refused_and_closed)
{
    refused(S("nonsense\r\n\r\n"), S(EMPTY("400 Bad Request")));
    refused(S("GET / HTTP/1.1\r\n\r\n"), S(EMPTY("400 Bad Request")));
    refused(S("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), S(EMPTY("505 HTTP Version Not Supported")));
    refused(S("CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n"), S(EMPTY("501 Not Implemented")));
    refused(S("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n"),
            S(EMPTY("417 Expectation Failed")));
    refused(
        S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        S(EMPTY("400 Bad Request")));
    refused(S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"),
            S(EMPTY("400 Bad Request")));
    refused(S("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            S(EMPTY("400 Bad Request")));
}

TEST(http1_header_bomb_is_431_and_bounded)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\n"));
    for (int i = 0; i < 100000 && !g.core->wants_close; i++)
        push(&g, S("a: bbbbbbbbbbbbbbbbbb\r\n"));
    CHECK_STR(buf_str(&g.out), S(EMPTY("431 Request Header Fields Too Large")));
    rig_done(&g);

    rig_init(&g); /* and in trailers, where an answer is still possible */
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
    for (int i = 0; i < 100000 && !g.core->wants_close; i++)
        push(&g, S("a: bbbbbbbbbbbbbbbbbb\r\n"));
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http1_early_answer_drains_a_near_body_and_closes_on_a_far_one)
{
    struct rig g;
    rig_init(&g);
    g.at_once = true;
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno"));
    CHECK(!g.core->wants_close);
    g.at_once = false;
    push(&g, S("cdGET /next HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK_STR(buf_str(&g.log), S("[POST /? 4]#[GET /next? -1]|#"));
    rig_done(&g);

    rig_init(&g);
    g.at_once = true;
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nab"));
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n"
                                 "connection: close\r\n\r\nno"));
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http1_streams_in_chunks_and_an_abort_leaves_the_end_out)
{
    struct rig g;
    rig_init(&g);
    g.hold = true;
    g.limits.window_bytes = 10;
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    http_respond_begin(g.x, &(struct http_answer){.status = 200, .body = S("ab")});
    pull(&g);
    CHECK(http_respond_write(g.x, S("cde")));
    CHECK(!http_respond_write(g.x, S("fghijklmnop")));
    http_respond_end(g.x);
    pull(&g);
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                                 "2\r\nab\r\n3\r\ncde\r\nb\r\nfghijklmnop\r\n0\r\n\r\n"));
    buf_clear(&g.out);
    http_respond_begin(g.x, &(struct http_answer){.status = 200, .body = S("ab")});
    http_respond_abort(g.x);
    pull(&g);
    CHECK_STR(buf_str(&g.out),
              S("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"));
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http1_keep_alive_follows_the_version_and_the_header)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("GET / HTTP/1.0\r\n\r\n"));
    CHECK(g.core->wants_close);
    CHECK_STR(buf_str(&g.out),
              S("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"));
    rig_done(&g);
    rig_init(&g);
    push(&g, S("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(!g.core->wants_close);
    rig_done(&g);
    rig_init(&g);
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"));
    CHECK(g.core->wants_close);
    CHECK_STR(buf_str(&g.log), S("[GET /? -1]|#"));
    rig_done(&g);
}

TEST(http1_an_upgrade_that_is_not_served_is_an_ordinary_request)
{
    struct rig g;
    rig_init(&g);
    push(&g,
         S("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
           "HTTP2-Settings: AAMAAABk\r\nContent-Length: 2\r\n\r\nhi"));
    CHECK_STR(buf_str(&g.log), S("[POST /? 2]hi|#"));
    rig_done(&g);
}

TEST(http1_timeouts_end_slow_headers_slow_bodies_and_idle_connections)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("GET / HT"));
    g.core->now_ms += g.limits.header_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK_STR(buf_str(&g.out), S(EMPTY("408 Request Timeout")));
    rig_done(&g);

    rig_init(&g);
    g.limits.body_grace_ms = 1000000; /* the rate is not meant here */
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"));
    g.core->now_ms += g.limits.body_timeout_ms;
    push(&g, S("d")); /* progress */
    g.core->now_ms += g.limits.body_timeout_ms;
    g.core->ops->sweep(g.core);
    CHECK(!g.core->wants_close);
    g.core->now_ms += 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[POST /? 9]abcd#"));
    CHECK_STR(buf_str(&g.out), S(EMPTY("408 Request Timeout")));
    rig_done(&g);

    rig_init(&g);
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    g.core->now_ms += g.limits.idle_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http1_a_body_that_trickles_is_ended_after_the_grace)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n"));
    uint64_t began = g.core->now_ms;
    while (!g.core->wants_close && g.core->now_ms < 100000) {
        g.core->now_ms += 100;
        push(&g, S("0123456789")); /* 100 bytes a second */
        g.core->ops->sweep(g.core);
    }
    uint64_t lived = g.core->now_ms - began;
    CHECK(lived > g.limits.body_grace_ms && lived < 2 * g.limits.body_grace_ms);
    rig_done(&g);

    rig_init(&g); /* what comes fast enough is let be */
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n"));
    for (int i = 0; i < 300; i++) {
        g.core->now_ms += 1000;
        for (int k = 0; k < 24; k++) push(&g, S("0123456789"));
        g.core->ops->sweep(g.core);
        CHECK(!g.core->wants_close);
    }
    rig_done(&g);
}

TEST(http1_time_in_which_we_read_nothing_is_not_held_against_a_body)
{
    struct rig g;
    rig_init(&g);
    push(&g, S("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nabc"));
    g.core->stops_reading = true;
    for (int i = 0; i < 100; i++) {
        g.core->now_ms += 1000;
        g.core->ops->sweep(g.core);
        CHECK(!g.core->wants_close);
    }
    rig_done(&g);
}

TEST(http1_end_of_input_still_gets_its_answer_when_the_request_was_whole)
{
    struct rig g;
    rig_init(&g);
    g.hold = true;
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    g.core->ops->input_end(g.core);
    pull(&g);
    CHECK(!g.core->wants_close);
    http_respond(g.x, &(struct http_answer){.status = 204});
    pull(&g);
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 204 No Content\r\n\r\n"));
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http1_a_header_value_cannot_smuggle_a_line)
{
    struct rig g;
    rig_init(&g);
    g.hold = true;
    push(&g, S("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    struct http_header h = {S("x"), S("a\r\nb: c")};
    http_respond(g.x, &(struct http_answer){.status = 200, .headers = &h, .n_headers = 1});
    pull(&g);
    CHECK_STR(buf_str(&g.out), S("HTTP/1.1 200 OK\r\nx: a  b: c\r\ncontent-length: 0\r\n\r\n"));
    rig_done(&g);
}

TEST(http_decode_leaves_malformed_escapes_alone)
{
    struct arena a;
    arena_init(&a, 1000);
    CHECK_STR(http_decode(&a, S("a%20b+c%zz%4"), false), S("a b+c%zz%4"));
    CHECK_STR(http_decode(&a, S("a+b%2B%41"), true), S("a b+A"));
    arena_done(&a);
}

TEST(http1_absolute_targets_lose_their_host)
{
    struct http_request r;
    request_set_target(&r, S("http://h:1/a/b?c"));
    CHECK_STR(r.path, S("/a/b"));
    CHECK_STR(r.query, S("c"));
    request_set_target(&r, S("http://h"));
    CHECK_STR(r.path, S("/"));
    request_set_target(&r, S("*"));
    CHECK_STR(r.path, S("*"));
}
