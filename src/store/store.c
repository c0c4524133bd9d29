/* The door: what both drivers have in common. */
#include <assert.h>
#include <stdio.h>

#include "store/driver.h"
#include "store/sql_text.h"

enum { VERSION_BYTES = 4096, CONNECTIONS_MAX = 1000 };

static status learn_version(struct store *s, struct err *err)
{
    struct buf out;
    buf_init(&out, VERSION_BYTES);
    struct store_query q = {.sql = S("SELECT version()"), .format = S("TabSeparatedRaw")};
    status st = store_query_buf(s, &q, &out, err);
    if (st == ST_OK) {
        while (out.len && out.ptr[out.len - 1] == '\n') out.len--;
        snprintf(s->version, sizeof s->version, STR_FMT, STR_ARG(buf_str(&out)));
    }
    buf_done(&out);
    return st;
}

status store_check(const struct store_options *opt, struct err *err)
{
    if (opt->database.len && !sql_is_name(opt->database))
        return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is no database name",
                       STR_ARG(opt->database));
    if (opt->connections > CONNECTIONS_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%u connections, limit %d", opt->connections,
                       CONNECTIONS_MAX);
    return opt->driver == STORE_SERVER ? server_check(opt, err) : ST_OK;
}

status store_open(const struct store_options *given, struct store **ret, struct err *err)
{
    struct store_options opt = *given;
    if (!opt.database.len) opt.database = S("weir");
    if (!opt.request_timeout_ms) opt.request_timeout_ms = 300000;
    if (!opt.connect_timeout_ms) opt.connect_timeout_ms = 5000;
    TRY(store_check(&opt, err));
    struct store *s = NULL;
    TRY(opt.driver == STORE_EMBEDDED ? embedded_open(&opt, &s, err) : server_open(&opt, &s, err));
    s->driver = opt.driver;
    s->timeout_ms = opt.request_timeout_ms;
    s->is_cluster = opt.is_cluster;
    status st = opt.start_later && s->ops->start ? ST_OK : learn_version(s, err);
    if (store_may_come(st) && opt.may_be_away) st = ST_OK;
    if (st != ST_OK) {
        store_close(s);
        return st;
    }
    *ret = s;
    return ST_OK;
}

status store_start(struct store *s, struct err *err)
{
    if (!s->ops->start || s->version[0]) return ST_OK;
    TRY(s->ops->start(s, err));
    return learn_version(s, err);
}

void store_close(struct store *s)
{
    if (s) s->ops->close(s);
}

enum store_driver store_driver_of(const struct store *s) { return s->driver; }

const char *store_version(const struct store *s) { return s->version; }

status store_insert(struct store *s, str table, str token, const str *body, size_t n,
                    struct err *err)
{
    return store_insert_unless(s, table, token, body, n, NULL, err);
}

status store_insert_unless(struct store *s, str table, str token, const str *body, size_t n,
                           atomic_bool *cancel, struct err *err)
{
    struct buf sql;
    buf_init(&sql, 1 << 16);
    buf_add(&sql, S("INSERT INTO "));
    sql_name(&sql, table);
    /* A column that the table does not have is data lost when skipped: refuse it. */
    buf_add(&sql, S(" SETTINGS async_insert=0, input_format_skip_unknown_fields=0"));
    if (s->is_cluster) buf_add(&sql, S(", distributed_foreground_insert=1"));
    if (token.len) {
        buf_add(&sql, S(", insert_deduplication_token="));
        sql_string(&sql, token);
    }
    enum change change = s->changes ? change_of_table(table) : CHANGE_NONE;
    if (s->changes) changes_begin(s->changes, change);
    status st = sql.over ? err_set(err, ST_LIMIT, ERR_NOPOS, "table name or token too long")
                         : s->ops->insert(s, buf_str(&sql), body, n, cancel, err);
    if (s->changes) changes_end(s->changes, change);
    if (change == CHANGE_SAMPLES) changes_inserted(s->changes, body, n);
    if (change == CHANGE_SERIES) changes_series(s->changes);
    buf_done(&sql);
    return st;
}

enum { SETTINGS_MAX = 64 };

/* With those of every statement to a cluster; `all` has room for them. */
static status add_settings(const struct store *s, struct store_query *q, struct store_setting *all,
                           struct err *err)
{
    static const struct store_setting of_cluster[] = {
        {S("distributed_foreground_insert"), S("1")},
        {S("distributed_product_mode"), S("global")},
    };
    size_t n = sizeof of_cluster / sizeof *of_cluster;
    if (!s->is_cluster) return ST_OK;
    if (q->n_settings + n > SETTINGS_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "%zu settings", q->n_settings);
    memcpy(all, of_cluster, sizeof of_cluster);
    if (q->n_settings) memcpy(all + n, q->settings, q->n_settings * sizeof *all);
    q->settings = all;
    q->n_settings += n;
    return ST_OK;
}

status store_query(struct store *s, const struct store_query *q,
                   bool (*chunk)(void *ctx, str piece), void *ctx, struct store_stats *ret,
                   struct err *err)
{
    struct store_stats stats;
    struct store_query filled = *q;
    if (ret) *ret = (struct store_stats){};
    if (q->role != STORE_OWN && s->driver == STORE_SERVER)
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "a server's user has rights of its own");
    if (!filled.format.len) filled.format = S("Native");
    if (!filled.timeout_ms) filled.timeout_ms = s->timeout_ms;
    for (size_t i = 0; i < q->n_settings; i++)
        if (!sql_is_name(q->settings[i].name))
            return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is no setting's name",
                           STR_ARG(q->settings[i].name));
    struct store_setting settings[SETTINGS_MAX];
    TRY(add_settings(s, &filled, settings, err));
    enum change change = s->changes && q->role != STORE_READ ? change_of_sql(q->sql) : CHANGE_NONE;
    if (s->changes) changes_begin(s->changes, change);
    status st = s->ops->query(s, &filled, chunk, ctx, ret ? ret : &stats, err);
    if (s->changes) changes_end(s->changes, change);
    return st;
}

static bool keep_piece(void *ctx, str piece)
{
    struct buf *out = ctx;
    buf_add(out, piece);
    return !out->over;
}

status store_query_buf(struct store *s, const struct store_query *q, struct buf *out,
                       struct err *err)
{
    status st = store_query(s, q, keep_piece, out, NULL, err);
    if (st == ST_CANCELLED && out->over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "result larger than %zu bytes", out->max);
    return st;
}

static bool drop_piece(void *, str) { return true; }

status store_exec(struct store *s, str sql, struct err *err)
{
    struct store_query q = {.sql = sql, .format = S("TabSeparated")};
    return store_query(s, &q, drop_piece, NULL, NULL, err);
}

status store_ping(struct store *s, struct err *err) { return store_exec(s, S("SELECT 1"), err); }

status store_input_begin(struct store *s, const struct store_query *q, struct store_input **ret,
                         struct err *err)
{
    assert(q->n_params == 0);
    const char *refusal = atomic_load(&s->refusal);
    if (refusal)
        return err_set(err, ST_UNAVAILABLE, ERR_NOPOS,
                       "Code: 243. DB::Exception: %s. (NOT_ENOUGH_SPACE)", refusal);
    struct store_query filled = *q;
    if (q->role != STORE_OWN && s->driver == STORE_SERVER)
        return err_set(err, ST_UNSUPPORTED, ERR_NOPOS, "a server's user has rights of its own");
    if (!filled.format.len) filled.format = S("Native");
    if (!filled.timeout_ms) filled.timeout_ms = s->timeout_ms;
    enum change change = s->changes ? change_of_sql(q->sql) : CHANGE_NONE;
    if (s->changes) changes_begin(s->changes, change);
    status st = s->ops->input_begin(s, &filled, ret, err);
    if (st == ST_OK)
        (*ret)->change = change;
    else if (s->changes)
        changes_end(s->changes, change);
    return st;
}

void store_refuse_input(struct store *s, const char *why) { atomic_store(&s->refusal, why); }

status store_input_append(struct store_input *in, str piece, struct err *err)
{
    return in->store->ops->input_append(in, piece, err);
}

status store_input_end(struct store_input *in, struct store_stats *ret, struct err *err)
{
    struct store_stats stats = {};
    struct store *s = in->store;
    enum change change = in->change;
    status st = s->ops->input_end(in, &stats, err);
    if (s->changes) changes_end(s->changes, change);
    if (st == ST_OK && ret) *ret = stats;
    return st;
}

void store_input_abort(struct store_input *in)
{
    if (!in) return;
    struct store *s = in->store;
    enum change change = in->change;
    s->ops->input_abort(in);
    if (s->changes) changes_end(s->changes, change);
}
