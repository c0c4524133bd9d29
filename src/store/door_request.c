#include "store/door_request.h"

#include "store/sql_text.h"

enum field_kind {
    FIELD_QUERY,
    FIELD_DATABASE,
    FIELD_FORMAT,
    FIELD_QUERY_ID,
    FIELD_READ_ONLY,
    FIELD_WHOLE,
    FIELD_ACCEPTED, /* right whatever it says: who asks, how the answer might be sent */
    FIELD_REFUSED,  /* would change the answer, and is not served */
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
    {S("readonly"), FIELD_READ_ONLY},
    {S("wait_end_of_query"), FIELD_WHOLE},
    {S("user"), FIELD_ACCEPTED},
    {S("password"), FIELD_ACCEPTED},
    {S("quota_key"), FIELD_ACCEPTED},
    {S("buffer_size"), FIELD_ACCEPTED},
    {S("client_protocol_version"), FIELD_ACCEPTED},
    {S("enable_http_compression"), FIELD_ACCEPTED},
    {S("http_write_exception_in_output_format"), FIELD_ACCEPTED},
    {S("send_progress_in_http_headers"), FIELD_ACCEPTED},
    {S("cancel_http_readonly_queries_on_client_close"), FIELD_ACCEPTED}, /* always so here */
    {S("compress"), FIELD_REFUSED},
    {S("decompress"), FIELD_REFUSED},
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

static status take_field(struct door_request *r, str name, str value, int *ret_code,
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
    case FIELD_READ_ONLY: r->read_only |= is_on(value); return ST_OK;
    case FIELD_WHOLE: r->whole = is_on(value); return ST_OK;
    case FIELD_ACCEPTED: return ST_OK;
    case FIELD_REFUSED:
        if (!is_on(value)) return ST_OK;
        *ret_code = 48;
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "parameter " STR_FMT " is not served here",
                       STR_ARG(name));
    case FIELD_SETTING: break;
    }
    if (!sql_is_name(name)) {
        *ret_code = 115;
        return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is no setting", STR_ARG(name));
    }
    r->settings[r->n_settings++] = (struct store_setting){name, value};
    return ST_OK;
}

static size_t count_fields(str query)
{
    size_t n = 1;
    for (size_t i = 0; i < query.len; i++) n += query.ptr[i] == '&';
    return n;
}

static status read_fields(struct arena *a, str query, struct door_request *r, int *ret_code,
                          struct err *err)
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
        TRY(take_field(r, name, value, ret_code, err));
    }
    return ST_OK;
}

static status read_encoding(str name, enum payload_compression *ret, int *ret_code, struct err *err)
{
    if (!name.len || str_eq(name, S("identity")))
        *ret = PAYLOAD_IDENTITY;
    else if (str_eq(name, S("gzip")) || str_eq(name, S("x-gzip")))
        *ret = PAYLOAD_GZIP;
    else if (str_eq(name, S("zstd")))
        *ret = PAYLOAD_ZSTD;
    else {
        *ret_code = 48;
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS,
                       "Content-Encoding " STR_FMT ": only gzip and zstd are served",
                       STR_ARG(name));
    }
    return ST_OK;
}

status door_request_read(struct arena *a, const struct http_request *req, struct door_request *ret,
                         int *ret_code, struct err *err)
{
    struct door_request r = {.get =
                                 str_eq(req->method, S("GET")) || str_eq(req->method, S("HEAD"))};
    r.database = http_header_get(req, S("x-clickhouse-database"));
    r.format = http_header_get(req, S("x-clickhouse-format"));
    r.query_id = http_header_get(req, S("x-clickhouse-query-id"));
    TRY(read_encoding(http_header_get(req, S("content-encoding")), &r.encoding, ret_code, err));
    TRY(read_fields(a, req->query, &r, ret_code, err));
    if (!r.format.len) r.format = S("TabSeparated");
    r.read_only |= r.get;
    *ret = r;
    return ST_OK;
}
