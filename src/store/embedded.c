/* The embedded driver: statements on the engine in this process. */
#include <assert.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/driver.h"
#include "store/embedded_connection.h"
#include "store/embedded_watch.h"
#include "store/engine_codes.h"
#include "store/pool.h"
#include "store/sql_text.h"

enum { PARAM_BYTES = 16 << 20 };

struct embedded {
    struct store store;
    const struct chdb *api;
    char *database;
    struct pool *pool;
    struct embedded_watch *watch;
    atomic_bool started;
    unsigned n;
    struct embedded_connection connections[];
};

struct embedded_input {
    struct store_input input;
    chdb_insert_stream stream;
    unsigned slot;
    struct buf *message; /* of the caller; may be NULL */
};

static struct embedded *of(struct store *s) { return (struct embedded *)s; }

static status fail(str text, enum engine_use use, struct buf *message, struct err *err)
{
    if (message) {
        buf_clear(message);
        buf_add(message, text);
    }
    return engine_error(text, use, err);
}

static bool is_set(const atomic_bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* A connection with the statement's settings, in *ret_slot. */
static status take(struct embedded *e, enum pool_use use, const struct store_query *q,
                   unsigned *ret_slot, struct err *err)
{
    uint32_t timeout_ms = q && q->timeout_ms ? q->timeout_ms : e->store.timeout_ms;
    unsigned slot = 0;
    if (!atomic_load(&e->started))
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "the tables are being loaded: try again in a moment");
    TRY(pool_take(e->pool, use, clock_monotonic() + timeout_ms * NANOS_MS, q ? q->cancel : NULL,
                  &slot, err));
    status s = embedded_connection_prepare(&e->connections[slot],
                                           (str){e->database, strlen(e->database)}, q, err);
    if (s != ST_OK) {
        pool_give(e->pool, slot);
        return s;
    }
    *ret_slot = slot;
    return ST_OK;
}

static status start_store(struct store *s, struct err *err)
{
    TRY(embedded_engine_start(err));
    atomic_store(&of(s)->started, true);
    return ST_OK;
}

static void close_store(struct store *s)
{
    struct embedded *e = of(s);
    embedded_watch_free(e->watch);
    for (unsigned i = 0; i < e->n; i++) embedded_connection_close(&e->connections[i]);
    pool_free(e->pool);
    free(e->database);
    free(e);
}

struct params {
    const char **names, **values;
    size_t *name_lens, *value_lens;
    size_t n;
};

static status make_params(struct arena *a, const struct store_query *q, struct params *ret,
                          struct err *err)
{
    struct params p = {.n = q->n_params,
                       .names = arena_array(a, const char *, q->n_params),
                       .values = arena_array(a, const char *, q->n_params),
                       .name_lens = arena_array(a, size_t, q->n_params),
                       .value_lens = arena_array(a, size_t, q->n_params)};
    struct buf text;
    buf_init(&text, PARAM_BYTES);
    for (size_t i = 0; i < p.n; i++) {
        buf_clear(&text);
        if (q->params_escaped)
            buf_add(&text, q->params[i].value);
        else
            sql_param_value(&text, q->sql, q->params[i].name, q->params[i].value);
        str value = arena_str(a, buf_str(&text));
        p.names[i] = q->params[i].name.ptr;
        p.name_lens[i] = q->params[i].name.len;
        p.values[i] = value.len ? value.ptr : "";
        p.value_lens[i] = value.len;
        if (text.over || arena_over(a)) break;
    }
    bool over = text.over || arena_over(a);
    buf_done(&text);
    if (over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "parameters of more than %d bytes", PARAM_BYTES);
    *ret = p;
    return ST_OK;
}

/* One running statement. */
struct run {
    struct embedded *e;
    chdb_connection c;
    const struct store_query *q;
    struct params params;
    bool (*chunk)(void *ctx, str piece);
    void *ctx;
    struct store_stats stats, *ret;
};

static status hand_over(struct run *run, struct chdb_result *r, struct err *err)
{
    const struct chdb *api = run->e->api;
    const struct store_query *q = run->q;
    str piece = {api->result_buffer(r), api->result_length(r)};
    run->stats.rows_read += api->result_storage_rows_read(r);
    run->stats.bytes_read += api->result_storage_bytes_read(r);
    run->stats.rows_written += api->result_rows_written(r);
    run->stats.result_bytes += piece.len;
    *run->ret = run->stats;
    if (q->max_bytes && run->stats.result_bytes > q->max_bytes)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "result larger than %llu bytes",
                       (unsigned long long)q->max_bytes);
    if (is_set(q->cancel)) return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled");
    if (piece.len && !run->chunk(run->ctx, piece))
        return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled by the reader");
    return ST_OK;
}

static status result_status(struct run *run, struct chdb_result *r, struct err *err)
{
    const char *why = run->e->api->result_error(r);
    return why ? fail((str){why, strlen(why)}, ENGINE_QUERY, run->q->message, err) : ST_OK;
}

static status run_whole(struct run *run, struct err *err)
{
    const struct store_query *q = run->q;
    const struct params *p = &run->params;
    struct chdb_result *r = run->e->api->query_with_params_n(
        run->c, q->sql.ptr, q->sql.len, q->format.ptr, q->format.len, p->names, p->name_lens,
        p->values, p->value_lens, p->n);
    status s = result_status(run, r, err);
    if (s == ST_OK) s = hand_over(run, r, err);
    run->e->api->destroy_query_result(r);
    return s;
}

static status fetch_all(struct run *run, struct chdb_result *stream, struct err *err)
{
    const struct chdb *api = run->e->api;
    for (;;) {
        struct chdb_result *r = api->stream_fetch_result(run->c, stream);
        if (!r) return ST_OK;
        status s = result_status(run, r, err);
        bool failed = s != ST_OK, last = api->result_length(r) == 0;
        if (!failed) s = hand_over(run, r, err);
        api->destroy_query_result(r);
        if (failed) return s;
        if (s != ST_OK) api->stream_cancel_query(run->c, stream);
        if (s != ST_OK || last) return s;
    }
}

/* Only statements that select can be streamed; the engine says of the others that they cannot. */
static status run_streaming(struct run *run, bool *ret_refused, struct err *err)
{
    const struct store_query *q = run->q;
    const struct params *p = &run->params;
    const struct chdb *api = run->e->api;
    struct chdb_result *stream = api->stream_query_with_params_n(
        run->c, q->sql.ptr, q->sql.len, q->format.ptr, q->format.len, p->names, p->name_lens,
        p->values, p->value_lens, p->n);
    const char *why = api->result_error(stream);
    *ret_refused = why && strstr(why, "Streaming query is not supported");
    status s = *ret_refused ? ST_OK : result_status(run, stream, err);
    if (!why) s = fetch_all(run, stream, err);
    api->destroy_query_result(stream);
    return s;
}

/* Statements after which a connection is not as it was. */
static bool leaves_state(str sql)
{
    str word = sql_first_word(sql);
    return sql_word_is(word, "SET") || sql_word_is(word, "USE") ||
           (sql_word_is(word, "CREATE") && sql_has_word(sql, "TEMPORARY")) ||
           (sql_has_word(sql, "ASYNC") && /* goes on under the connection's query id */
            (sql_word_is(word, "BACKUP") || sql_word_is(word, "RESTORE")));
}

static status query(struct store *s, const struct store_query *q,
                    bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                    struct err *err)
{
    struct embedded *e = of(s);
    struct arena a;
    arena_init(&a, PARAM_BYTES);
    struct run run = {.e = e, .q = q, .chunk = chunk, .ctx = ctx, .ret = ret};
    unsigned slot = 0;
    status st = make_params(&a, q, &run.params, err);
    if (st == ST_OK) st = take(e, POOL_QUERY, q, &slot, err);
    if (st != ST_OK) {
        arena_done(&a);
        return st;
    }
    struct embedded_connection *c = &e->connections[slot];
    run.c = *c->handle;
    embedded_watch_begin(e->watch, slot, c->comment, q->cancel);
    str word = sql_first_word(q->sql);
    bool selects = sql_word_is(word, "SELECT") || sql_word_is(word, "WITH"), refused = !selects;
    if (selects) st = run_streaming(&run, &refused, err);
    if (refused) st = run_whole(&run, err);
    embedded_watch_end(e->watch, slot);
    if (st != ST_OK && is_set(q->cancel)) st = err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled");
    /* After a failure the engine counts the statement as running until the connection's next one.
     */
    if (st != ST_OK || leaves_state(q->sql)) embedded_connection_close(c);
    pool_give(e->pool, slot);
    arena_done(&a);
    return st;
}

static void free_input(struct embedded_input *in)
{
    struct embedded *e = of(in->input.store);
    e->api->destroy_insert_stream(in->stream);
    pool_give(e->pool, in->slot);
    free(in);
}

static status input_error(struct embedded_input *in, struct err *err)
{
    const char *why = of(in->input.store)->api->stream_insert_error(in->stream);
    return why ? fail((str){why, strlen(why)}, ENGINE_INSERT, in->message, err) : ST_OK;
}

static status begin(struct embedded *e, str sql, str format, const struct store_query *q,
                    struct embedded_input **ret, struct err *err)
{
    unsigned slot = 0;
    TRY(take(e, POOL_INSERT, q, &slot, err));
    struct embedded_input *in = calloc(1, sizeof *in);
    if (!in) abort();
    *in = (struct embedded_input){
        .input = {.store = &e->store}, .slot = slot, .message = q ? q->message : NULL};
    in->stream = e->api->stream_insert_n(*e->connections[slot].handle, sql.ptr, sql.len, format.ptr,
                                         format.len);
    status s = input_error(in, err);
    if (s != ST_OK) {
        free_input(in);
        return s;
    }
    *ret = in;
    return ST_OK;
}

static status append(struct store_input *input, str piece, struct err *err)
{
    struct embedded_input *in = (struct embedded_input *)input;
    if (!piece.len || of(input->store)->api->stream_append(in->stream, piece.ptr, piece.len) == 0)
        return ST_OK;
    status s = input_error(in, err);
    return s != ST_OK ? s : err_set(err, ST_INTERNAL, ERR_NOPOS, "the engine refuses a piece");
}

static status end(struct store_input *input, struct store_stats *ret, struct err *err)
{
    struct embedded_input *in = (struct embedded_input *)input;
    const struct chdb *api = of(input->store)->api;
    struct chdb_result *r = api->stream_done(in->stream);
    const char *why = api->result_error(r);
    status s = why ? fail((str){why, strlen(why)}, ENGINE_INSERT, in->message, err) : ST_OK;
    if (s == ST_OK) ret->rows_written = api->result_rows_written(r);
    api->destroy_query_result(r);
    free_input(in);
    return s;
}

static void abort_input(struct store_input *input)
{
    struct embedded_input *in = (struct embedded_input *)input;
    of(input->store)->api->stream_cancel_insert(in->stream);
    free_input(in);
}

static status input_begin(struct store *s, const struct store_query *q, struct store_input **ret,
                          struct err *err)
{
    struct embedded_input *in = NULL;
    TRY(begin(of(s), q->sql, q->format, q, &in, err));
    *ret = &in->input;
    return ST_OK;
}

static status insert(struct store *s, str sql, const str *body, size_t n, atomic_bool *cancel,
                     struct err *err)
{
    struct embedded_input *in = NULL;
    if (is_set(cancel)) return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled");
    TRY(begin(of(s), sql, S("Native"), NULL, &in, err));
    for (size_t i = 0; i < n; i++) {
        status st = append(&in->input, body[i], err);
        if (st != ST_OK) {
            abort_input(&in->input);
            return st;
        }
    }
    struct store_stats stats = {};
    return end(&in->input, &stats, err);
}

static const struct store_ops embedded_ops = {.start = start_store,
                                              .close = close_store,
                                              .query = query,
                                              .insert = insert,
                                              .input_begin = input_begin,
                                              .input_append = append,
                                              .input_end = end,
                                              .input_abort = abort_input};

status embedded_open(const struct store_options *opt, struct store **ret, struct err *err)
{
    const struct chdb *api = NULL;
    struct changes *changes;
    TRY(embedded_engine_prepare(opt, &api, &changes, err));
    if (!opt->start_later) TRY(embedded_engine_start(err));
    unsigned n = opt->connections ? opt->connections : 4;
    struct embedded *e = calloc(1, sizeof *e + n * sizeof *e->connections);
    if (!e) abort();
    e->store = (struct store){
        .ops = &embedded_ops, .timeout_ms = opt->request_timeout_ms, .changes = changes};
    e->api = api;
    e->n = n;
    atomic_store(&e->started, !opt->start_later);
    status s = embedded_watch_new(n, &e->watch, err);
    if (s != ST_OK) {
        free(e);
        return s;
    }
    e->database = strndup(opt->database.ptr, opt->database.len);
    if (!e->database) abort();
    e->pool = pool_new(n, store_reserved(n));
    for (unsigned i = 0; i < n; i++) e->connections[i].api = api;
    *ret = &e->store;
    return ST_OK;
}
