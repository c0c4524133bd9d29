/* Any bytes as gRPC framing, and as a request's head: the message's bytes lie inside the input,
 * whatever it is cut into the outcome is the same, every head is judged, and its credentials and
 * its origin let nobody in who does not have what is asked for. */
#include <assert.h>
#include <stdint.h>

#include "ingest/receive/answer.h"
#include "ingest/receive/auth.h"
#include "ingest/receive/cors.h"
#include "ingest/receive/grpc_frame.h"
#include "ingest/receive/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static status frame(str in, size_t cut, uint32_t *ret_seen)
{
    struct grpc_frame f = {};
    struct err err;
    status st = ST_OK;
    while (in.len && st == ST_OK) {
        str piece = {in.ptr, in.len < cut ? in.len : cut}, message;
        st = grpc_frame_take(&f, piece, 100000, &message, &err);
        assert(message.len == 0 ||
               (message.ptr >= piece.ptr && message.ptr + message.len <= piece.ptr + piece.len));
        in = str_drop(in, piece.len);
    }
    if (st == ST_OK) st = grpc_frame_end(&f, true, &err);
    assert(f.seen <= f.length);
    if (st == ST_OK) *ret_seen = f.seen;
    return st;
}

/* Bearer "let-me-in" and nothing else, with any case of the scheme and spaces around the token. */
static void credentials(str header)
{
    static struct auth *auth;
    struct err err;
    if (!auth && auth_open(&(struct receive_auth){.bearer_token = "let-me-in"}, &auth, &err))
        __builtin_trap();
    if (auth_allows(auth, header))
        assert(header.len >= 16 && memmem(header.ptr, header.len, " let-me-in", 10));
}

/* The pattern's ends are the origin's, and a list of the origin itself allows it. */
static void origin(str o)
{
    if (cors_allows(S("https://*.example:8443, http://a*b*c"), o)) {
        bool first = o.len >= 21 && strncasecmp(o.ptr, "https://", 8) == 0 &&
                     strncasecmp(o.ptr + o.len - 13, ".example:8443", 13) == 0;
        bool second =
            o.len >= 10 && strncasecmp(o.ptr, "http://a", 8) == 0 && (o.ptr[o.len - 1] | 32) == 'c';
        assert(first || second);
    }
    bool plain = o.len && !memchr(o.ptr, ',', o.len) && !memchr(o.ptr, '*', o.len) &&
                 o.ptr[0] != ' ' && o.ptr[o.len - 1] != ' ';
    if (plain) assert(cors_allows(o, o));
    cors_allows(o, S("https://a.example")); /* a list of any form */
    cors_names(o, S("*"));
}

/* Lines: method, target, then "name: value". */
static void head(str in)
{
    struct http_header headers[32];
    struct http_request r = {.headers = headers, .content_length = -1, .http2 = in.len & 1};
    for (int i = 0; i < 34 && in.len; i++) {
        const char *nl = memchr(in.ptr, '\n', in.len);
        str line = {in.ptr, nl ? (size_t)(nl - in.ptr) : in.len};
        in = str_drop(in, line.len + 1);
        if (i == 0)
            r.method = line;
        else if (i == 1)
            r.path = r.target = line;
        else if (r.n_headers < 32) {
            const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
            if (!colon) continue;
            size_t n = (size_t)(colon - line.ptr);
            headers[r.n_headers++] = (struct http_header){{line.ptr, n}, str_drop(line, n + 1)};
        }
    }
    struct route route;
    struct ingest_answer a = {.err.code = ST_INVALID};
    status st = route_request(&r, &route, &a.err);
    assert(route.signal < SIGNAL_COUNT && route.protocol < OTLP_PROTOCOLS);
    assert(route.timeout >= 0 && route.timeout <= 365 * NANOS_DAY);
    route_takes_gzip(&r);
    credentials(http_header_get(&r, S("authorization")));
    origin(http_header_get(&r, S("origin")));
    struct buf out;
    buf_init(&out, 1 << 16);
    if (st != ST_OK) {
        assert(a.err.code == st && a.err.msg[0]);
        answer_status(&out, PAYLOAD_PROTOBUF, &a);
        answer_status(&out, PAYLOAD_JSON, &a);
        buf_clear(&out);
        answer_grpc_message(&out, (str){a.err.msg, strlen(a.err.msg)});
        for (size_t i = 0; i < out.len; i++) assert(out.ptr[i] >= 0x20 && out.ptr[i] < 0x7f);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str in = {(const char *)data, size};
    uint32_t whole = 0, cut = 0;
    status a = frame(in, size ? size : 1, &whole), b = frame(in, 3, &cut), c = frame(in, 1, &cut);
    assert(a == b && b == c && (a != ST_OK || whole == cut));
    head(in);
    return 0;
}
