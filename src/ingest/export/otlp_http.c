/* otlphttp (otlp_http): OTLP over HTTP/1.1, protobuf or JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/export/exporter.h"
#include "ingest/export/otlp_send.h"

struct http_exporter {
    struct exporter base;
    struct arena arena;
    struct client_options options;
    struct client *client;
    enum payload_format format;
    const char *url[SIGNAL_COUNT]; /* NULL: no endpoint for this signal */
};

/* What is noted of an answer's headers. */
struct head {
    bool html, json, has_type;
    char location[120];
    uint32_t retry_after_ms;
};

static bool starts_fold(str s, str with)
{
    return s.len >= with.len && str_eq_fold((str){s.ptr, with.len}, with);
}

static void take_header(void *ctx, str name, str value)
{
    struct head *h = ctx;
    if (str_eq_fold(name, S("content-type"))) {
        h->has_type = true;
        h->html = starts_fold(value, S("text/html"));
        h->json = starts_fold(value, S("application/json"));
    } else if (str_eq_fold(name, S("retry-after"))) {
        h->retry_after_ms = answer_retry_after(value, clock_now());
    } else if (str_eq_fold(name, S("location"))) {
        answer_text(value, h->location, sizeof h->location);
    }
}

static status check_url(const struct tree *at, str url, struct err *err)
{
    str rest = starts_fold(url, S("http://"))    ? str_drop(url, 7)
               : starts_fold(url, S("https://")) ? str_drop(url, 8)
                                                 : (str){0};
    if (rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == ':')
        return tree_fail(at, err, "\"" STR_FMT "\" is not a URL: http://host:port or https://...",
                         STR_ARG(url));
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == '#' || url.ptr[i] == 0x7f)
            return tree_fail(at, err, "a URL has no spaces, control characters or fragment");
    return ST_OK;
}

/* <signal>_endpoint as it is, else endpoint with /v1/<signal> behind. */
static status read_url(struct http_exporter *e, const struct tree *options, enum signal_kind signal,
                       struct err *err)
{
    char key[32], path[32];
    snprintf(key, sizeof key, "%s_endpoint", signal_name(signal));
    snprintf(path, sizeof path, "/v1/%s", signal_name(signal));
    str url = {0};
    TRY(tree_text(options, str_of(key), &url, err));
    if (url.len) {
        TRY(check_url(tree_get(options, str_of(key)), url, err));
        e->url[signal] = export_text(&e->arena, url);
        return ST_OK;
    }
    TRY(tree_text(options, S("endpoint"), &url, err));
    if (!url.len) return ST_OK;
    TRY(check_url(tree_get(options, S("endpoint")), url, err));
    while (url.ptr[url.len - 1] == '/') url.len--;
    size_t room = url.len + sizeof path;
    char *whole = arena_alloc(&e->arena, room, 1);
    snprintf(whole, room, STR_FMT "%s", STR_ARG(url), path);
    e->url[signal] = whole;
    return ST_OK;
}

static status read_options(struct http_exporter *e, const struct exporter_spec *spec,
                           struct err *err)
{
    const struct tree *o = spec->options;
    uint32_t encoding = PAYLOAD_PROTOBUF;
    TRY(TREE_ONLY(o, err, S("endpoint"), S("traces_endpoint"), S("logs_endpoint"),
                  S("metrics_endpoint"), S("encoding"), CLIENT_OPTIONS, EXPORT_COMMON_OPTIONS));
    TRY(client_options_read(&e->arena, o, 30 * NANOS_S, &e->options, err));
    TRY(tree_choice(o, S("encoding"), "proto|json", &encoding, err));
    e->format = (enum payload_format)encoding;
    bool any = false;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        TRY(read_url(e, o, (enum signal_kind)i, err));
        any = any || e->url[i];
    }
    if (!any)
        return o ? tree_fail(o, err, "endpoint is missing: http://host:4318")
                 : err_set(err, ST_INVALID, ERR_NOPOS, STR_FMT ": endpoint is missing",
                           STR_ARG(spec->name));
    return ST_OK;
}

static void http_close(struct exporter *base)
{
    struct http_exporter *e = (struct http_exporter *)base;
    client_close(e->client);
    arena_done(&e->arena);
    free(e);
}

static status http_open(const struct exporter_spec *spec, const struct exporter_kind *kind,
                        struct exporter **ret, struct err *err)
{
    struct http_exporter *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->base.kind = kind;
    arena_init(&e->arena, 1 << 20);
    status s = read_options(e, spec, err);
    if (s != ST_OK) {
        http_close(&e->base);
        return s;
    }
    e->client = client_open(&e->options, CLIENT_HTTP, e->format);
    *ret = &e->base;
    return ST_OK;
}

/* Why it said no: the Status in the body, or else the text that the body begins with. */
static status refusal(const struct http_exporter *e, const struct head *h, str body, long http,
                      struct err *err)
{
    struct answer_status st = answer_status_read(body, h->has_type && h->json ? PAYLOAD_JSON
                                                       : h->has_type          ? PAYLOAD_PROTOBUF
                                                                              : e->format);
    if (!*st.message && !h->html) answer_text(body, st.message, sizeof st.message);
    if (http >= 300 && http < 400)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "HTTP %ld: redirected to \"%s\", which is not followed: name it as the "
                       "endpoint",
                       http, h->location);
    return err_set(err, answer_http_status(http), ERR_NOPOS, "HTTP %ld%s%s", http,
                   *st.message ? ": " : "", st.message);
}

static status exchange(void *exporter, struct client_link *l, enum signal_kind signal,
                       const atomic_bool *cancel, struct answer_partial *ret,
                       uint32_t *ret_retry_after_ms, struct err *err)
{
    struct http_exporter *e = exporter;
    static const char *const encodings[] = {
        [PAYLOAD_GZIP] = "Content-Encoding: gzip", [PAYLOAD_ZSTD] = "Content-Encoding: zstd"};
    struct client_header own[2] = {{e->format == PAYLOAD_JSON
                                        ? "Content-Type: application/json"
                                        : "Content-Type: application/x-protobuf"},
                                   {encodings[e->options.compression]}};
    struct head h = {0};
    TRY(client_compress(e->client, l, 0, err));
    struct client_exchange x = {.url = e->url[signal],
                                .headers = own,
                                .n_headers = own[1].line ? 2 : 1,
                                .body = buf_str(&l->wire),
                                .cancel = cancel,
                                .header = take_header,
                                .ctx = &h};
    long http = 0;
    TRY(client_run(e->client, l, &x, &http, err));
    str body = buf_str(&l->answer);
    if (answer_http_status(http) != ST_OK) {
        status s = refusal(e, &h, body, http, err);
        if (s == ST_OVERLOADED) *ret_retry_after_ms = h.retry_after_ms;
        return s;
    }
    if (h.html)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "HTTP %ld with a text/html page: this is not an OTLP endpoint", http);
    *ret = answer_partial_read(body, h.has_type && h.json ? PAYLOAD_JSON : e->format, signal);
    return ST_OK;
}

static status http_send(struct exporter *base, const struct telemetry_block *b,
                        struct export_progress *io, atomic_bool *cancel,
                        uint32_t *ret_retry_after_ms, struct err *err)
{
    struct http_exporter *e = (struct http_exporter *)base;
    if (!e->url[b->signal])
        return err_set(err, ST_INVALID, ERR_NOPOS, "no endpoint for %s", signal_name(b->signal));
    return otlp_send(e->client, exchange, e, b, io, cancel, ret_retry_after_ms, err);
}

const struct exporter_kind export_otlp_http = {
    .names = {"otlphttp", "otlp_http"},
    .open = http_open,
    .close = http_close,
    .send = http_send,
};
