#include "store/door_statement.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hex.h"
#include "store/door_answer.h"
#include "store/door_input.h"
#include "store/door_sql.h"
#include "store/engine_codes.h"

enum {
    QUERY_BYTES = 1 << 20,  /* of a statement's text, inline data aside */
    WHOLE_BYTES = 64 << 20, /* of an answer held back for wait_end_of_query; past it, it streams */
    MESSAGE_BYTES = 1 << 20,
    HEADERS_MAX = 8,
};

struct statement {
    const struct door_context *c;
    struct door_exchange *e;
    const struct door_request *req;
    struct door_input *input;
    nanos began;
    char id[40];
    str format;         /* of the answer */
    struct buf text;    /* the statement as far as it was read */
    struct buf held;    /* the answer, while it waits for its end */
    struct buf message; /* the engine's, when it fails */
    struct store_stats stats;
    bool streaming;
    int code; /* an error's, when it is ours */
};

static void make_id(char out[40])
{
    unsigned char b[16] = {};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) memset(b, 0, sizeof b);
    b[6] = (unsigned char)((b[6] & 15) | 64); /* rfc9562: version 4 */
    b[8] = (unsigned char)((b[8] & 63) | 128);
    char hex[32];
    hex_encode(b, sizeof b, hex);
    snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* A header's value must not have control characters: a query_id comes from outside. */
static bool is_printable(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 127) return false;
    return s.len > 0 && s.len <= 256;
}

static void begin(struct statement *s, unsigned http, str type, int code)
{
    struct http_header h[HEADERS_MAX];
    size_t n = 0;
    char code_text[16];
    struct buf summary;
    buf_init(&summary, 4096);
    door_summary(&summary, &s->stats, (uint64_t)(clock_monotonic() - s->began));
    h[n++] = (struct http_header){S("content-type"), type};
    h[n++] =
        (struct http_header){S("x-clickhouse-query-id"),
                             is_printable(s->req->query_id) ? s->req->query_id : str_of(s->id)};
    h[n++] = (struct http_header){S("x-clickhouse-timezone"), str_of(s->c->timezone)};
    h[n++] = (struct http_header){S("x-clickhouse-server-display-name"), str_of(s->c->host)};
    h[n++] = (struct http_header){S("x-clickhouse-summary"), buf_str(&summary)};
    if (code) {
        int len = snprintf(code_text, sizeof code_text, "%d", code);
        h[n++] = (struct http_header){S("x-clickhouse-exception-code"), {code_text, (size_t)len}};
    } else {
        h[n++] = (struct http_header){S("x-clickhouse-format"), s->format};
    }
    assert(n <= HEADERS_MAX);
    door_exchange_begin(s->e, http, h, n);
    buf_done(&summary);
}

static void fail(struct statement *s, status st, const struct err *err)
{
    struct buf text;
    buf_init(&text, MESSAGE_BYTES + 4096);
    int code = s->code;
    door_error_text(&text, buf_str(&s->message), st, err, store_version(s->c->store), &code);
    if (s->streaming) { /* the status is gone: the text, and a break that no client takes for an end
                         */
        door_exchange_write(s->e, buf_str(&text));
        door_exchange_end(s->e, false);
    } else {
        unsigned http = (unsigned)engine_http_status(code);
        begin(s, http, S("text/plain; charset=UTF-8"), code);
        door_exchange_write(s->e, buf_str(&text));
        door_exchange_end(s->e, true);
    }
    buf_done(&text);
}

static void succeed(struct statement *s)
{
    if (!s->streaming) begin(s, 200, door_content_type(s->format), 0);
    if (s->held.len) door_exchange_write(s->e, buf_str(&s->held));
    door_exchange_end(s->e, true);
}

/* One piece of the result. An error before the first is a status. */
static bool take_result(void *ctx, str piece)
{
    struct statement *s = ctx;
    size_t most = s->req->whole ? WHOLE_BYTES : 0;
    if (!s->streaming && s->held.len + piece.len <= most) {
        buf_add(&s->held, piece);
        return true;
    }
    if (!s->streaming) {
        begin(s, 200, door_content_type(s->format), 0);
        s->streaming = true;
        bool ok = !s->held.len || door_exchange_write(s->e, buf_str(&s->held));
        buf_done(&s->held);
        if (!ok) return false;
    }
    return door_exchange_write(s->e, piece);
}

static struct store_query make_query(struct statement *s, str sql, str format)
{
    const struct door_request *r = s->req;
    return (struct store_query){.sql = sql,
                                .format = format,
                                .database = r->database,
                                .params = r->params,
                                .n_params = r->n_params,
                                .params_escaped = true,
                                .settings = r->settings,
                                .n_settings = r->n_settings,
                                .cancel = door_exchange_cancel(s->e),
                                .message = &s->message};
}

static status run_query(struct statement *s, const struct door_sql *sql, struct err *err)
{
    if (sql->format.len) s->format = sql->format;
    struct store_query q = make_query(s, sql->statement, s->req->format);
    return store_query(s->c->store, &q, take_result, s, &s->stats, err);
}

static status append_all(struct statement *s, struct store_input *in, str first, struct err *err)
{
    TRY(store_input_append(in, first, err));
    for (;;) {
        str piece = {0};
        TRY(door_input_next(s->input, &piece, err));
        if (!piece.len) return ST_OK;
        TRY(store_input_append(in, piece, err));
    }
}

static status run_insert(struct statement *s, const struct door_sql *sql, struct err *err)
{
    if (s->req->n_params) {
        s->code = 48;
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "query parameters in an INSERT with data");
    }
    struct store_query q = make_query(s, sql->statement, sql->format);
    struct store_input *in = NULL;
    TRY(store_input_begin(s->c->store, &q, &in, err));
    status st = append_all(s, in, str_drop(buf_str(&s->text), sql->data), err);
    if (st != ST_OK) {
        store_input_abort(in);
        return st;
    }
    return store_input_end(in, &s->stats, err);
}

/* Reads the body until it is known what it is: an INSERT's data is not the statement. */
static status read_statement(struct statement *s, struct door_sql *ret, struct err *err)
{
    buf_add(&s->text, s->req->query);
    if (s->req->query.len) buf_char(&s->text, '\n');
    for (bool complete = false;;) {
        s->code = 62;
        TRY(door_sql_read(buf_str(&s->text), complete, ret, err));
        s->code = 0;
        if (ret->kind != DOOR_SQL_MORE) return ST_OK;
        str piece = {0};
        TRY(door_input_next(s->input, &piece, err));
        complete = piece.len == 0;
        buf_add(&s->text, piece);
        if (!s->text.over) continue;
        s->code = 229;
        return err_set(err, ST_LIMIT, ERR_NOPOS, "Max query size exceeded: %d bytes", QUERY_BYTES);
    }
}

static status run(struct statement *s, struct err *err)
{
    struct door_sql sql = {};
    TRY(read_statement(s, &sql, err));
    if (sql.kind == DOOR_SQL_EMPTY) {
        s->code = 62;
        return err_set(err, ST_INVALID, ERR_NOPOS, "Empty query");
    }
    if (s->req->read_only && !(sql.kind == DOOR_SQL_WHOLE && sql.reads_only)) {
        s->code = 164;
        return err_set(err, ST_INVALID, ERR_NOPOS, "Cannot execute query in readonly mode%s",
                       s->req->get ? ": method GET implies readonly; use POST" : "");
    }
    return sql.kind == DOOR_SQL_INSERT ? run_insert(s, &sql, err) : run_query(s, &sql, err);
}

static struct statement start(const struct door_context *c, struct door_exchange *e)
{
    struct statement s = {
        .c = c, .e = e, .req = door_exchange_request(e), .began = clock_monotonic()};
    s.format = s.req->format;
    make_id(s.id);
    buf_init(&s.text, QUERY_BYTES);
    buf_init(&s.held, WHOLE_BYTES);
    buf_init(&s.message, MESSAGE_BYTES);
    return s;
}

static void finish(struct statement *s)
{
    door_input_free(s->input);
    buf_done(&s->text);
    buf_done(&s->held);
    buf_done(&s->message);
}

void door_statement_run(const struct door_context *c, struct door_exchange *e)
{
    struct statement s = start(c, e);
    struct err err = {};
    s.input = door_input_new(e, c->max_insert_bytes);
    status st = run(&s, &err);
    if (st == ST_OK)
        succeed(&s);
    else
        fail(&s, st, &err);
    finish(&s);
}

void door_statement_refuse(const struct door_context *c, struct door_exchange *e, int code,
                           status st, const struct err *err)
{
    struct statement s = start(c, e);
    s.code = code;
    fail(&s, st, err);
    finish(&s);
}
