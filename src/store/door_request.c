#include "store/door_request.h"

#include "base/hex.h"
#include "base/num.h"
#include "store/door_encode.h"
#include "store/door_native.h"
#include "store/sql_text.h"

enum { BASIC_MAX = 8192 };

enum field_kind {
    FIELD_QUERY,
    FIELD_DATABASE,
    FIELD_FORMAT,
    FIELD_QUERY_ID,
    FIELD_USER,
    FIELD_PASSWORD,
    FIELD_READ_ONLY,
    FIELD_WHOLE,
    FIELD_BUFFER,
    FIELD_PROGRESS,
    FIELD_REVISION,
    FIELD_FRAMES_IN,
    FIELD_FRAMES_OUT,
    FIELD_HTTP_COMPRESSION,
    FIELD_ALWAYS,  /* what it asks for is always so here */
    FIELD_REFUSED, /* would change the answer, and is not served */
    FIELD_SETTING,
};

static const struct {
    str name;
    enum field_kind kind;
} fields[] = {
    {S("query"), FIELD_QUERY},
    {S("database"), FIELD_DATABASE},
    {S("default_format"), FIELD_FORMAT},
    {S("query_id"), FIELD_QUERY_ID},
    {S("user"), FIELD_USER},
    {S("password"), FIELD_PASSWORD},
    {S("readonly"), FIELD_READ_ONLY},
    {S("wait_end_of_query"), FIELD_WHOLE},
    {S("buffer_size"), FIELD_BUFFER},
    {S("send_progress_in_http_headers"), FIELD_PROGRESS},
    {S("client_protocol_version"), FIELD_REVISION},
    {S("decompress"), FIELD_FRAMES_IN},
    {S("compress"), FIELD_FRAMES_OUT},
    {S("enable_http_compression"), FIELD_HTTP_COMPRESSION},
    {S("cancel_http_readonly_queries_on_client_close"), FIELD_ALWAYS},
    {S("http_write_exception_in_output_format"), FIELD_REFUSED},
    {S("quota_key"), FIELD_REFUSED},
    {S("session_id"), FIELD_REFUSED},
    {S("session_timeout"), FIELD_REFUSED},
    {S("session_check"), FIELD_REFUSED},
    {S("role"), FIELD_REFUSED},
    {S("query_kind"), FIELD_REFUSED},
};

static enum field_kind kind_of(str name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq(fields[i].name, name)) return fields[i].kind;
    return FIELD_SETTING;
}

static bool is_param(str name) { return name.len > 6 && memcmp(name.ptr, "param_", 6) == 0; }
static bool is_on(str value)
{
    return value.len && !str_eq(value, S("0")) && !str_eq(value, S("false"));
}

static status refuse(str name, str value, int *ret_code, struct err *err)
{
    if (!is_on(value)) return ST_OK;
    *ret_code = 48;
    if (str_eq(name, S("session_id")))
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                       "Sessions are not served here: send settings with each query, and no "
                       "session_id");
    return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "parameter " STR_FMT " is not served here",
                   STR_ARG(name));
}

static status take_number(str name, str value, uint64_t *ret, int *ret_code, struct err *err)
{
    if (num_parse_u64(value, ret)) return ST_OK;
    *ret_code = 36;
    return err_set(err, ST_INVALID, ERR_NOPOS, STR_FMT "=" STR_FMT " is no number", STR_ARG(name),
                   STR_ARG(value));
}

static status take_revision(struct door_request *r, str name, str value, int *ret_code,
                            struct err *err)
{
    TRY(take_number(name, value, &r->revision, ret_code, err));
    if (!r->revision || (r->revision >= DOOR_REVISION_LEAST && r->revision <= DOOR_REVISION_MOST))
        return ST_OK;
    *ret_code = 48;
    return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                   "client_protocol_version " STR_FMT " is not served here: 0 or %d to %d",
                   STR_ARG(value), DOOR_REVISION_LEAST, DOOR_REVISION_MOST);
}

static status take_setting(struct door_request *r, str name, str value, int *ret_code,
                           struct err *err)
{
    if (!sql_is_name(name)) {
        *ret_code = 115;
        return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is no setting", STR_ARG(name));
    }
    r->settings[r->n_settings++] = (struct store_setting){name, value};
    return ST_OK;
}

/* What the URL says beside the statement. */
struct url {
    str user, password;
    bool has_user, has_password, http_compression;
};

static status take_field(struct door_request *r, struct url *u, str name, str value, int *ret_code,
                         struct err *err)
{
    if (is_param(name)) {
        r->params[r->n_params++] = (struct store_param){str_drop(name, 6), value};
        return ST_OK;
    }
    switch (kind_of(name)) {
    case FIELD_QUERY:
        r->query = value;
        r->has_query = true;
        return ST_OK;
    case FIELD_DATABASE: r->database = value; return ST_OK;
    case FIELD_FORMAT: r->format = value; return ST_OK;
    case FIELD_QUERY_ID: r->query_id = value; return ST_OK;
    case FIELD_USER:
        u->user = value;
        u->has_user = true;
        return ST_OK;
    case FIELD_PASSWORD:
        u->password = value;
        u->has_password = true;
        return ST_OK;
    case FIELD_READ_ONLY: r->read_only |= is_on(value); return ST_OK;
    case FIELD_WHOLE: r->whole = is_on(value); return ST_OK;
    case FIELD_BUFFER: return take_number(name, value, &r->buffer_size, ret_code, err);
    case FIELD_PROGRESS: r->progress = is_on(value); return ST_OK;
    case FIELD_REVISION: return take_revision(r, name, value, ret_code, err);
    case FIELD_FRAMES_IN: r->frames_in = is_on(value); return ST_OK;
    case FIELD_FRAMES_OUT: r->frames_out = is_on(value); return ST_OK;
    case FIELD_HTTP_COMPRESSION: u->http_compression = is_on(value); return ST_OK;
    case FIELD_ALWAYS: return ST_OK;
    case FIELD_REFUSED: return refuse(name, value, ret_code, err);
    case FIELD_SETTING: break;
    }
    return take_setting(r, name, value, ret_code, err);
}

static size_t count_fields(str query)
{
    size_t n = 1;
    for (size_t i = 0; i < query.len; i++) n += query.ptr[i] == '&';
    return n;
}

static status read_fields(struct arena *a, str query, struct door_request *r, struct url *u,
                          int *ret_code, struct err *err)
{
    size_t n = count_fields(query);
    if (n > DOOR_FIELDS_MAX) {
        *ret_code = 36;
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%zu URL parameters, limit %d", n,
                       DOOR_FIELDS_MAX);
    }
    r->params = arena_array(a, struct store_param, n);
    r->settings = arena_array(a, struct store_setting, n);
    while (query.len) {
        const char *end = memchr(query.ptr, '&', query.len);
        str pair = {query.ptr, end ? (size_t)(end - query.ptr) : query.len};
        query = str_drop(query, pair.len + 1);
        if (!pair.len) continue;
        const char *eq = memchr(pair.ptr, '=', pair.len);
        size_t len = eq ? (size_t)(eq - pair.ptr) : pair.len;
        str name = http_decode(a, (str){pair.ptr, len}, true);
        str value = http_decode(a, str_drop(pair, len + 1), true);
        TRY(take_field(r, u, name, value, ret_code, err));
    }
    return ST_OK;
}

/* ---- who asks ---- */

static status not_authenticated(int *ret_code, struct err *err, const char *why)
{
    *ret_code = 516;
    return err_set(err, ST_UNAUTHORIZED, ERR_NOPOS, "Invalid authentication: %s", why);
}

static status read_basic(struct arena *a, str header, struct door_request *r, int *ret_code,
                         struct err *err)
{
    str scheme = S("Basic ");
    if (header.len <= scheme.len || !str_eq_fold((str){header.ptr, scheme.len}, scheme))
        return not_authenticated(ret_code, err,
                                 "of the Authorization header's schemes only Basic is served here");
    str packed = str_drop(header, scheme.len);
    char *text = arena_alloc(a, BASIC_MAX, 1);
    size_t n = 0;
    const char *colon = NULL;
    if (packed.len <= BASIC_MAX && base64_decode(packed, text, &n)) colon = memchr(text, ':', n);
    if (!colon) return not_authenticated(ret_code, err, "malformed Authorization header");
    r->user = (str){text, (size_t)(colon - text)};
    r->password = str_drop((str){text, n}, r->user.len + 1);
    return ST_OK;
}

/* One way at a time, as in ClickHouse; a user's name in the URL with its password elsewhere is
 * none.
 */
static status read_credentials(struct arena *a, const struct http_request *req, const struct url *u,
                               struct door_request *r, int *ret_code, struct err *err)
{
    str authorization = http_header_get(req, S("authorization"));
    str user = http_header_get(req, S("x-clickhouse-user"));
    str key = http_header_get(req, S("x-clickhouse-key"));
    bool by_headers = user.ptr || key.ptr, by_url = u->has_user || u->has_password;
    if (str_eq(http_header_get(req, S("x-clickhouse-ssl-certificate-auth")), S("on")))
        return not_authenticated(ret_code, err, "certificates are not served here");
    if (by_headers && authorization.ptr)
        return not_authenticated(ret_code, err,
                                 "it is not allowed to use X-ClickHouse HTTP headers and "
                                 "Authorization HTTP header simultaneously");
    if (by_headers && by_url)
        return not_authenticated(ret_code, err,
                                 "it is not allowed to use X-ClickHouse HTTP headers and "
                                 "authentication via parameters simultaneously");
    if (authorization.ptr && by_url)
        return not_authenticated(ret_code, err,
                                 "it is not allowed to use Authorization HTTP header and "
                                 "authentication via parameters simultaneously");
    if (authorization.ptr)
        TRY(read_basic(a, authorization, r, ret_code, err));
    else {
        r->user = by_headers ? user : u->user;
        r->password = by_headers ? key : u->password;
    }
    if (!r->user.len) r->user = S("default");
    return ST_OK;
}

static status read_encoding(str name, enum door_coding *ret, int *ret_code, struct err *err)
{
    if (door_coding_of(name, ret)) return ST_OK;
    *ret_code = 48;
    return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                   "Content-Encoding " STR_FMT
                   " is not served here: gzip, deflate, br, lz4 and zstd are",
                   STR_ARG(name));
}

status door_request_read(struct arena *a, const struct http_request *req, struct door_request *ret,
                         int *ret_code, struct err *err)
{
    struct door_request r = {.get =
                                 str_eq(req->method, S("GET")) || str_eq(req->method, S("HEAD"))};
    struct url u = {};
    r.database = http_header_get(req, S("x-clickhouse-database"));
    r.format = http_header_get(req, S("x-clickhouse-format"));
    r.query_id = http_header_get(req, S("x-clickhouse-query-id"));
    TRY(read_fields(a, req->query, &r, &u, ret_code, err));
    TRY(read_credentials(a, req, &u, &r, ret_code, err));
    TRY(read_encoding(http_header_get(req, S("content-encoding")), &r.encoding, ret_code, err));
    str type = http_header_get(req, S("content-type")), form = S("multipart/form-data");
    if (type.len >= form.len && str_eq_fold((str){type.ptr, form.len}, form)) {
        *ret_code = 48;
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                       "multipart/form-data (external tables) is not served here");
    }
    if (u.http_compression)
        r.answer_encoding = door_coding_accepted(http_header_get(req, S("accept-encoding")));
    if (!r.format.len) r.format = S("TabSeparated");
    r.read_only |= r.get;
    *ret = r;
    return ST_OK;
}
