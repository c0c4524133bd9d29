/* otlp (otlp_grpc): OTLP over gRPC: unary calls over HTTP/2. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "ingest/export/exporter.h"
#include "ingest/export/otlp_send.h"
#include "net/compress.h"

struct grpc_exporter {
    struct exporter base;
    struct arena arena;
    struct client_options options;
    struct client *client;
    const char *url[SIGNAL_COUNT];
    char timeout[40]; /* grpc-timeout: ... */
};

enum { PREFIX = 5 };

/* What is noted of an answer's headers and trailers; of trailers-only answers they are one. */
struct head {
    bool is_grpc, has_status, is_gzip;
    uint64_t status;
    char message[ANSWER_TEXT_MAX], type[60];
    struct answer_status details;
};

static void take_header(void *ctx, str name, str value)
{
    struct head *h = ctx;
    if (str_eq_fold(name, S("grpc-status"))) {
        h->has_status = true;
        if (!num_parse_u64(value, &h->status)) h->status = UINT64_MAX;
    } else if (str_eq_fold(name, S("grpc-message"))) {
        export_answer_message(value, h->message);
    } else if (str_eq_fold(name, S("grpc-status-details-bin"))) {
        h->details = export_answer_details(value);
    } else if (str_eq_fold(name, S("grpc-encoding"))) {
        h->is_gzip = str_eq_fold(value, S("gzip"));
    } else if (str_eq_fold(name, S("content-type"))) {
        str grpc = S("application/grpc");
        h->is_grpc = value.len >= grpc.len && str_eq_fold((str){value.ptr, grpc.len}, grpc);
        answer_text(value, h->type, sizeof h->type);
    }
}

static bool cut_scheme(str *io, str scheme)
{
    if (io->len < scheme.len || !str_eq_fold((str){io->ptr, scheme.len}, scheme)) return false;
    *io = str_drop(*io, scheme.len);
    return true;
}

/* host:port, an IPv6 address in brackets. */
static bool is_host_port(str s)
{
    size_t colon = s.len;
    while (colon > 0 && s.ptr[colon - 1] != ':') colon--;
    uint64_t port;
    if (colon < 2 || !num_parse_u64(str_drop(s, colon), &port) || port == 0 || port > 65535)
        return false;
    str host = {s.ptr, colon - 1};
    bool bracketed = host.ptr[0] == '[' && host.len > 2 && host.ptr[host.len - 1] == ']';
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#@%\\", c) || (!bracketed && strchr(":[]", c)))
            return false;
    }
    return true;
}

static status read_endpoint(struct grpc_exporter *e, const struct exporter_spec *spec,
                            struct err *err)
{
    static const char *const services[] = {"trace.v1.TraceService", "logs.v1.LogsService",
                                           "metrics.v1.MetricsService"};
    const struct tree *o = spec->options, *at = tree_get(o, S("endpoint"));
    str endpoint = {0};
    bool tls = !e->options.tls.insecure;
    TRY(tree_text(o, S("endpoint"), &endpoint, err));
    if (!endpoint.len)
        return o ? tree_fail(o, err, "endpoint is missing: host:4317")
                 : err_set(err, ST_INVALID, ERR_NOPOS, STR_FMT ": endpoint is missing",
                           STR_ARG(spec->name));
    str rest = endpoint;
    if (cut_scheme(&rest, S("http://")))
        tls = false;
    else if (cut_scheme(&rest, S("https://")))
        tls = true;
    else
        (void)cut_scheme(&rest, S("dns:///"));
    if (rest.len && rest.ptr[rest.len - 1] == '/') rest.len--;
    if (!is_host_port(rest))
        return tree_fail(at, err, "\"" STR_FMT "\" is not host:port", STR_ARG(endpoint));
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        size_t room = rest.len + 100;
        char *url = arena_alloc(&e->arena, room, 1);
        snprintf(url, room, "%s://" STR_FMT "/opentelemetry.proto.collector.%s/Export",
                 tls ? "https" : "http", STR_ARG(rest), services[i]);
        e->url[i] = url;
    }
    return ST_OK;
}

static void grpc_close(struct exporter *base)
{
    struct grpc_exporter *e = (struct grpc_exporter *)base;
    client_close(e->client);
    arena_done(&e->arena);
    free(e);
}

static status grpc_open(const struct exporter_spec *spec, const struct exporter_kind *kind,
                        struct exporter **ret, struct err *err)
{
    struct grpc_exporter *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->base.kind = kind;
    arena_init(&e->arena, 1 << 20);
    status s = TREE_ONLY(spec->options, err, S("endpoint"), CLIENT_OPTIONS, EXPORT_COMMON_OPTIONS);
    if (s == ST_OK)
        s = client_options_read(&e->arena, spec->options, 5 * NANOS_S, &e->options, err);
    if (s == ST_OK) s = read_endpoint(e, spec, err);
    if (s != ST_OK) {
        grpc_close(&e->base);
        return s;
    }
    /* At most 8 digits (gRPC, "Timeout"): an hour has 7. */
    snprintf(e->timeout, sizeof e->timeout, "grpc-timeout: %um", e->options.timeout_ms);
    e->client = client_open(&e->options, CLIENT_HTTP2, PAYLOAD_PROTOBUF);
    *ret = &e->base;
    return ST_OK;
}

/* A flag (1: compressed), the length in four bytes, the message. */
static void put_prefix(struct buf *wire, bool compressed)
{
    size_t n = wire->len - PREFIX;
    unsigned char *p = (unsigned char *)wire->ptr;
    p[0] = compressed;
    for (int i = 0; i < 4; i++) p[1 + i] = (unsigned char)(n >> (24 - 8 * i));
}

/* The answer's message; without one, or with one that cannot be read, nothing was rejected. */
static struct answer_partial read_message(const struct head *h, str body, enum signal_kind signal)
{
    struct answer_partial none = {0};
    if (body.len < PREFIX) return none;
    const unsigned char *p = (const unsigned char *)body.ptr;
    size_t n = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
    str message = str_drop(body, PREFIX);
    if (message.len < n || p[0] > 1) return none;
    message.len = n;
    if (p[0] == 0) return answer_partial_read(message, PAYLOAD_PROTOBUF, signal);
    struct arena a;
    arena_init(&a, 16 << 20);
    struct answer_partial ret = none;
    str plain;
    if (h->is_gzip &&
        decompress(&a, PAYLOAD_GZIP, message, CLIENT_ANSWER_MAX, &plain, NULL) == ST_OK)
        ret = answer_partial_read(plain, PAYLOAD_PROTOBUF, signal);
    arena_done(&a);
    return ret;
}

static status verdict(const struct head *h, long http, uint32_t *ret_retry_after_ms,
                      struct err *err)
{
    if (!h->has_status && http != 200)
        return err_set(err, answer_http_for_grpc(http), ERR_NOPOS, "HTTP %ld without grpc-status",
                       http);
    if (!h->has_status && !h->is_grpc)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "the answer is \"%s\": this is not a gRPC endpoint", h->type);
    if (!h->has_status)
        return err_set(err, ST_OVERLOADED, ERR_NOPOS, "the answer ended without grpc-status");
    status s = answer_grpc_status(h->status, h->details.has_retry);
    if (s == ST_OK) return ST_OK;
    if (s == ST_OVERLOADED) *ret_retry_after_ms = h->details.retry_after_ms;
    const char *why = *h->message ? h->message : h->details.message;
    return err_set(err, s, ERR_NOPOS, "%s%s%s", answer_grpc_name(h->status), *why ? ": " : "", why);
}

static status call(void *exporter, struct client_link *l, enum signal_kind signal,
                   const atomic_bool *cancel, struct answer_partial *ret,
                   uint32_t *ret_retry_after_ms, struct err *err)
{
    struct grpc_exporter *e = exporter;
    static const char *const encodings[] = {
        [PAYLOAD_GZIP] = "grpc-encoding: gzip", [PAYLOAD_ZSTD] = "grpc-encoding: zstd"};
    struct client_header own[4] = {{"content-type: application/grpc"},
                                   {"te: trailers"},
                                   {e->timeout},
                                   {encodings[e->options.compression]}};
    struct head h = {0};
    TRY(client_compress(e->client, l, PREFIX, err));
    put_prefix(&l->wire, e->options.compression != PAYLOAD_IDENTITY);
    struct client_exchange x = {.url = e->url[signal],
                                .headers = own,
                                .n_headers = own[3].line ? 4 : 3,
                                .body = buf_str(&l->wire),
                                .cancel = cancel,
                                .header = take_header,
                                .ctx = &h};
    long http = 0;
    TRY(client_run(e->client, l, &x, &http, err));
    TRY(verdict(&h, http, ret_retry_after_ms, err));
    *ret = read_message(&h, buf_str(&l->answer), signal);
    return ST_OK;
}

static status grpc_send(struct exporter *base, const struct telemetry_block *b,
                        struct export_progress *io, atomic_bool *cancel,
                        uint32_t *ret_retry_after_ms, struct err *err)
{
    struct grpc_exporter *e = (struct grpc_exporter *)base;
    return otlp_send(e->client, call, e, b, io, cancel, ret_retry_after_ms, err);
}

const struct exporter_kind export_otlp_grpc = {
    .names = {"otlp", "otlp_grpc"},
    .open = grpc_open,
    .close = grpc_close,
    .send = grpc_send,
};
