/* The receiver's answers over gRPC, against the rules of OTLP. The names (O4 ...) are those of the
 * list in our contract. */
#include "base/hex.h"
#include "ingest/receive/rig_test.h"
#include "net/compress.h"
#include "testing/test.h"

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
