#include "store/door_statement.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hex.h"
#include "store/door_answer.h"
#include "store/door_input.h"
#include "store/door_limits.h"
#include "store/door_output.h"
#include "store/door_sql.h"
#include "store/engine_codes.h"
#include "store/sql_text.h"

enum {
    QUERY_BYTES = 1 << 20, /* of a statement's text, inline data aside */
    MESSAGE_BYTES = 1 << 20,
    HEADERS_MAX = 12,
    ID_BYTES = 40,
    TAG_BYTES = 16,
};

struct statement {
    const struct door_context *c;
    struct door_exchange *e;
    const struct door_request *req;
    const struct door_user *user;
    struct door_active_entry *active;
    struct door_input *input;
    struct door_output *output;
    nanos began;
    char id_text[ID_BYTES], tag[TAG_BYTES];
    str id;
    str format;         /* of the answer */
    struct buf text;    /* the statement as far as it was read */
    str rest;           /* of the piece of the body that did not all go there */
    struct buf message; /* the engine's, when it fails */
    const struct store_setting *settings;
    size_t n_settings;
    struct store_stats stats;
    int code;             /* an error's, when it is ours */
    status output_status; /* why the output takes no more */
    struct err output_err;
};

static void make_id(char out[ID_BYTES], char tag[TAG_BYTES])
{
    unsigned char b[16 + TAG_BYTES] = {};
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) memset(b, 0, sizeof b);
    b[6] = (unsigned char)((b[6] & 15) | 64); /* rfc9562: version 4 */
    b[8] = (unsigned char)((b[8] & 63) | 128);
    char hex[32];
    hex_encode(b, 16, hex);
    snprintf(out, ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    for (int i = 0; i < TAG_BYTES; i++) tag[i] = (char)('a' + b[16 + i] % 26);
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
    h[n++] = (struct http_header){S("x-clickhouse-query-id"), s->id};
    h[n++] = (struct http_header){S("x-clickhouse-timezone"), str_of(s->c->timezone)};
    h[n++] = (struct http_header){S("x-clickhouse-server-display-name"), str_of(s->c->host)};
    h[n++] = (struct http_header){S("x-clickhouse-summary"), buf_str(&summary)};
    if (s->req->progress)
        h[n++] = (struct http_header){S("x-clickhouse-progress"), buf_str(&summary)};
    if (s->output && s->req->answer_encoding != DOOR_IDENTITY)
        h[n++] =
            (struct http_header){S("content-encoding"), door_coding_name(s->req->answer_encoding)};
    if (code) {
        int len = snprintf(code_text, sizeof code_text, "%d", code);
        h[n++] = (struct http_header){S("x-clickhouse-exception-code"), {code_text, (size_t)len}};
    } else {
        h[n++] = (struct http_header){S("x-clickhouse-format"), s->format};
        h[n++] = (struct http_header){S("x-clickhouse-exception-tag"), {s->tag, TAG_BYTES}};
    }
    assert(n <= HEADERS_MAX);
    door_exchange_begin(s->e, http, h, n);
    buf_done(&summary);
}

static void begin_good(void *ctx)
{
    struct statement *s = ctx;
    begin(s, 200, door_content_type(s->format), 0);
}

/* Without an output (nobody is authenticated yet) the text goes out as it is. */
static void fail(struct statement *s, status st, const struct err *err)
{
    struct buf text, block;
    buf_init(&text, MESSAGE_BYTES + 4096);
    buf_init(&block, MESSAGE_BYTES + 8192);
    int code = s->code;
    door_error_text(&text, buf_str(&s->message), st, err, store_version(s->c->store), &code);
    if (s->output && door_output_streaming(s->output)) { /* the status is gone */
        door_exception_block(&block, buf_str(&text), (str){s->tag, TAG_BYTES});
        door_output_fail(s->output, buf_str(&block));
    } else {
        begin(s, (unsigned)engine_http_status(code), S("text/plain; charset=UTF-8"), code);
        if (s->output) {
            door_output_fail(s->output, buf_str(&text));
        } else {
            door_exchange_write(s->e, buf_str(&text));
            door_exchange_end(s->e, true);
        }
    }
    buf_done(&text);
    buf_done(&block);
}

/* One piece of the result. */
static bool take_result(void *ctx, str piece)
{
    struct statement *s = ctx;
    s->output_status = door_output_take(s->output, piece, &s->output_err);
    return s->output_status == ST_OK;
}

static struct store_query make_query(struct statement *s, str sql, str format)
{
    const struct door_request *r = s->req;
    bool reads = r->read_only || s->user->read_only || s->c->read_only;
    return (struct store_query){.sql = sql,
                                .format = format,
                                .database = r->database,
                                .params = r->params,
                                .n_params = r->n_params,
                                .params_escaped = true,
                                .settings = s->settings,
                                .n_settings = s->n_settings,
                                .role = reads ? STORE_READ : STORE_WRITE,
                                .cancel = door_exchange_cancel(s->e),
                                .message = &s->message};
}

static status run_query(struct statement *s, const struct door_sql *sql, struct err *err)
{
    if (sql->format.len) s->format = sql->format;
    door_output_format(s->output, str_eq(s->format, S("Native")));
    struct store_query q = make_query(s, sql->statement, s->req->format);
    status st = store_query(s->c->store, &q, take_result, s, &s->stats, err);
    if (s->output_status == ST_OK) return st;
    *err = s->output_err; /* why the reader stopped */
    buf_clear(&s->message);
    return s->output_status;
}

/* The engine knows a statement by another id than the client gave it. */
static status run_kill(struct statement *s, const struct door_sql *sql, str id, bool wait,
                       struct err *err)
{
    struct door_killed killed = {};
    bool found = door_active_kill(s->c->active, id, s->user, wait, door_exchange_cancel(s->e),
                                  door_exchange_arena(s->e), &killed);
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_add(&text, S("SELECT "));
    sql_string(&text, wait ? S("finished") : S("waiting"));
    buf_add(&text, S(" AS kill_status, "));
    sql_string(&text, id);
    buf_add(&text, S(" AS query_id, "));
    sql_string(&text, killed.user);
    buf_add(&text, S(" AS user, "));
    sql_string(&text, killed.sql);
    buf_add(&text, found ? S(" AS query") : S(" AS query LIMIT 0"));
    if (sql->format.len) {
        buf_add(&text, S(" FORMAT "));
        buf_add(&text, sql->format);
    }
    struct door_sql answer = *sql;
    answer.statement = buf_str(&text);
    status st = run_query(s, &answer, err);
    buf_done(&text);
    return st;
}

static status append_all(struct statement *s, struct store_input *in, str first, struct err *err)
{
    TRY(store_input_append(in, first, err));
    TRY(store_input_append(in, s->rest, err));
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
    if (s->text.over) {
        s->code = 229;
        return err_set(err, ST_LIMIT, ERR_NOPOS, "Max query size exceeded: %d bytes", QUERY_BYTES);
    }
    for (bool complete = false;;) {
        s->code = 62;
        TRY(door_sql_read(buf_str(&s->text), complete, ret, err));
        s->code = 0;
        if (ret->kind != DOOR_SQL_MORE) return ST_OK;
        str piece = {0};
        TRY(door_input_next(s->input, &piece, err));
        complete = piece.len == 0;
        size_t room = QUERY_BYTES - s->text.len;
        buf_add(&s->text, (str){piece.ptr, piece.len < room ? piece.len : room});
        s->rest = str_drop(piece, room);
        if (complete || room) continue;
        s->code = 229;
        return err_set(err, ST_LIMIT, ERR_NOPOS, "Max query size exceeded: %d bytes", QUERY_BYTES);
    }
}

static status run(struct statement *s, struct err *err)
{
    struct door_sql sql = {};
    TRY(door_active_begin(s->c->active, s->id, s->user, door_exchange_cancel(s->e), &s->active,
                          &s->code, err));
    TRY(read_statement(s, &sql, err));
    if (sql.kind == DOOR_SQL_EMPTY) {
        s->code = 62;
        return err_set(err, ST_INVALID, ERR_NOPOS, "Empty query");
    }
    door_active_describe(s->c->active, s->active, sql.statement);
    TRY(door_limits_apply(door_exchange_arena(s->e), s->user, sql.statement, s->req->settings,
                          s->req->n_settings, &s->settings, &s->n_settings, &s->code, err));
    str id = {0};
    bool wait = false;
    if (sql.kind == DOOR_SQL_WHOLE && door_sql_kill(sql.statement, &id, &wait))
        return run_kill(s, &sql, id, wait, err);
    bool writes = !(sql.kind == DOOR_SQL_WHOLE && sql.reads_only);
    if (writes && (s->req->read_only || s->user->read_only || s->c->read_only)) {
        s->code = 164;
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       STR_FMT ": Cannot execute query in readonly mode%s", STR_ARG(s->user->name),
                       s->c->read_only ? ": this port is for reading (clickhouse.readonly)"
                       : s->req->get   ? ". For queries over HTTP, method GET implies readonly. "
                                         "You should use method POST for modifying queries"
                                       : "");
    }
    return sql.kind == DOOR_SQL_INSERT ? run_insert(s, &sql, err) : run_query(s, &sql, err);
}

static void start(struct statement *s, const struct door_context *c, struct door_exchange *e)
{
    *s = (struct statement){
        .c = c, .e = e, .req = door_exchange_request(e), .began = clock_monotonic()};
    s->format = s->req->format.len ? s->req->format : S("TabSeparated");
    make_id(s->id_text, s->tag);
    s->id = is_printable(s->req->query_id) ? s->req->query_id : str_of(s->id_text);
    buf_init(&s->text, QUERY_BYTES);
    buf_init(&s->message, MESSAGE_BYTES);
}

static void finish(struct statement *s)
{
    door_input_free(s->input);
    if (s->output) door_output_free(s->output);
    buf_done(&s->text);
    buf_done(&s->message);
}

void door_statement_run(const struct door_context *c, struct door_exchange *e,
                        const struct door_user *user)
{
    struct statement s;
    struct err err = {};
    start(&s, c, e);
    s.user = user;
    s.input = door_input_new(e, c->max_insert_bytes);
    s.output = door_output_new(e, begin_good, &s);
    status st = run(&s, &err);
    /* Before the answer's end: a client that has it may use the id again. */
    door_active_end(c->active, s.active);
    if (st == ST_OK)
        door_output_end(s.output);
    else
        fail(&s, st, &err);
    finish(&s);
}

void door_statement_refuse(const struct door_context *c, struct door_exchange *e, int code,
                           status st, const struct err *err)
{
    struct statement s;
    start(&s, c, e);
    s.code = code;
    fail(&s, st, err);
    finish(&s);
}
