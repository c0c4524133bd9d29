/* What is said to a client: gRPC's trailers or an HTTP answer, with the headers that go with it. */
#include <assert.h>
#include <stdio.h>

#include "ingest/receive/answer.h"
#include "ingest/receive/cors.h"
#include "ingest/receive/incoming.h"
#include "net/compress.h"
#include "obs/metrics.h"

/* Every text in an answer is bounded (struct ingest_answer), so it stays far below the 4 MiB of
 * OTLP rule O3. */
enum { ANSWER_HEADERS = 12, ANSWER_MAX = 8192, GZIP_LEAST = 200, GZIP_LEVEL = 6 };

struct head {
    struct http_header list[ANSWER_HEADERS];
    size_t n;
};

static void add(struct head *h, str name, str value)
{
    assert(h->n < ANSWER_HEADERS);
    h->list[h->n++] = (struct http_header){name, value};
}

static void respond_grpc(struct incoming *in, const struct ingest_answer *a)
{
    struct buf body, message, details;
    buf_init(&body, ANSWER_MAX);
    buf_init(&message, 8192);
    buf_init(&details, 8192);
    struct head h = {};
    add(&h, S("content-type"), S("application/grpc"));
    if (a->err.code == ST_OK) {
        buf_add(&body, (str){"\0\0\0\0\0", 5});
        answer_export(&body, PAYLOAD_PROTOBUF, in->route.signal, a);
        size_t n = body.len - 5;
        for (int i = 0; i < 4; i++) body.ptr[1 + i] = (char)(n >> (24 - 8 * i));
        struct http_header trailer = {S("grpc-status"), S("0")};
        http_respond(in->x, &(struct http_answer){.status = 200,
                                                  .headers = h.list,
                                                  .n_headers = h.n,
                                                  .body = buf_str(&body),
                                                  .trailers = &trailer,
                                                  .n_trailers = 1});
    } else {
        char code[12];
        int n = snprintf(code, sizeof code, "%d", status_grpc(a->err.code));
        add(&h, S("grpc-accept-encoding"), S("identity,gzip,zstd"));
        add(&h, S("grpc-status"), (str){code, (size_t)n});
        answer_grpc_message(&message, (str){a->err.msg, strlen(a->err.msg)});
        add(&h, S("grpc-message"), buf_str(&message));
        if (in->challenge) add(&h, S("www-authenticate"), auth_challenge(in->r->auth));
        if (a->retry_after_ms && status_retryable(a->err.code)) {
            answer_grpc_details(&details, a);
            add(&h, S("grpc-status-details-bin"), buf_str(&details));
        }
        http_respond(in->x,
                     &(struct http_answer){.status = 200, .headers = h.list, .n_headers = h.n});
    }
    buf_done(&body);
    buf_done(&message);
    buf_done(&details);
}

/* A page may read the answer, and when to come back. */
static void add_cors(struct head *h, const struct incoming *in)
{
    const struct receive_cors *cors = &in->r->opt.cors;
    if (cors->origins.len == 0) return;
    bool all = cors_names(cors->origins, S("*"));
    if (in->origin.len) {
        add(h, S("access-control-allow-origin"), all ? S("*") : in->origin);
        add(h, S("access-control-expose-headers"), S("retry-after"));
    }
    if (!all) add(h, S("vary"), S("origin"));
}

/* OTLP rule O14. Most answers are too short to become shorter. */
static bool zip(const struct incoming *in, const struct buf *body, struct buf *zipped)
{
    struct err err;
    return in->takes_gzip && body->len >= GZIP_LEAST &&
           compress_gzip(buf_str(body), GZIP_LEVEL, zipped, &err) == ST_OK &&
           zipped->len < body->len;
}

static void add_advice(struct head *h, const struct incoming *in, const struct ingest_answer *a,
                       unsigned code, char seconds[static 16])
{
    if (code == 405)
        add(h, S("allow"), in->r->opt.cors.origins.len ? S("POST, OPTIONS") : S("POST"));
    if (code == 415)
        add(h, S("accept-encoding"),
            is_remote_write(in->route.protocol) ? S("snappy") : S("gzip, zstd, identity"));
    if (in->challenge) add(h, S("www-authenticate"), auth_challenge(in->r->auth));
    if (a->retry_after_ms && status_retryable(a->err.code)) {
        int n =
            snprintf(seconds, 16, "%u", a->retry_after_ms / 1000 + (a->retry_after_ms % 1000 != 0));
        add(h, S("retry-after"), (str){seconds, (size_t)n});
    }
}

static void respond_http(struct incoming *in, const struct ingest_answer *a)
{
    bool json = in->route.protocol != OTLP_HTTP_PROTOBUF, ok = a->err.code == ST_OK;
    enum payload_format form = json ? PAYLOAD_JSON : PAYLOAD_PROTOBUF;
    struct buf body, zipped;
    buf_init(&body, ANSWER_MAX);
    buf_init(&zipped, ANSWER_MAX);
    if (ok)
        answer_export(&body, form, in->route.signal, a);
    else
        answer_status(&body, form, a);
    struct head h = {};
    char seconds[16];
    unsigned code =
        in->route.http_status ? in->route.http_status : (unsigned)status_http(a->err.code);
    add(&h, S("content-type"), json ? S("application/json") : S("application/x-protobuf"));
    bool small = zip(in, &body, &zipped);
    if (small) add(&h, S("content-encoding"), S("gzip"));
    add_cors(&h, in);
    if (!ok) add_advice(&h, in, a, code, seconds);
    http_respond(in->x, &(struct http_answer){.status = ok ? 200 : code,
                                              .headers = h.list,
                                              .n_headers = h.n,
                                              .body = buf_str(small ? &zipped : &body)});
    buf_done(&body);
    buf_done(&zipped);
}

/* What is said in the remote write protocol: text. Samples that were left out alone make it 400,
 * which is not sent again; the headers tell what was kept. 429 is not retried by a Prometheus of
 * the usual settings, so it is 503. */
static void respond_remote_write(struct incoming *in, const struct ingest_answer *a)
{
    struct head h = {};
    struct buf body;
    char seconds[16], kept[3][12];
    unsigned code =
        in->route.http_status ? in->route.http_status : (unsigned)status_http(a->err.code);
    if (a->err.code == ST_OK) code = a->rejected ? 400 : 204;
    if (code == 429) code = 503;
    buf_init(&body, ANSWER_MAX);
    if (a->err.code != ST_OK)
        buf_printf(&body, "%s\n", a->err.msg);
    else if (a->rejected)
        buf_printf(&body, "%u left out: %s\n", a->rejected, a->message);
    if (code != 204) add(&h, S("content-type"), S("text/plain; charset=utf-8"));
    static const char *const names[] = {"x-prometheus-remote-write-samples-written",
                                        "x-prometheus-remote-write-histograms-written",
                                        "x-prometheus-remote-write-exemplars-written"};
    const uint32_t counts[] = {a->samples, a->histograms, a->exemplars};
    for (int i = 0; i < 3 && a->err.code == ST_OK; i++) {
        int n = snprintf(kept[i], sizeof kept[i], "%u", counts[i]);
        add(&h, str_of(names[i]), (str){kept[i], (size_t)n});
    }
    if (a->err.code != ST_OK) add_advice(&h, in, a, code, seconds);
    http_respond(in->x,
                 &(struct http_answer){
                     .status = code, .headers = h.list, .n_headers = h.n, .body = buf_str(&body)});
    buf_done(&body);
}

void respond(struct incoming *in, const struct ingest_answer *a)
{
    if (a->err.code != ST_OK) metric_add(M_REQUESTS_REFUSED, a->err.code, 1);
    if (in->ended_at)
        metric_observe(M_REQUEST_SECONDS, in->route.signal,
                       (double)(clock_monotonic() - in->ended_at) / 1e9);
    in->answered = true;
    if (!in->x) return;
    if (in->route.protocol == OTLP_GRPC)
        respond_grpc(in, a);
    else if (is_remote_write(in->route.protocol))
        respond_remote_write(in, a);
    else
        respond_http(in, a);
}

void respond_preflight(struct incoming *in, const struct http_request *req)
{
    const struct receive_cors *cors = &in->r->opt.cors;
    struct head h = {};
    char seconds[16];
    int n = snprintf(seconds, sizeof seconds, "%u", cors->max_age);
    str wanted = http_header_get(req, S("access-control-request-headers"));
    bool all = cors_names(cors->origins, S("*"));
    add(&h, S("access-control-allow-origin"), all ? S("*") : in->origin);
    add(&h, S("access-control-allow-methods"), S("POST"));
    if (!cors_names(cors->headers, S("*")))
        add(&h, S("access-control-allow-headers"), cors->headers);
    else if (wanted.len)
        add(&h, S("access-control-allow-headers"), wanted);
    add(&h, S("access-control-max-age"), (str){seconds, (size_t)n});
    add(&h, S("vary"), S("origin, access-control-request-method, access-control-request-headers"));
    in->answered = true;
    http_respond(in->x, &(struct http_answer){.status = 204, .headers = h.list, .n_headers = h.n});
}
