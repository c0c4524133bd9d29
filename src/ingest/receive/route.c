/* OTLP spec "OTLP/gRPC" and "OTLP/HTTP Request"; gRPC over HTTP/2 "Requests"; Remote-Write
 * "Protocol". */
#include "ingest/receive/route.h"

#include <strings.h>

#include "base/num.h"

static const struct {
    const char *path;
    enum signal_kind signal;
} http_paths[] =
    {
        {"/v1/traces", SIGNAL_TRACES},
        {"/v1/logs", SIGNAL_LOGS},
        {"/v1/metrics", SIGNAL_METRICS},
        {"/otlp/v1/logs", SIGNAL_LOGS},              /* as Loki's clients are configured */
        {"/api/v1/otlp/v1/metrics", SIGNAL_METRICS}, /* as Prometheus' clients are configured */
},
  grpc_paths[] = {
      {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", SIGNAL_TRACES},
      {"/opentelemetry.proto.collector.logs.v1.LogsService/Export", SIGNAL_LOGS},
      {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", SIGNAL_METRICS},
};

static bool is(str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static bool is_word(str s, const char *lower)
{
    return s.len == strlen(lower) && strncasecmp(s.ptr, lower, s.len) == 0;
}

/* The media type without its parameters. */
static str media_type(str s)
{
    const char *end = s.len ? memchr(s.ptr, ';', s.len) : NULL;
    if (end) s.len = (size_t)(end - s.ptr);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) s.len--;
    return s;
}

static bool find_compression(str name, enum payload_compression *ret)
{
    if (name.len == 0 || is_word(name, "identity"))
        *ret = PAYLOAD_IDENTITY;
    else if (is_word(name, "gzip"))
        *ret = PAYLOAD_GZIP;
    else if (is_word(name, "zstd"))
        *ret = PAYLOAD_ZSTD;
    else
        return false;
    return true;
}

static status refuse(struct route *r, unsigned http_status, struct err *err, status st,
                     const char *why, str what)
{
    r->http_status = http_status;
    int n = what.len < 100 ? (int)what.len : 100;
    return err_set(err, st, ERR_NOPOS, "%s%s%.*s", why, what.len ? ": " : "", n,
                   what.ptr ? what.ptr : "");
}

/* grpc-timeout: at most eight digits and a unit (gRPC over HTTP/2, "Requests"). */
static bool find_timeout(str s, nanos *ret)
{
    static const struct {
        char unit;
        nanos length;
    } units[] = {{'H', 3600 * NANOS_S}, {'M', 60 * NANOS_S}, {'S', NANOS_S},
                 {'m', NANOS_MS},       {'u', 1000},         {'n', 1}};
    uint64_t n;
    if (s.len < 2 || s.len > 9 || !num_parse_u64((str){s.ptr, s.len - 1}, &n)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (s.ptr[s.len - 1] != units[i].unit) continue;
        nanos most = 365 * NANOS_DAY; /* 99999999H is no deadline, and more than fits */
        *ret = (nanos)n > most / units[i].length ? most : (nanos)n * units[i].length;
        if (*ret == 0) *ret = 1; /* it has passed already */
        return true;
    }
    return false;
}

static status route_grpc(const struct http_request *req, str type, struct route *r, struct err *err)
{
    r->protocol = OTLP_GRPC;
    r->known_protocol = true;
    if (!req->http2) {
        r->protocol = OTLP_HTTP_JSON; /* nobody there would understand trailers */
        return refuse(r, 0, err, ST_MEDIA_TYPE, "gRPC needs HTTP/2", (str){0});
    }
    if (!is(req->method, "POST")) {
        r->protocol = OTLP_HTTP_JSON;
        return refuse(r, 405, err, ST_UNSUPPORTED, "gRPC is POST only", req->method);
    }
    if (!is_word(type, "application/grpc") && !is_word(type, "application/grpc+proto"))
        return refuse(r, 0, err, ST_UNSUPPORTED, "gRPC messages are served as protobuf only", type);
    for (size_t i = 0; i < sizeof grpc_paths / sizeof *grpc_paths; i++) {
        if (!is(req->path, grpc_paths[i].path)) continue;
        r->signal = grpc_paths[i].signal;
        str encoding = http_header_get(req, S("grpc-encoding"));
        if (!find_compression(encoding, &r->compression))
            return refuse(r, 0, err, ST_UNSUPPORTED,
                          "grpc-encoding is not one of identity, gzip, zstd", encoding);
        str timeout = http_header_get(req, S("grpc-timeout"));
        if (timeout.ptr && !find_timeout(timeout, &r->timeout))
            return refuse(r, 0, err, ST_INVALID, "grpc-timeout is not up to 8 digits and a unit",
                          timeout);
        return ST_OK;
    }
    return refuse(r, 0, err, ST_UNSUPPORTED, "unknown service or method", req->path);
}

/* The value of the media type's parameter proto; 1.0 when there is none. */
static enum otlp_protocol remote_write_version(str type, bool *known)
{
    static const char key[] = "proto=";
    str rest = str_drop(type, media_type(type).len);
    const char *at = rest.len ? memmem(rest.ptr, rest.len, key, sizeof key - 1) : NULL;
    *known = is_word(media_type(type), "application/x-protobuf");
    if (!at) return REMOTE_WRITE_1;
    str proto = media_type(str_drop(rest, (size_t)(at - rest.ptr) + sizeof key - 1));
    if (is(proto, "io.prometheus.write.v2.Request")) return REMOTE_WRITE_2;
    *known = *known && is(proto, "prometheus.WriteRequest");
    return REMOTE_WRITE_1;
}

static status route_remote_write(const struct http_request *req, struct route *r, struct err *err)
{
    str type = http_header_get(req, S("content-type"));
    str encoding = http_header_get(req, S("content-encoding"));
    bool known;
    r->signal = SIGNAL_METRICS;
    r->protocol = remote_write_version(type, &known);
    r->known_protocol = true;
    r->compression = PAYLOAD_SNAPPY;
    if (!is(req->method, "POST"))
        return refuse(r, 405, err, ST_UNSUPPORTED, "remote write is POST only", req->method);
    if (!known)
        return refuse(
            r, 0, err, ST_MEDIA_TYPE,
            "content-type is not application/x-protobuf, with proto=prometheus.WriteRequest "
            "or proto=io.prometheus.write.v2.Request",
            type);
    if (!is_word(encoding, "snappy"))
        return refuse(r, 0, err, ST_MEDIA_TYPE, "content-encoding is not snappy", encoding);
    return ST_OK;
}

status route_request(const struct http_request *req, struct route *ret, struct err *err)
{
    *ret = (struct route){.protocol = OTLP_HTTP_JSON};
    if (is(req->path, "/api/v1/write")) return route_remote_write(req, ret, err);
    str type = media_type(http_header_get(req, S("content-type")));
    static const char grpc[] = "application/grpc";
    if (type.len >= sizeof grpc - 1 && strncasecmp(type.ptr, grpc, sizeof grpc - 1) == 0 &&
        (type.len == sizeof grpc - 1 || type.ptr[sizeof grpc - 1] == '+'))
        return route_grpc(req, type, ret, err);

    if (is_word(type, "application/x-protobuf")) ret->protocol = OTLP_HTTP_PROTOBUF;
    ret->known_protocol = ret->protocol == OTLP_HTTP_PROTOBUF || is_word(type, "application/json");

    size_t i = 0, n = sizeof http_paths / sizeof *http_paths;
    while (i < n && !is(req->path, http_paths[i].path)) i++;
    if (i == n) return refuse(ret, 0, err, ST_NOT_FOUND, "no such path", req->path);
    ret->signal = http_paths[i].signal;
    if (is(req->method, "OPTIONS")) {
        ret->preflight = true;
        return ST_OK;
    }
    if (!is(req->method, "POST"))
        return refuse(ret, 405, err, ST_UNSUPPORTED, "OTLP is POST only", req->method);
    if (!ret->known_protocol)
        return refuse(ret, 0, err, ST_MEDIA_TYPE,
                      "content-type is not application/x-protobuf or application/json", type);
    str encoding = http_header_get(req, S("content-encoding"));
    if (!find_compression(encoding, &ret->compression))
        return refuse(ret, 0, err, ST_MEDIA_TYPE,
                      "content-encoding is not one of identity, gzip, zstd", encoding);
    return ST_OK;
}

/* One member of a list between commas, and its q when it has one. */
static bool names_gzip(str member)
{
    const char *semi = member.len ? memchr(member.ptr, ';', member.len) : NULL;
    str name = media_type(member), rest = {0};
    while (name.len && (name.ptr[0] == ' ' || name.ptr[0] == '\t')) name = str_drop(name, 1);
    if (semi) rest = str_drop(member, (size_t)(semi - member.ptr) + 1);
    bool refused = false; /* "q=0", "q=0.000" */
    if (rest.len) {
        while (rest.len && rest.ptr[0] == ' ') rest = str_drop(rest, 1);
        refused = rest.len >= 3 && (rest.ptr[0] | 32) == 'q' && rest.ptr[1] == '=';
        for (size_t i = 2; refused && i < rest.len; i++)
            refused = rest.ptr[i] == '0' || rest.ptr[i] == '.' || rest.ptr[i] == ' ';
    }
    return is_word(name, "gzip") && !refused;
}

bool route_takes_gzip(const struct http_request *req)
{
    str list = http_header_get(req, S("accept-encoding"));
    while (list.len) {
        const char *comma = memchr(list.ptr, ',', list.len);
        str one = {list.ptr, comma ? (size_t)(comma - list.ptr) : list.len};
        list = str_drop(list, one.len + 1);
        if (names_gzip(one)) return true;
    }
    return false;
}
