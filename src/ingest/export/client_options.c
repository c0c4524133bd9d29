#include "ingest/export/client_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ingest/export/exporter.h"

/* A file that must be there and readable now, so that a wrong path is told at start. */
static status read_path(struct arena *a, const struct tree *tls, str key, const char **io,
                        struct err *err)
{
    str text = {0};
    TRY(tree_text(tls, key, &text, err));
    if (text.len == 0) return ST_OK;
    const char *path = export_text(a, text);
    if (access(path, R_OK) != 0)
        return export_unavailable(tree_get(tls, key), err, "cannot read", path, errno);
    *io = path;
    return ST_OK;
}

static status one_of(const struct tree *tls, str file, str pem, struct err *err)
{
    const struct tree *at = tree_get(tls, pem);
    if (!at || !tree_get(tls, file)) return ST_OK;
    return tree_fail_key(at, err, "say this or " STR_FMT ", not both", STR_ARG(file));
}

static status read_tls(struct arena *a, const struct tree *options, struct client_tls *io,
                       struct err *err)
{
    const struct tree *t = tree_get(options, S("tls"));
    TRY(TREE_ONLY(t, err, S("insecure"), S("insecure_skip_verify"), S("ca_file"), S("cert_file"),
                  S("key_file"), S("ca_pem"), S("cert_pem"), S("key_pem"),
                  S("server_name_override"), S("min_version")));
    str name = {0};
    TRY(tree_flag(t, S("insecure"), &io->insecure, err));
    TRY(tree_flag(t, S("insecure_skip_verify"), &io->insecure_skip_verify, err));
    TRY(one_of(t, S("ca_file"), S("ca_pem"), err));
    TRY(one_of(t, S("cert_file"), S("cert_pem"), err));
    TRY(one_of(t, S("key_file"), S("key_pem"), err));
    TRY(read_path(a, t, S("ca_file"), &io->ca_file, err));
    TRY(read_path(a, t, S("cert_file"), &io->cert_file, err));
    TRY(read_path(a, t, S("key_file"), &io->key_file, err));
    TRY(tree_text(t, S("ca_pem"), &io->ca_pem, err));
    TRY(tree_text(t, S("cert_pem"), &io->cert_pem, err));
    TRY(tree_text(t, S("key_pem"), &io->key_pem, err));
    TRY(tree_text(t, S("server_name_override"), &name, err));
    if (name.len) io->server_name = export_text(a, name);
    TRY(tree_choice(t, S("min_version"), "1.0|1.1|1.2|1.3", &io->min_version, err));
    bool cert = io->cert_file || io->cert_pem.len, key = io->key_file || io->key_pem.len;
    if (cert != key)
        return tree_fail(t, err, "a certificate and a key belong together: give both or neither");
    return ST_OK;
}

/* rfc9110 5.6.2 */
static bool is_token(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)) return false;
    }
    return s.len > 0;
}

static bool is_field_value(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

/* Set by the exporter itself. */
static bool is_reserved(str name)
{
    static const str names[] = {{"content-type", 12},
                                {"content-encoding", 16},
                                {"content-length", 14},
                                {"transfer-encoding", 17},
                                {"te", 2},
                                {"connection", 10},
                                {"grpc-timeout", 12},
                                {"grpc-encoding", 13},
                                {"grpc-accept-encoding", 20}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_fold(name, names[i])) return true;
    return false;
}

static status header(struct arena *a, const struct tree *at, str name, str value,
                     struct client_header *ret, struct err *err)
{
    if (!is_token(name)) return tree_fail_key(at, err, "is not the name of a header");
    if (is_reserved(name)) return tree_fail_key(at, err, "this header is the exporter's own");
    if (!is_field_value(value))
        return tree_fail(at, err, "a header's value has no line ends or control characters");
    size_t room = name.len + value.len + 3;
    char *line = arena_alloc(a, room, 1);
    if (value.len)
        snprintf(line, room, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value));
    else
        snprintf(line, room, STR_FMT ";", STR_ARG(name)); /* how curl is told of an empty one */
    ret->line = line;
    return ST_OK;
}

/* A map of names to values, or a list of {name, value}. */
static status read_headers(struct arena *a, const struct tree *options, struct client_options *io,
                           struct err *err)
{
    const struct tree *t = tree_get(options, S("headers"));
    if (!t || t->kind == TREE_NULL) return ST_OK;
    if (t->kind == TREE_SCALAR) return tree_expect(t, TREE_MAP, err);
    io->headers = arena_array(a, struct client_header, t->n);
    for (const struct tree *e = t->first; e; e = e->next) {
        str name = e->key, value = {0};
        const struct tree *at = e;
        if (t->kind == TREE_LIST) {
            TRY(tree_expect(e, TREE_MAP, err));
            TRY(TREE_ONLY(e, err, S("name"), S("value")));
            TRY(tree_text(e, S("name"), &name, err));
            TRY(tree_text(e, S("value"), &value, err));
        } else {
            TRY(tree_expect(e, TREE_SCALAR, err));
            value = e->text;
        }
        TRY(header(a, at, name, value, &io->headers[io->n_headers++], err));
    }
    return ST_OK;
}

static status read_compression(const struct tree *options, struct client_options *io,
                               struct err *err)
{
    const struct tree *at = tree_get(options, S("compression"));
    str name = S("gzip");
    uint64_t level = 0;
    TRY(tree_text(options, S("compression"), &name, err));
    if (str_eq(name, S("gzip")))
        io->compression = PAYLOAD_GZIP, level = 1;
    else if (str_eq(name, S("zstd")))
        io->compression = PAYLOAD_ZSTD, level = 1;
    else if (str_eq(name, S("none")) || name.len == 0)
        io->compression = PAYLOAD_IDENTITY;
    else
        return tree_fail(at, err, "\"" STR_FMT "\" is not there: gzip, zstd or none",
                         STR_ARG(name));
    const struct tree *params = tree_get(options, S("compression_params"));
    TRY(TREE_ONLY(params, err, S("level")));
    if (params && io->compression == PAYLOAD_IDENTITY)
        return tree_fail_key(params, err, "nothing is compressed");
    TRY(tree_u64(params, S("level"), 1, io->compression == PAYLOAD_ZSTD ? 19 : 9, &level, err));
    io->level = (int)level;
    return ST_OK;
}

status client_options_read(struct arena *a, const struct tree *options, nanos default_timeout,
                           struct client_options *ret, struct err *err)
{
    struct client_options o = {.max_request_bytes = 4 << 20, .tls = {.min_version = 2}};
    nanos timeout = default_timeout;
    const struct tree *auth = tree_get(options, S("auth"));
    if (auth && auth->kind != TREE_NULL)
        return tree_fail_key(auth, err,
                             "authenticators are not there: give the header it would set under "
                             "headers (authorization: \"Bearer ${env:TOKEN}\")");
    TRY(read_tls(a, options, &o.tls, err));
    TRY(read_headers(a, options, &o, err));
    TRY(read_compression(options, &o, err));
    TRY(tree_time(options, S("timeout"), NANOS_MS, &timeout, err));
    if (timeout > NANOS_HOUR)
        return tree_fail(tree_get(options, S("timeout")), err, "is longer than an hour");
    o.timeout_ms = (uint32_t)(timeout / NANOS_MS);
    TRY(tree_size(options, S("max_request_size"), &o.max_request_bytes, err));
    if (o.max_request_bytes < 1024 || o.max_request_bytes > 256 << 20)
        return tree_fail(tree_get(options, S("max_request_size")), err,
                         "is not between 1KiB and 256MiB");
    *ret = o;
    return ST_OK;
}
