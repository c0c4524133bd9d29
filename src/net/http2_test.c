/* The HTTP/2 core alone: frames by hand in, what comes out looked at by type. */
#include <nghttp2/nghttp2.h>

#include "net/http_core.h"
#include "testing/test.h"

struct rig {
    struct http_service service;
    struct http_limits limits;
    struct http_core *core;
    struct buf log, out;
    struct http_exchange *x;
    bool hold; /* do not consume, do not answer */
};

static void on_request(void *ctx, struct http_exchange *x, const struct http_request *r)
{
    struct rig *g = ctx;
    g->x = x;
    buf_printf(&g->log, "[" STR_FMT " " STR_FMT " host=" STR_FMT "]", STR_ARG(r->method),
               STR_ARG(r->path), STR_ARG(http_header_get(r, S("host"))));
}

static void on_data(void *ctx, struct http_exchange *x, str b)
{
    struct rig *g = ctx;
    buf_add(&g->log, b);
    if (!g->hold) http_consume(x, b.len);
}

static void on_end(void *ctx, struct http_exchange *x)
{
    struct rig *g = ctx;
    buf_add(&g->log, S("|"));
    if (!g->hold) http_respond(x, &(struct http_answer){.status = 200, .body = S("hi")});
}

static void on_close(void *ctx, struct http_exchange *)
{
    buf_add(&((struct rig *)ctx)->log, S("#"));
}

/* One frame (rfc9113 4.1), to `out`. */
static void frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t stream, str payload)
{
    char h[9] = {(char)(payload.len >> 16),
                 (char)(payload.len >> 8),
                 (char)payload.len,
                 (char)type,
                 (char)flags,
                 (char)(stream >> 24),
                 (char)(stream >> 16),
                 (char)(stream >> 8),
                 (char)stream};
    buf_add(out, (str){h, 9});
    buf_add(out, payload);
}

static void pull(struct rig *g)
{
    g->core->ops->step(g->core);
    g->core->ops->output(g->core, &g->out, 1 << 20);
}

static void push(struct rig *g, uint8_t type, uint8_t flags, uint32_t stream, str payload)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    frame(&b, type, flags, stream, payload);
    if (!g->core->wants_close) g->core->ops->input(g->core, buf_str(&b));
    buf_done(&b);
}

static void rig_init(struct rig *g, const struct http_limits *limits)
{
    *g = (struct rig){};
    g->service = (struct http_service){g, on_request, on_data, on_end, on_close, NULL};
    g->limits = http_limits_fill(limits);
    g->core = http2_new();
    g->core->service = &g->service;
    g->core->limits = &g->limits;
    g->core->now_ms = 1000;
    http2_begin(g->core);
    buf_init(&g->log, 1 << 20);
    buf_init(&g->out, 1 << 26);
    g->core->ops->input(g->core, S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    push(g, NGHTTP2_SETTINGS, 0, 0, (str){0});
    pull(g);
}

static void rig_done(struct rig *g)
{
    g->core->ops->free(g->core);
    buf_done(&g->log);
    buf_done(&g->out);
}

/* The payload of the last frame of that type that came out, or NULL. */
static const uint8_t *find(const struct rig *g, uint8_t type, uint32_t stream)
{
    const uint8_t *p = (const uint8_t *)g->out.ptr, *end = p + g->out.len, *found = NULL;
    while (end - p >= 9) {
        uint32_t n = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        uint32_t id = (uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8];
        if (p[3] == type && id == stream) found = p + 9;
        p += 9 + n;
    }
    return found;
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t goaway_code(const struct rig *g)
{
    const uint8_t *p = find(g, NGHTTP2_GOAWAY, 0);
    return p ? u32(p + 4) : UINT32_MAX;
}

/* POST http / with :authority h, in HPACK without the dynamic table. */
#define POST_HEAD "\x83\x86\x84\x01\x01h"
enum { END_STREAM = 1, END_HEADERS = 4 };

TEST(http2_reads_a_request_and_answers_it)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    push(&g, NGHTTP2_DATA, 0, 1, S("ab"));
    push(&g, NGHTTP2_DATA, END_STREAM, 1, S("c"));
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h]abc|#"));
    const uint8_t *data = find(&g, NGHTTP2_DATA, 1);
    CHECK(data && memcmp(data, "hi", 2) == 0);
    CHECK(!g.core->wants_close);
    rig_done(&g);
}

TEST(http2_trailers_end_the_body)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    push(&g, NGHTTP2_DATA, 0, 1, S("ab"));
    push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 1, S("\x10\x01t\x01v"));
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h]ab|#"));
    rig_done(&g);
}

TEST(http2_windows_grow_only_with_http_consume)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.window_bytes = 1000});
    g.hold = true;
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0}); /* it has seen our window */
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    char k[900] = {};
    push(&g, NGHTTP2_DATA, 0, 1, (str){k, 900});
    pull(&g);
    CHECK(!find(&g, NGHTTP2_WINDOW_UPDATE, 1));
    http_consume(g.x, 900);
    pull(&g);
    CHECK(find(&g, NGHTTP2_WINDOW_UPDATE, 1));
    CHECK_INT(u32(find(&g, NGHTTP2_WINDOW_UPDATE, 1)), 900);
    push(&g, NGHTTP2_DATA, 0, 1, (str){k, 900});
    push(&g, NGHTTP2_DATA, 0, 1, (str){k, 101}); /* more than there is room for */
    pull(&g);
    const uint8_t *rst = find(&g, NGHTTP2_RST_STREAM, 1);
    CHECK((rst && u32(rst) == NGHTTP2_FLOW_CONTROL_ERROR) ||
          goaway_code(&g) == NGHTTP2_FLOW_CONTROL_ERROR);
    rig_done(&g);
}

TEST(http2_frames_that_carry_nothing_end_the_connection)
{
    enum { PADDED = 8 };
    static const struct {
        uint8_t type, flags;
        uint32_t stream;
        str payload;
    } floods[] = {{NGHTTP2_PING, 0, 0, {"12345678", 8}},
                  {NGHTTP2_SETTINGS, 0, 0, {"", 0}},
                  {NGHTTP2_SETTINGS, 0, 0, {"\0\3\0\0\0\1", 6}},
                  {NGHTTP2_DATA, 0, 1, {"", 0}},
                  {NGHTTP2_DATA, PADDED, 1, {"\3\0\0\0", 4}}, /* nothing but padding */
                  {NGHTTP2_WINDOW_UPDATE, 0, 0, {"\0\0\0\1", 4}},
                  {NGHTTP2_WINDOW_UPDATE, 0, 1, {"\0\0\0\1", 4}},
                  {NGHTTP2_PRIORITY, 0, 3, {"\0\0\0\0\1", 5}}};
    for (size_t f = 0; f < sizeof floods / sizeof *floods; f++) {
        struct rig g;
        rig_init(&g, NULL);
        push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
        int i = 0;
        for (; i < 2000 && !g.core->wants_close; i++) {
            push(&g, floods[f].type, floods[f].flags, floods[f].stream, floods[f].payload);
            if (i % 100 == 0) pull(&g);
        }
        pull(&g);
        CHECK(g.core->wants_close);
        CHECK_INT(goaway_code(&g), NGHTTP2_ENHANCE_YOUR_CALM);
        rig_done(&g);
    }
}

TEST(http2_bytes_without_any_work_end_the_connection)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.window_bytes = 1000});
    static char junk[16000];
    int n = 0;
    for (; n < 1000 && !g.core->wants_close; n++)
        push(&g, 0xbe, 0, 0, (str){junk, sizeof junk}); /* of an unknown type: to be ignored */
    pull(&g);
    CHECK(g.core->wants_close);
    CHECK_INT(goaway_code(&g), NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK(n > 4000 / (int)sizeof junk && n < 100);
    rig_done(&g);
}

TEST(http2_too_many_pings_are_told_so_and_some_are_answered)
{
    struct rig g;
    rig_init(&g, NULL);
    for (int i = 0; i < 100; i++) push(&g, NGHTTP2_PING, 0, 0, S("12345678"));
    pull(&g);
    CHECK(!g.core->wants_close);
    const uint8_t *ack = find(&g, NGHTTP2_PING, 0);
    CHECK(ack && memcmp(ack, "12345678", 8) == 0);
    for (int i = 0; i < 60; i++) { /* ten a second may go on */
        g.core->now_ms += 1000;
        for (int k = 0; k < 10; k++) push(&g, NGHTTP2_PING, 0, 0, S("12345678"));
        pull(&g);
    }
    CHECK(!g.core->wants_close);
    for (int i = 0; i < 102; i++) push(&g, NGHTTP2_PING, 0, 0, S("12345678"));
    pull(&g);
    CHECK(g.core->wants_close);
    CHECK_INT(goaway_code(&g), NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK(memcmp(find(&g, NGHTTP2_GOAWAY, 0) + 8, "too_many_pings", 14) == 0);
    rig_done(&g);
}

TEST(http2_pings_between_requests_are_no_flood)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    for (uint32_t i = 0; i < 2000; i++) { /* as a client that measures the connection does */
        push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, S(POST_HEAD));
        push(&g, NGHTTP2_PING, 0, 0, S("12345678"));
        pull(&g);
        buf_clear(&g.out);
        buf_clear(&g.log);
    }
    CHECK(!g.core->wants_close);
    rig_done(&g);
}

TEST(http2_heads_that_are_too_large_one_after_the_other_end_the_connection)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.max_header_bytes = 4096});
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    /* A field of 3,000 bytes goes into the table once, and is then named by one byte at a time:
     * 1,000 of them in 1,000 bytes, three megabytes if somebody kept them. */
    struct buf first, bomb;
    buf_init(&first, 1 << 16);
    buf_init(&bomb, 1 << 16);
    buf_add(&first, S(POST_HEAD "\x40\x01x\x7f\xb9\x16")); /* value of 127 + 0x39 + 0x16 * 128 */
    for (int i = 0; i < 3000; i++) buf_char(&first, 'v');
    push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 1, buf_str(&first));
    pull(&g);
    CHECK(!g.core->wants_close);
    CHECK(find(&g, NGHTTP2_HEADERS, 1));
    buf_add(&bomb, S(POST_HEAD));
    for (int i = 0; i < 1000; i++) buf_char(&bomb, (char)0xbe); /* entry 62 */
    uint32_t n = 0;
    for (; n < 3000 && !g.core->wants_close; n++) {
        push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 2 * n + 3, buf_str(&bomb));
        pull(&g);
        CHECK(g.core->n_exchanges <= 1);
    }
    CHECK(g.core->wants_close);
    CHECK_INT(goaway_code(&g), NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h]|#")); /* the service saw the first one only */
    buf_done(&first);
    buf_done(&bomb);
    rig_done(&g);
}

TEST(http2_a_body_that_trickles_is_reset_after_the_grace)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    uint64_t began = g.core->now_ms;
    while (!find(&g, NGHTTP2_RST_STREAM, 1) && g.core->now_ms < 100000) {
        g.core->now_ms += 100;
        push(&g, NGHTTP2_DATA, 0, 1, S("x"));
        g.core->ops->sweep(g.core);
        pull(&g);
    }
    uint64_t lived = g.core->now_ms - began;
    CHECK(lived > g.limits.body_grace_ms && lived < 2 * g.limits.body_grace_ms);
    CHECK(!g.core->wants_close); /* other streams go on */
    rig_done(&g);
}

TEST(http2_a_body_that_waits_for_our_window_is_not_late)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.window_bytes = 1000});
    g.hold = true;
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    char k[1000] = {};
    push(&g, NGHTTP2_DATA, 0, 1, (str){k, 1000});
    for (int i = 0; i < 100; i++) {
        g.core->now_ms += 1000;
        g.core->ops->sweep(g.core);
        pull(&g);
    }
    CHECK(!find(&g, NGHTTP2_RST_STREAM, 1));
    rig_done(&g);
}

TEST(http2_bodies_may_be_held_until_they_would_stop_each_other)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.window_bytes = 100000});
    g.hold = true;
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    char k[16000] = {};
    struct http_exchange *first = NULL;
    for (uint32_t id = 1; id <= 13; id += 2) { /* 7 of 16,000: more than one window together */
        push(&g, NGHTTP2_HEADERS, END_HEADERS, id, S(POST_HEAD));
        if (!first) first = g.x;
        push(&g, NGHTTP2_DATA, 0, id, (str){k, sizeof k});
        CHECK_INT(http_may_hold(g.x), id < 13);
    }
    push(&g, NGHTTP2_DATA, END_STREAM, 1, (str){0}); /* complete: it holds up nobody */
    CHECK(http_may_hold(g.x));
    push(&g, NGHTTP2_DATA, 0, 13, (str){k, 10000});
    CHECK(!http_may_hold(g.x)); /* more than a quarter of its own window */
    http_consume(g.x, 26000);
    CHECK(http_may_hold(g.x));
    rig_done(&g);
}

TEST(http2_a_reader_without_a_window_costs_its_answers_only)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.max_streams = 10});
    push(&g, NGHTTP2_SETTINGS, 0, 0, S("\0\4\0\0\0\0"));
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    for (uint32_t i = 0; i < 10; i++) {
        push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, S(POST_HEAD));
        pull(&g);
    }
    CHECK_INT(g.core->n_exchanges, 10);
    g.core->now_ms += g.limits.write_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK_INT(g.core->n_exchanges, 0);
    rig_done(&g);
}

TEST(http2_acks_that_nobody_reads_end_the_connection)
{
    struct rig g;
    rig_init(&g, NULL);
    for (int i = 0; i < 3000 && !g.core->wants_close; i++)
        push(&g, NGHTTP2_PING, 0, 0, S("12345678")); /* and never a pull */
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http2_continuation_flood_ends_the_connection)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_HEADERS, 0, 1, S(POST_HEAD));
    for (int i = 0; i < 50 && !g.core->wants_close; i++)
        push(&g, NGHTTP2_CONTINUATION, 0, 1, S("\x10\x01t\x01v"));
    pull(&g);
    CHECK(g.core->wants_close);
    CHECK_STR(buf_str(&g.log), S(""));
    rig_done(&g);
}

TEST(http2_streams_past_the_limit_are_refused)
{
    struct rig g;
    rig_init(&g, &(struct http_limits){.max_streams = 2});
    g.hold = true;
    push(&g, NGHTTP2_SETTINGS, 1, 0, (str){0});
    for (uint32_t id = 1; id <= 5; id += 2)
        push(&g, NGHTTP2_HEADERS, END_HEADERS, id, S(POST_HEAD));
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h][POST / host=h]"));
    const uint8_t *rst = find(&g, NGHTTP2_RST_STREAM, 5);
    CHECK(rst || goaway_code(&g) != UINT32_MAX);
    rig_done(&g);
}

TEST(http2_timeouts_end_slow_headers_idle_connections_and_unread_answers)
{
    struct rig g;
    rig_init(&g, NULL);
    push(&g, NGHTTP2_HEADERS, 0, 1, S(POST_HEAD)); /* END_HEADERS does not come */
    g.core->now_ms += g.limits.header_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    CHECK(g.core->wants_close);
    rig_done(&g);

    rig_init(&g, NULL);
    g.core->now_ms += g.limits.idle_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK(g.core->wants_close);
    CHECK_INT(goaway_code(&g), NGHTTP2_NO_ERROR);
    rig_done(&g);

    rig_init(&g, NULL);
    push(&g, NGHTTP2_SETTINGS, 0, 0, S("\0\4\0\0\0\0")); /* no window for us at all */
    push(&g, NGHTTP2_HEADERS, END_HEADERS | END_STREAM, 1, S(POST_HEAD));
    pull(&g);
    CHECK(!find(&g, NGHTTP2_DATA, 1));
    g.core->now_ms += g.limits.write_timeout_ms + 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK_INT(u32(find(&g, NGHTTP2_RST_STREAM, 1)), NGHTTP2_CANCEL);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h]|#"));
    rig_done(&g);
}

TEST(http2_an_answer_after_a_reset_goes_nowhere)
{
    struct rig g;
    rig_init(&g, NULL);
    g.hold = true;
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    g.core->now_ms += g.limits.body_timeout_ms + 1;
    g.core->ops->sweep(g.core); /* the reset lies ready, but is not out */
    http_respond(g.x, &(struct http_answer){.status = 200, .body = S("late")});
    pull(&g);
    CHECK(!find(&g, NGHTTP2_DATA, 1));
    CHECK_INT(u32(find(&g, NGHTTP2_RST_STREAM, 1)), NGHTTP2_CANCEL);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h]#"));
    rig_done(&g);
}

/* HEADERS of "GET / http://h" in HPACK without a table. */
static void get(struct rig *g, uint32_t stream)
{
    push(g, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream,
         S("\x82\x86\x84\x01\x01h"));
}

TEST(http2_a_request_that_crosses_the_drain_is_served)
{
    struct rig g;
    rig_init(&g, NULL);
    get(&g, 1);
    pull(&g);
    buf_clear(&g.log);
    g.core->ops->drain(g.core);
    pull(&g);
    const uint8_t *notice = find(&g, NGHTTP2_GOAWAY, 0);
    CHECK(notice && u32(notice) == INT32_MAX);
    CHECK(!g.core->wants_close);
    get(&g, 3);
    pull(&g);
    CHECK_STR(buf_str(&g.log), S("[GET / host=h]|#"));
    push(&g, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, S("\0\0\0\0\0\0\0\0"));
    pull(&g);
    const uint8_t *last = find(&g, NGHTTP2_GOAWAY, 0);
    CHECK(last && u32(last) == 3);
    pull(&g);
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http2_a_drain_ends_also_when_the_peer_answers_no_ping)
{
    struct rig g;
    rig_init(&g, NULL);
    g.core->ops->drain(g.core);
    g.core->now_ms += 999;
    g.core->ops->sweep(g.core);
    pull(&g);
    CHECK(!g.core->wants_close);
    g.core->now_ms += 1;
    g.core->ops->sweep(g.core);
    pull(&g);
    pull(&g);
    CHECK(g.core->wants_close);
    rig_done(&g);
}

TEST(http2_what_is_open_is_closed_with_the_core)
{
    struct rig g;
    rig_init(&g, NULL);
    g.hold = true;
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 1, S(POST_HEAD));
    push(&g, NGHTTP2_HEADERS, END_HEADERS, 3, S(POST_HEAD));
    g.core->ops->free(g.core);
    CHECK_STR(buf_str(&g.log), S("[POST / host=h][POST / host=h]##"));
    buf_done(&g.log);
    buf_done(&g.out);
}
