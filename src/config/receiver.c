/* The otlp receiver of the Collector's shape, and service.telemetry.logs, as options of weir.
 *
 * Both ports of weir take every protocol and share one set of limits, so what can be said for each
 * protocol must be said alike for both. */
#include "config/receiver.h"

#include <stdio.h>

#include "config/authenticator.h"
#include "config/set.h"

static const struct refusal of_protocols[] = {
    {S("transport"), S("tcp"), "weir listens on TCP only"},
    {S("include_metadata"), S("false"), "nothing in weir reads a request's metadata; leave it out"},
    {S("read_buffer_size"), S(""), "weir chooses its buffers; leave it out"},
    {S("write_buffer_size"), S(""), "weir chooses its buffers; leave it out"},
    {S("max_concurrent_streams"), S(""), "weir allows 256 streams on a connection; leave it out"},
    {S("keepalive"), S(""),
     "weir answers every ping and closes connections idle for two minutes; leave it out"},
    {S("traces_url_path"), S("/v1/traces"), "weir takes traces at /v1/traces"},
    {S("metrics_url_path"), S("/v1/metrics"), "weir takes metrics at /v1/metrics"},
    {S("logs_url_path"), S("/v1/logs"), "weir takes logs at /v1/logs"},
    {S("profiles_url_path"), S(""), "weir takes traces, metrics and logs, not profiles"},
    {S("response_headers"), S(""), "weir adds no headers to its answers; leave it out"},
    {S("compression_algorithms"), S(""), "weir takes gzip, zstd and none; leave it out"},
    {S("read_timeout"), S(""), "weir has timeouts of its own; leave it out"},
    {S("read_header_timeout"), S(""), "weir has timeouts of its own; leave it out"},
    {S("write_timeout"), S(""), "weir has timeouts of its own; leave it out"},
    {S("idle_timeout"), S(""), "weir has timeouts of its own; leave it out"},
    {S("keep_alives_enabled"), S("true"), "weir keeps connections open"},
};

/* MiB as the option's size, and the same for what it is after decompression. `other`: what the
 * other protocol says; weir has one limit. */
static status body_limit(struct config *c, const struct tree *t, const struct tree *other,
                         uint64_t unit, uint64_t *io, struct err *err)
{
    if (!t || t->kind == TREE_NULL) return ST_OK;
    uint64_t v = 0;
    TRY(tree_u64(t->parent, t->key, 1, UINT64_MAX / unit, &v, err));
    v *= unit;
    if (other && *io != v)
        return tree_fail(t, err,
                         "grpc and http say different limits; weir has one for both: "
                         "receive.max_body");
    *io = v;
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    TRY(set_from(c, t, S("receive.max_body"), str_of(text), err));
    return set_from(c, t, S("receive.max_decompressed"), str_of(text), err);
}

static const struct refusal of_tls[] = {
    {S("ca_file"), S(""), "clients' certificates are checked by client_ca_file; leave it out"},
    {S("ca_pem"), S(""), "clients' certificates are checked by client_ca_file; leave it out"},
    {S("cert_pem"), S(""), "write it to a file, and name it by cert_file"},
    {S("key_pem"), S(""), "write it to a file, and name it by key_file"},
    {S("max_version"), S("1.3"), "weir speaks up to TLS 1.3"},
    {S("cipher_suites"), S(""), "weir chooses its ciphers; leave it out"},
    {S("curve_preferences"), S(""), "weir chooses its curves; leave it out"},
    {S("reload_interval"), S(""), "weir reads a changed file again by itself; leave it out"},
    {S("client_ca_file_reload"), S("true"), "weir reads a changed file again by itself"},
    {S("include_system_ca_certs_pool"), S("false"), "client_ca_file alone says who may send"},
};

/* `prefix`: "receive.grpc.tls." or the other. */
static status tls(struct config *c, const struct tree *map, const char *prefix, struct err *err)
{
    static const str keys[] = {S("cert_file"), S("key_file"), S("client_ca_file"),
                               S("min_version")};
    if (!map || map->kind == TREE_NULL) return ST_OK;
    TRY(REFUSE(map, err, of_tls));
    TRY(TREE_ONLY(map, err, S("cert_file"), S("key_file"), S("client_ca_file"), S("min_version"),
                  S("max_version"), S("client_ca_file_reload"), S("include_system_ca_certs_pool")));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s" STR_FMT, prefix, STR_ARG(keys[i]));
        TRY(set_scalar(c, map, keys[i], str_of(name), err));
    }
    if (!tree_get(map, S("cert_file")) || !tree_get(map, S("key_file")))
        return tree_fail_key(map, err, "TLS needs cert_file and key_file");
    return ST_OK;
}

/* A list as an option's text, with commas between. */
static status set_list(struct config *c, const struct tree *map, str key, str option,
                       struct err *err)
{
    str *all;
    size_t n = 0;
    TRY(tree_texts(c->arena, map, key, &all, &n, err));
    if (n == 0) return ST_OK;
    struct buf text;
    buf_init(&text, 1u << 16);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(&text, ',');
        buf_add(&text, all[i]);
    }
    status s = set_from(c, tree_get(map, key), option, buf_str(&text), err);
    buf_done(&text);
    return s;
}

static status cors(struct config *c, const struct tree *map, struct err *err)
{
    TRY(TREE_ONLY(map, err, S("allowed_origins"), S("allowed_headers"), S("max_age")));
    TRY(set_list(c, map, S("allowed_origins"), S("receive.http.cors.allowed_origins"), err));
    TRY(set_list(c, map, S("allowed_headers"), S("receive.http.cors.allowed_headers"), err));
    const struct tree *t = tree_get(map, S("max_age"));
    if (!t || t->kind == TREE_NULL) return ST_OK;
    uint64_t seconds = 0;
    TRY(tree_u64(map, S("max_age"), 0, 86400, &seconds, err));
    char text[32];
    snprintf(text, sizeof text, "%llus", (unsigned long long)seconds);
    return set_from(c, t, S("receive.http.cors.max_age"), str_of(text), err);
}

static status protocols(struct config *c, const struct tree *root, const struct tree *map,
                        struct err *err)
{
    if (!map || map->kind == TREE_NULL) return ST_OK;
    TRY(TREE_ONLY(map, err, S("grpc"), S("http")));
    const struct tree *grpc = tree_get(map, S("grpc")), *http = tree_get(map, S("http"));
    TRY(REFUSE(grpc, err, of_protocols));
    TRY(REFUSE(http, err, of_protocols));
    TRY(TREE_ONLY(grpc, err, S("endpoint"), S("transport"), S("max_recv_msg_size_mib"),
                  S("include_metadata"), S("tls"), S("auth")));
    TRY(TREE_ONLY(http, err, S("endpoint"), S("transport"), S("max_request_body_size"),
                  S("include_metadata"), S("traces_url_path"), S("metrics_url_path"),
                  S("logs_url_path"), S("keep_alives_enabled"), S("tls"), S("auth"), S("cors")));
    if (!grpc && !http) return tree_fail_key(map, err, "neither grpc nor http");
    if (!grpc) TRY(set_from(c, map, S("receive.grpc.endpoint"), S(""), err));
    if (!http) TRY(set_from(c, map, S("receive.http.endpoint"), S(""), err));
    if (!grpc && !http) return tree_fail_key(map, err, "neither grpc nor http");
    if (!grpc) TRY(set_from(c, map, S("receive.grpc.endpoint"), S(""), err));
    if (!http) TRY(set_from(c, map, S("receive.http.endpoint"), S(""), err));
    TRY(set_scalar(c, grpc, S("endpoint"), S("receive.grpc.endpoint"), err));
    TRY(set_scalar(c, http, S("endpoint"), S("receive.http.endpoint"), err));
    const struct tree *message = tree_get(grpc, S("max_recv_msg_size_mib")),
                      *body = tree_get(http, S("max_request_body_size"));
    uint64_t limit = 0;
    TRY(body_limit(c, message, NULL, 1u << 20, &limit, err));
    TRY(body_limit(c, body, message, 1, &limit, err));
    TRY(tls(c, tree_get(grpc, S("tls")), "receive.grpc.tls.", err));
    TRY(tls(c, tree_get(http, S("tls")), "receive.http.tls.", err));
    TRY(cors(c, tree_get(http, S("cors")), err));
    return authenticator_options(c, root, grpc, http, err);
}

static status receivers(struct config *c, const struct tree *root, struct err *err)
{
    const struct tree *map = tree_get(root, S("receivers"));
    if (!map || map->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(map, TREE_MAP, err));
    for (const struct tree *r = map->first; r; r = r->next) {
        bool otlp = r->key.len >= 4 && memcmp(r->key.ptr, "otlp", 4) == 0 &&
                    (r->key.len == 4 || r->key.ptr[4] == '/');
        if (!otlp)
            return tree_fail_key(r, err, "no such receiver: weir receives OTLP, by an \"otlp\"");
        if (r != map->first)
            return tree_fail_key(r, err,
                                 "a second otlp receiver; weir has one, with a port for grpc "
                                 "and one for http, and both take every protocol");
        TRY(TREE_ONLY(r, err, S("protocols")));
        TRY(protocols(c, root, tree_get(r, S("protocols")), err));
    }
    return ST_OK;
}

static status telemetry(struct config *c, const struct tree *map, struct err *err)
{
    static const struct refusal ours[] = {
        {S("metrics"), S(""), "weir's own metrics are at admin.endpoint, /metrics; leave it out"},
        {S("traces"), S(""), "weir makes no traces of itself; leave it out"},
        {S("resource"), S(""), "weir's own metrics have no resource; leave it out"},
    };
    static const struct refusal of_logs[] = {
        {S("development"), S("false"), "weir's log has no development mode"},
        {S("disable_caller"), S(""), "weir's log names no callers; leave it out"},
        {S("disable_stacktrace"), S(""), "weir's log has no stack traces; leave it out"},
        {S("sampling"), S(""), "weir's log is not sampled; leave it out"},
        {S("output_paths"), S(""), "weir logs to standard error; leave it out"},
        {S("error_output_paths"), S(""), "weir logs to standard error; leave it out"},
        {S("initial_fields"), S(""), "weir's log lines have no further fields; leave it out"},
        {S("processors"), S(""), "weir's log goes to standard error only; leave it out"},
    };
    TRY(REFUSE(map, err, ours));
    TRY(TREE_ONLY(map, err, S("logs")));
    const struct tree *logs = tree_get(map, S("logs"));
    TRY(REFUSE(logs, err, of_logs));
    TRY(TREE_ONLY(logs, err, S("level"), S("encoding"), S("development")));
    uint32_t encoding = 0;
    TRY(tree_choice(logs, S("encoding"), "console|json", &encoding, err));
    const struct tree *said = tree_get(logs, S("encoding"));
    if (said && said->kind == TREE_SCALAR)
        TRY(set_from(c, said, S("log.format"), encoding ? S("json") : S("logfmt"), err));
    const struct tree *level = tree_get(logs, S("level"));
    if (!level || level->kind == TREE_NULL) return ST_OK;
    TRY(tree_expect(level, TREE_SCALAR, err));
    static const str words[] = {S("debug"), S("info"), S("warn"), S("error")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) /* the Collector writes INFO too */
        if (str_eq_fold(words[i], level->text))
            return set_from(c, level, S("log.level"), words[i], err);
    return tree_fail(level, err, "\"" STR_FMT "\" is not one of debug|info|warn|error",
                     STR_ARG(level->text));
}

status receiver_options(struct config *c, const struct tree *root, struct err *err)
{
    TRY(receivers(c, root, err));
    return telemetry(c, tree_get(tree_get(root, S("service")), S("telemetry")), err);
}
