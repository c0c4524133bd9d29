/* The server driver: statements through ClickHouse's HTTP interface, at one of its addresses.
 *
 * Who tries again: a statement goes to another address in the same call when nothing of it was
 * sent, or when it only selects and no piece of the answer was handed over. Everything else is the
 * caller's: an insert is tried again by the path in, with the same bytes and token, after its
 * backoff; the address that failed rests meanwhile. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/compress.h"
#include "obs/log.h"
#include "store/driver.h"
#include "store/pool.h"
#include "store/server_endpoints.h"
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
    struct server_endpoints *endpoints;
    char *database;
    uint32_t connect_timeout_ms;
    enum store_compression compression; /* never AUTO */
    struct server_tls tls;
    struct curl_slist *query_headers, *insert_headers;
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
    curl_slist_free_all(v->query_headers);
    curl_slist_free_all(v->insert_headers);
    server_endpoints_free(v->endpoints);
    free(v->tls.ca_file);
    free(v->tls.cert_file);
    free(v->tls.key_file);
    free(v->database);
    free(v);
}

/* At address `i`; what that says of the address is noted. */
static status ask(struct server *v, struct server_connection *c, unsigned i,
                  struct server_request *r, enum server_reach *reach, struct store_stats *ret,
                  struct err *err)
{
    struct err why = {};
    r->base = server_endpoints_url(v->endpoints, i);
    status s = server_request_run(c, r, reach, ret, &why);
    if (s == ST_OK) {
        server_endpoints_worked(v->endpoints, i);
        return s;
    }
    if (s != ST_CANCELLED && *reach == SERVER_SPOKE) server_endpoints_worked(v->endpoints, i);
    if (s != ST_CANCELLED && *reach != SERVER_SPOKE)
        server_endpoints_failed(v->endpoints, i, clock_monotonic(), why.msg);
    if (server_endpoints_count(v->endpoints) == 1 || *reach == SERVER_SPOKE)
        return err_set(err, s, ERR_NOPOS, "%s", why.msg);
    return err_set(err, s, ERR_NOPOS, "%s: %s", r->base, why.msg);
}

static bool may_go_elsewhere(const struct server_request *r, enum server_reach reach)
{
    return reach == SERVER_UNREACHED || (reach == SERVER_LOST && r->read_only);
}

static status run(struct server *v, enum pool_use use, struct server_request *r,
                  struct store_stats *ret, struct err *err)
{
    unsigned slot = 0;
    nanos from = clock_monotonic(), most = r->timeout_ms * NANOS_MS;
    TRY(pool_take(v->pool, use, from + most, r->cancel, &slot, err));
    status s = ST_OK;
    uint32_t tried = 0, all = (uint32_t)((1ull << server_endpoints_count(v->endpoints)) - 1);
    for (bool again = true; again;) {
        int i = server_endpoints_pick(v->endpoints, tried, clock_monotonic());
        enum server_reach reach = SERVER_SPOKE;
        tried |= 1u << i;
        s = ask(v, &v->connections[slot], (unsigned)i, r, &reach, ret, err);
        again = s != ST_OK && s != ST_CANCELLED && may_go_elsewhere(r, reach) && tried != all &&
                clock_monotonic() - from < most;
    }
    pool_give(v->pool, slot);
    return s;
}

static status query_in(struct server *v, str database, const struct store_query *q,
                       bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                       struct err *err)
{
    struct buf target;
    buf_init(&target, URL_BYTES);
    server_url(&target, database, q, SERVER_URL_QUERY, v->compression != STORE_COMPRESS_NONE);
    buf_char(&target, '\0');
    status s = ST_OK;
    if (target.over)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "parameters and settings of more than %d bytes",
                    URL_BYTES);
    struct server_request r = {.target = target.ptr,
                               .headers = v->query_headers,
                               .tls = &v->tls,
                               .body = &q->sql,
                               .n_body = 1,
                               .connect_timeout_ms = v->connect_timeout_ms,
                               .timeout_ms = q->timeout_ms,
                               .read_only = server_url_reads_only(q->sql),
                               .max_bytes = q->max_bytes,
                               .cancel = q->cancel,
                               .message = q->message,
                               .use = ENGINE_QUERY,
                               .chunk = chunk,
                               .ctx = ctx};
    if (s == ST_OK) s = run(v, POOL_QUERY, &r, ret, err);
    buf_done(&target);
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

static status compress_whole(enum store_compression c, str body, struct buf *out, struct err *err)
{
    return c == STORE_COMPRESS_ZSTD ? compress_zstd(body, ZSTD_LEVEL, out, err)
                                    : compress_lz4(body, out, err);
}

static status compress_pieces(enum store_compression c, const str *body, size_t n, struct buf *out,
                              struct err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += body[i].len;
    buf_init(out, total + total / 8 + (1 << 16));
    if (n == 1) return compress_whole(c, body[0], out, err);
    struct buf whole;
    buf_init(&whole, total + 1);
    for (size_t i = 0; i < n; i++) buf_add(&whole, body[i]);
    status s = compress_whole(c, buf_str(&whole), out, err);
    buf_done(&whole);
    return s;
}

/* UNKNOWN_TABLE, UNKNOWN_DATABASE: what to do about it comes first. */
static status explain_missing(const struct server *v, const struct store_query *q, status s,
                              struct err *err)
{
    int code = err ? store_error_code(str_of(err->msg)) : 0;
    if (code != 60 && code != 81) return s;
    return err_wrap(err, s,
                    "the tables are not there (`weir migrate --store %s --store.database " STR_FMT
                    "` makes them)",
                    server_endpoints_url(v->endpoints, 0), STR_ARG(q->database));
}

static status insert_with(struct server *v, const struct store_query *q, const str *body, size_t n,
                          struct store_stats *ret, struct err *err)
{
    struct buf target, packed = {};
    struct store_query with = *q;
    if (!with.database.len) with.database = str_of(v->database);
    buf_init(&target, URL_BYTES);
    server_url(&target, with.database, &with, SERVER_URL_INSERT, false);
    buf_char(&target, '\0');
    status s = target.over ? err_set(err, ST_LIMIT, ERR_NOPOS, "a statement of more than %d bytes",
                                     URL_BYTES)
                           : ST_OK;
    struct server_request r = {.target = target.ptr,
                               .headers = v->insert_headers,
                               .tls = &v->tls,
                               .body = body,
                               .n_body = n,
                               .connect_timeout_ms = v->connect_timeout_ms,
                               .timeout_ms = q->timeout_ms,
                               .cancel = q->cancel,
                               .message = q->message,
                               .use = ENGINE_INSERT,
                               .chunk = drop_piece};
    str packed_body;
    if (s == ST_OK && v->compression != STORE_COMPRESS_NONE) {
        s = compress_pieces(v->compression, body, n, &packed, err);
        packed_body = buf_str(&packed);
        r.body = &packed_body;
        r.n_body = 1;
    }
    if (s == ST_OK) s = run(v, POOL_INSERT, &r, ret, err);
    if (s != ST_OK) s = explain_missing(v, &with, s, err);
    buf_done(&packed);
    buf_done(&target);
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

static struct curl_slist *make_headers(const struct store_options *opt, str encoding)
{
    struct curl_slist *list = NULL;
    add_header(&list, S("Expect:"), (str){0}); /* no waiting for 100 Continue */
    add_header(&list, S("Content-Type: application/octet-stream"), (str){0});
    add_header(&list, S("User-Agent: weir/" WEIR_VERSION), (str){0});
    if (opt->user.len) add_header(&list, S("X-ClickHouse-User: "), opt->user);
    if (opt->password.len) add_header(&list, S("X-ClickHouse-Key: "), opt->password);
    if (encoding.len) add_header(&list, encoding, (str){0});
    return list;
}

static void set_compression(struct server *v, const struct store_options *opt)
{
    v->compression = opt->compression;
    if (v->compression == STORE_COMPRESS_AUTO)
        v->compression =
            server_endpoints_loopback(v->endpoints) ? STORE_COMPRESS_NONE : STORE_COMPRESS_ZSTD;
    bool zstd = v->compression == STORE_COMPRESS_ZSTD, lz4 = v->compression == STORE_COMPRESS_LZ4;
    v->query_headers = make_headers(opt, zstd  ? S("Accept-Encoding: zstd")
                                         : lz4 ? S("Accept-Encoding: lz4")
                                               : (str){0});
    v->insert_headers = make_headers(opt, zstd  ? S("Content-Encoding: zstd")
                                          : lz4 ? S("Content-Encoding: lz4")
                                                : (str){0});
}

static char *text_of(str s)
{
    char *copy = s.len ? strndup(s.ptr, s.len) : NULL;
    if (s.len && !copy) abort();
    return copy;
}

static void set_tls(struct server *v, const struct store_options *opt)
{
    v->tls = (struct server_tls){.ca_file = text_of(opt->tls.ca_file),
                                 .cert_file = text_of(opt->tls.cert_file),
                                 .key_file = text_of(opt->tls.key_file),
                                 .insecure_skip_verify = opt->tls.insecure_skip_verify};
    if (opt->tls.insecure_skip_verify)
        log_warn("store",
                 "tls.insecure_skip_verify: anybody may answer as this store, and gets its "
                 "credentials",
                 LOG_STR("url", opt->url));
}

static status check_file(str path, const char *name, struct err *err)
{
    if (!path.len) return ST_OK;
    char *text = text_of(path);
    status s = access(text, R_OK) == 0
                   ? ST_OK
                   : err_set(err, ST_INVALID, ERR_NOPOS, "%s: %s cannot be read: %m", name, text);
    free(text);
    return s;
}

static status check_tls(const struct store_tls *t, struct err *err)
{
    TRY(check_file(t->ca_file, "tls.ca_file", err));
    TRY(check_file(t->cert_file, "tls.cert_file", err));
    TRY(check_file(t->key_file, "tls.key_file", err));
    if (!t->cert_file.len == !t->key_file.len) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "tls.cert_file and tls.key_file belong together: one is not given");
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

status server_check(const struct store_options *opt, struct err *err)
{
    TRY(check_credentials(opt, err));
    TRY(check_tls(&opt->tls, err));
    if (opt->connections > CONNECTIONS_MOST)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%u connections to a server, limit %d",
                       opt->connections, CONNECTIONS_MOST);
    struct server_endpoints *endpoints = NULL;
    TRY(server_endpoints_new(opt->url, opt->round_robin, &endpoints, err));
    server_endpoints_free(endpoints);
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
    return err_set(err, s, ERR_NOPOS, "store at %s: %s", server_endpoints_url(v->endpoints, 0),
                   why.msg);
}

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) abort();
}

status server_open(const struct store_options *opt, struct store **ret, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    unsigned n = opt->connections < CONNECTIONS_LEAST ? CONNECTIONS_LEAST : opt->connections;
    struct server_endpoints *endpoints = NULL;
    TRY(server_endpoints_new(opt->url, opt->round_robin, &endpoints, err));
    struct server *v = calloc(1, sizeof *v + n * sizeof *v->connections);
    if (!v) abort();
    v->store = (struct store){.ops = &server_ops, .timeout_ms = opt->request_timeout_ms};
    v->endpoints = endpoints;
    v->database = strndup(opt->database.ptr, opt->database.len);
    if (!v->database) abort();
    v->connect_timeout_ms = opt->connect_timeout_ms;
    set_compression(v, opt);
    v->n = n;
    v->pool = pool_new(n, store_reserved(n));
    set_tls(v, opt);
    struct err why = {};
    status s = make_database(v, &why);
    if (s != ST_OK && err) *err = why;
    if (s == ST_UNAUTHORIZED && opt->may_be_away)
        log_warn("store", "the store refuses weir's credentials: it is asked again and again",
                 LOG_CSTR("why", why.msg));
    if (store_may_come(s) && opt->may_be_away) s = ST_OK; /* its owner makes the database */
    if (s != ST_OK) {
        close_store(&v->store);
        return s;
    }
    *ret = &v->store;
    return ST_OK;
}
