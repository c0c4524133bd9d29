#include "store/embedded_connection.h"

#include "store/engine_codes.h"
#include "store/sql_text.h"

enum { SETTINGS_BYTES = 1 << 20 };

static status run(struct embedded_connection *c, str sql, struct err *err)
{
    struct chdb_result *r = c->api->query_with_params_n(*c->handle, sql.ptr, sql.len, "Null", 4,
                                                        NULL, NULL, NULL, NULL, 0);
    const char *why = c->api->result_error(r);
    status s = why ? engine_error((str){why, strlen(why)}, ENGINE_QUERY, err) : ST_OK;
    c->api->destroy_query_result(r);
    return s;
}

static status on_database(struct embedded_connection *c, str verb, str database, struct err *err)
{
    struct buf sql;
    buf_init(&sql, 4096);
    buf_add(&sql, verb);
    sql_name(&sql, database);
    status s = sql.over
                   ? err_set(err, ST_LIMIT, ERR_NOPOS, "a database name of %zu bytes", database.len)
                   : run(c, buf_str(&sql), err);
    buf_done(&sql);
    return s;
}

static status open_connection(struct embedded_connection *c, str database, struct err *err)
{
    TRY(embedded_engine_connect(c->comment, &c->handle, err));
    buf_init(&c->set, SETTINGS_BYTES);
    buf_init(&c->reset, SETTINGS_BYTES);
    buf_init(&c->database, SETTINGS_BYTES);
    c->role = STORE_OWN;
    status s = on_database(c, S("CREATE DATABASE IF NOT EXISTS "), database, err);
    if (s != ST_OK) embedded_connection_close(c);
    return s;
}

/* The engine itself sees to what a role may do. */
static status go_as(struct embedded_connection *c, enum store_role role, struct err *err)
{
    static const str statements[] = {[STORE_OWN] = S("SET ROLE DEFAULT"),
                                     [STORE_WRITE] = S("SET ROLE " ENGINE_ROLE_WRITE),
                                     [STORE_READ] = S("SET ROLE " ENGINE_ROLE_READ)};
    if (c->role == role) return ST_OK;
    TRY(run(c, statements[role], err));
    c->role = role;
    return ST_OK;
}

static status go_to(struct embedded_connection *c, str database, struct err *err)
{
    if (str_eq(buf_str(&c->database), database)) return ST_OK;
    TRY(on_database(c, S("USE "), database, err));
    buf_clear(&c->database);
    buf_add(&c->database, database);
    return ST_OK;
}

void embedded_connection_close(struct embedded_connection *c)
{
    if (c->handle) c->api->close_conn(c->handle);
    c->handle = NULL;
    buf_done(&c->database);
    buf_done(&c->set);
    buf_done(&c->reset);
}

static void assign(struct embedded_connection *c, struct buf *set, struct buf *reset,
                   const struct store_setting *setting)
{
    buf_add(set, set->len ? S(", ") : S("SET "));
    buf_add(set, setting->name);
    buf_char(set, '=');
    bool comment = str_eq(setting->name, S("log_comment"));
    if (comment) { /* ours stays in front: by it the engine finds what is to be stopped */
        struct buf both;
        buf_init(&both, SETTINGS_BYTES);
        buf_printf(&both, "%s " STR_FMT, c->comment, STR_ARG(setting->value));
        sql_string(set, buf_str(&both));
        buf_done(&both);
    } else {
        sql_string(set, setting->value);
    }

    /* What connecting has set is not the engine's default. */
    buf_add(reset, reset->len ? S(", ") : S("SET "));
    buf_add(reset, setting->name);
    buf_char(reset, '=');
    if (str_eq(setting->name, S("async_insert")))
        buf_char(reset, '0');
    else if (comment)
        sql_string(reset, (str){c->comment, strlen(c->comment)});
    else
        buf_add(reset, S("DEFAULT"));
}

static status change_settings(struct embedded_connection *c, struct buf *set, struct buf *reset,
                              struct err *err)
{
    if (set->over || reset->over)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "settings of more than %d bytes", SETTINGS_BYTES);
    if (str_eq(buf_str(&c->set), buf_str(set))) return ST_OK;
    status s = c->reset.len ? run(c, buf_str(&c->reset), err) : ST_OK;
    if (s == ST_OK && set->len) s = run(c, buf_str(set), err);
    if (s != ST_OK) { /* part of it may have been done */
        embedded_connection_close(c);
        return s;
    }
    struct buf old_set = c->set, old_reset = c->reset;
    c->set = *set;
    c->reset = *reset;
    *set = old_set;
    *reset = old_reset;
    return ST_OK;
}

status embedded_connection_prepare(struct embedded_connection *c, str database,
                                   const struct store_query *q, struct err *err)
{
    if (!c->handle) TRY(open_connection(c, database, err));
    TRY(go_as(c, q ? q->role : STORE_OWN, err));
    TRY(go_to(c, q && q->database.len ? q->database : database, err));
    struct buf set, reset, limit;
    buf_init(&set, SETTINGS_BYTES);
    buf_init(&reset, SETTINGS_BYTES);
    buf_init(&limit, 64);
    bool own_limit = false;
    for (size_t i = 0; q && i < q->n_settings; i++) {
        assign(c, &set, &reset, &q->settings[i]);
        own_limit |= str_eq(q->settings[i].name, S("max_execution_time"));
    }
    if (q && q->timeout_ms && !own_limit) {
        buf_printf(&limit, "%u.%03u", q->timeout_ms / 1000, q->timeout_ms % 1000);
        assign(c, &set, &reset, &(struct store_setting){S("max_execution_time"), buf_str(&limit)});
    }
    status s = change_settings(c, &set, &reset, err);
    buf_done(&set);
    buf_done(&reset);
    buf_done(&limit);
    return s;
}
