/* The server driver: statements through ClickHouse's HTTP interface. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/compress.h"
#include "store/driver.h"
#include "store/pool.h"
#include "store/server_request.h"
#include "store/server_url.h"
#include "store/sql_text.h"

enum {
    CONNECTIONS_LEAST = 5,
    CONNECTIONS_MOST = 50,
    URL_BYTES = 1 << 20,
    INPUT_BYTES = 256 << 20, /* an INSERT in pieces is sent whole */
    ZSTD_LEVEL = 1,
};

struct server {
    struct store store;
    char *url, *database;
    uint32_t connect_timeout_ms;
    bool remote;                   /* then bodies are compressed */
    struct curl_slist *headers;    /* of every request */
    struct curl_slist *compressed; /* of a request whose body is compressed */
    struct pool *pool;
    unsigned n;
    struct server_connection connections[];
};

struct server_input {
    struct store_input input;
    struct buf sql, format, database, data;
    struct store_setting *settings; /* one block with their text */
    struct store_query q;
};

static struct server *of(struct store *s) { return (struct server *)s; }
static void close_store(struct store *s)
{
    struct server *v = of(s);
    for (unsigned i = 0; i < v->n; i++) server_connection_close(&v->connections[i]);
    pool_free(v->pool);
    curl_slist_free_all(v->headers);
    curl_slist_free_all(v->compressed);
    free(v->url);
    free(v->database);
    free(v);
}

static status run(struct server *v, enum pool_use use, struct server_request *r,
                  struct store_stats *ret, struct err *err)
{
    unsigned slot = 0;
    TRY(pool_take(v->pool, use, clock_monotonic() + r->timeout_ms * NANOS_MS, r->cancel, &slot,
                  err));
    status s = server_request_run(&v->connections[slot], r, ret, err);
    pool_give(v->pool, slot);
    return s;
}

static status query_in(struct server *v, str database, const struct store_query *q,
                       bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                       struct err *err)
{
    struct buf url;
    buf_init(&url, URL_BYTES);
    server_url(&url, str_of(v->url), database, q, SERVER_URL_QUERY);
    buf_char(&url, '\0');
    status s = ST_OK;
    if (url.over)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "parameters and settings of more than %d bytes",
                    URL_BYTES);
    struct server_request r = {.url = url.ptr,
                               .headers = v->headers,
                               .body = &q->sql,
                               .n_body = 1,
                               .connect_timeout_ms = v->connect_timeout_ms,
                               .timeout_ms = q->timeout_ms,
                               .compress_answer = v->remote,
                               .max_bytes = q->max_bytes,
                               .cancel = q->cancel,
                               .message = q->message,
                               .use = ENGINE_QUERY,
                               .chunk = chunk,
                               .ctx = ctx};
    if (s == ST_OK) s = run(v, POOL_QUERY, &r, ret, err);
    buf_done(&url);
    return s;
}

static status query(struct store *s, const struct store_query *q,
                    bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                    struct err *err)
{
    str database = q->database.len ? q->database : str_of(of(s)->database);
    return query_in(of(s), database, q, chunk, ctx, ret, err);
}

static bool drop_piece(void *, str) { return true; }

static status compress_pieces(const str *body, size_t n, struct buf *out, struct err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += body[i].len;
    buf_init(out, total + total / 8 + (1 << 16));
    if (n == 1) return compress_zstd(body[0], ZSTD_LEVEL, out, err);
    struct buf whole;
    buf_init(&whole, total + 1);
    for (size_t i = 0; i < n; i++) buf_add(&whole, body[i]);
    status s = compress_zstd(buf_str(&whole), ZSTD_LEVEL, out, err);
    buf_done(&whole);
    return s;
}

static status insert_with(struct server *v, const struct store_query *q, const str *body, size_t n,
                          struct store_stats *ret, struct err *err)
{
    struct buf url, packed = {};
    buf_init(&url, URL_BYTES);
    str database = q->database.len ? q->database : str_of(v->database);
    server_url(&url, str_of(v->url), database, q, SERVER_URL_INSERT);
    buf_char(&url, '\0');
    status s =
        url.over ? err_set(err, ST_LIMIT, ERR_NOPOS, "a statement of more than %d bytes", URL_BYTES)
                 : ST_OK;
    struct server_request r = {.url = url.ptr,
                               .headers = v->remote ? v->compressed : v->headers,
                               .body = body,
                               .n_body = n,
                               .connect_timeout_ms = v->connect_timeout_ms,
                               .timeout_ms = q->timeout_ms,
                               .cancel = q->cancel,
                               .message = q->message,
                               .use = ENGINE_INSERT,
                               .chunk = drop_piece};
    str packed_body;
    if (s == ST_OK && v->remote) {
        s = compress_pieces(body, n, &packed, err);
        packed_body = buf_str(&packed);
        r.body = &packed_body;
        r.n_body = 1;
    }
    if (s == ST_OK) s = run(v, POOL_INSERT, &r, ret, err);
    buf_done(&packed);
    buf_done(&url);
    return s;
}

static status insert(struct store *s, str sql, const str *body, size_t n, atomic_bool *cancel,
                     struct err *err)
{
    struct store_stats stats = {};
    struct store_query q = {
        .sql = sql, .format = S("Native"), .timeout_ms = s->timeout_ms, .cancel = cancel};
    return insert_with(of(s), &q, body, n, &stats, err);
}

static void free_input(struct server_input *in)
{
    buf_done(&in->sql);
    buf_done(&in->format);
    buf_done(&in->database);
    buf_done(&in->data);
    free(in->settings);
    free(in);
}

/* The input outlives the caller's strings. */
static void copy_settings(struct server_input *in, const struct store_query *q)
{
    size_t bytes = 0;
    for (size_t i = 0; i < q->n_settings; i++)
        bytes += q->settings[i].name.len + q->settings[i].value.len;
    in->settings = malloc(q->n_settings * sizeof *in->settings + bytes + 1);
    if (!in->settings) abort();
    char *at = (char *)(in->settings + q->n_settings);
    for (size_t i = 0; i < q->n_settings; i++) {
        const struct store_setting *from = &q->settings[i];
        str name = {at, from->name.len}, value = {at + from->name.len, from->value.len};
        at = mempcpy(at, from->name.ptr, from->name.len);
        if (value.len) at = mempcpy(at, from->value.ptr, value.len);
        in->settings[i] = (struct store_setting){name, value};
    }
}

static status input_begin(struct store *s, const struct store_query *q, struct store_input **ret,
                          struct err *err)
{
    struct server_input *in = calloc(1, sizeof *in);
    if (!in) abort();
    in->input.store = s;
    buf_init(&in->sql, URL_BYTES);
    buf_init(&in->format, 256);
    buf_init(&in->database, 4096);
    buf_init(&in->data, INPUT_BYTES);
    buf_add(&in->sql, q->sql);
    buf_add(&in->format, q->format);
    buf_add(&in->database, q->database);
    if (in->sql.over || in->format.over || in->database.over) {
        free_input(in);
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a statement of more than %d bytes", URL_BYTES);
    }
    copy_settings(in, q);
    in->q = *q;
    in->q.sql = buf_str(&in->sql);
    in->q.format = buf_str(&in->format);
    in->q.database = buf_str(&in->database);
    in->q.settings = in->settings;
    *ret = &in->input;
    return ST_OK;
}

static status input_append(struct store_input *input, str piece, struct err *err)
{
    struct server_input *in = (struct server_input *)input;
    buf_add(&in->data, piece);
    if (!in->data.over) return ST_OK;
    return err_set(err, ST_LIMIT, ERR_NOPOS, "an insert of more than %d bytes", INPUT_BYTES);
}

static status input_end(struct store_input *input, struct store_stats *ret, struct err *err)
{
    struct server_input *in = (struct server_input *)input;
    str body = buf_str(&in->data);
    status s = insert_with(of(input->store), &in->q, &body, 1, ret, err);
    free_input(in);
    return s;
}

static void input_abort(struct store_input *input) { free_input((struct server_input *)input); }

static const struct store_ops server_ops = {.close = close_store,
                                            .query = query,
                                            .insert = insert,
                                            .input_begin = input_begin,
                                            .input_append = input_append,
                                            .input_end = input_end,
                                            .input_abort = input_abort};

static void add_header(struct curl_slist **list, str name, str value)
{
    struct buf line;
    buf_init(&line, 1 << 16);
    buf_add(&line, name);
    buf_add(&line, value);
    buf_char(&line, '\0');
    struct curl_slist *longer = curl_slist_append(*list, line.ptr);
    if (!longer) abort();
    *list = longer;
    buf_done(&line);
}

static struct curl_slist *make_headers(const struct store_options *opt, bool compressed)
{
    struct curl_slist *list = NULL;
    add_header(&list, S("Expect:"), (str){0}); /* no waiting for 100 Continue */
    add_header(&list, S("Content-Type: application/octet-stream"), (str){0});
    add_header(&list, S("User-Agent: weir/" WEIR_VERSION), (str){0});
    if (opt->user.len) add_header(&list, S("X-ClickHouse-User: "), opt->user);
    if (opt->password.len) add_header(&list, S("X-ClickHouse-Key: "), opt->password);
    if (compressed) add_header(&list, S("Content-Encoding: zstd"), (str){0});
    return list;
}

static status check_credentials(const struct store_options *opt, struct err *err)
{
    const str both[] = {opt->user, opt->password};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < both[i].len; k++)
            if ((unsigned char)both[i].ptr[k] < ' ' || both[i].len > 1024)
                return err_set(err, ST_INVALID, ERR_NOPOS,
                               "user or password has a control character, or more than 1024 bytes");
    return ST_OK;
}

/* Someone who may only read or write finds the database made by another. */
static status make_database(struct server *v, struct err *err)
{
    struct buf sql;
    buf_init(&sql, 4096);
    buf_add(&sql, S("CREATE DATABASE IF NOT EXISTS "));
    sql_name(&sql, str_of(v->database));
    struct err why = {};
    struct store_stats stats = {};
    struct store_query q = {
        .sql = buf_str(&sql), .format = S("TabSeparated"), .timeout_ms = v->store.timeout_ms};
    status s = query_in(v, (str){0}, &q, drop_piece, NULL, &stats, &why);
    buf_done(&sql);
    int code = s == ST_OK ? 0 : store_error_code(str_of(why.msg));
    if (s == ST_OK || code == 497 || code == 164) return ST_OK; /* ACCESS_DENIED, READONLY */
    return err_set(err, s, ERR_NOPOS, "store at %s: %s", v->url, why.msg);
}

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) abort();
}

status server_open(const struct store_options *opt, struct store **ret, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    TRY(server_url_check(opt->url, err));
    TRY(check_credentials(opt, err));
    unsigned n = opt->connections < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : opt->connections;
    if (n > CONNECTIONS_MOST)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%u connections to a server, limit %d", n,
                       CONNECTIONS_MOST);
    struct server *v = calloc(1, sizeof *v + n * sizeof *v->connections);
    if (!v) abort();
    v->store = (struct store){.ops = &server_ops, .timeout_ms = opt->request_timeout_ms};
    v->url = strndup(opt->url.ptr, opt->url.len);
    v->database = strndup(opt->database.ptr, opt->database.len);
    if (!v->url || !v->database) abort();
    v->connect_timeout_ms = opt->connect_timeout_ms;
    v->remote = !server_url_is_loopback(opt->url);
    v->headers = make_headers(opt, false);
    v->compressed = make_headers(opt, true);
    v->n = n;
    v->pool = pool_new(n, store_reserved(n));
    status s = make_database(v, err);
    if (status_retryable(s) && opt->may_be_away) s = ST_OK; /* its owner makes the database */
    if (s != ST_OK) {
        close_store(&v->store);
        return s;
    }
    *ret = &v->store;
    return ST_OK;
}
