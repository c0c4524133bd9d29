/* Retention: the tables' TTLs follow the settings. */
#include <inttypes.h>
#include <string.h>

#include "lifecycle/cold.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

enum { SQL_BYTES = 1 << 16 };

static const struct kept_table {
    const char *table, *expires; /* from when on, as the engine prints it */
    enum schema_retention retention;
} kept_tables[] = {
#define KEPT(table, expires, retention) {#table, expires, SCHEMA_KEEP_##retention},
#include "lifecycle/kept.def"
#undef KEPT
};

/* What system.tables.engine_full says between TTL and SETTINGS. */
static str ttl_text(str engine_full)
{
    static const char ttl[] = " TTL ", settings[] = " SETTINGS ";
    const char *at = memmem(engine_full.ptr, engine_full.len, ttl, sizeof ttl - 1);
    if (!at) return (str){0};
    str s = str_drop(engine_full, (size_t)(at - engine_full.ptr) + sizeof ttl - 1);
    const char *end = memmem(s.ptr, s.len, settings, sizeof settings - 1);
    return end ? (str){s.ptr, (size_t)(end - s.ptr)} : s;
}

/* `tables`: name and engine_full of each, of which none was taken yet. */
static status has_ttl(struct rows tables, const struct schema_settings *set, const char *table,
                      str want, bool *ret_same, struct err *err)
{
    struct buf name;
    buf_init(&name, 256);
    schema_add_local(&name, set, str_of(table));
    bool found = false;
    for (str field[2]; !found && rows_next(&tables, field, 2);) {
        found = str_eq(field[0], buf_str(&name));
        if (found) *ret_same = str_eq(ttl_text(field[1]), want);
    }
    buf_done(&name);
    return found ? ST_OK : err_set(err, ST_INTERNAL, ERR_NOPOS, "there is no table %s", table);
}

static status retain_table(struct store *s, const struct rows *tables,
                           const struct schema_settings *set, const struct kept_table *t,
                           uint32_t *changed, struct err *err)
{
    uint32_t days = schema_kept_days(set, t->retention);
    uint32_t hot = cold_after_days(set, t->table);
    struct buf want, sql;
    buf_init(&want, SQL_BYTES);
    buf_init(&sql, SQL_BYTES);
    if (days) buf_printf(&want, "%s + toIntervalDay(%" PRIu32 ")", t->expires, days);
    if (hot && (!days || hot < days)) /* what goes before it would be moved is not moved */
        buf_printf(&want, "%s%s + toIntervalDay(%" PRIu32 ") TO VOLUME 'cold'", days ? ", " : "",
                   t->expires, hot);
    bool same = false;
    status st = has_ttl(*tables, set, t->table, buf_str(&want), &same, err);
    if (st == ST_OK && !same) {
        buf_add(&sql, S("ALTER TABLE "));
        schema_add_table(&sql, set, str_of(t->table));
        buf_add(&sql, want.len ? S(" MODIFY TTL ") : S(" REMOVE TTL"));
        buf_add(&sql, buf_str(&want));
        st = store_exec(s, buf_str(&sql), err);
        if (st != ST_OK) st = err_wrap(err, st, "retention of %s", t->table);
        *changed += st == ST_OK;
    }
    buf_done(&sql);
    buf_done(&want);
    return st;
}

status lifecycle_retain(struct store *s, const struct schema_settings *set, uint32_t *ret_changed,
                        struct err *err)
{
    uint32_t changed = 0;
    struct rows tables;
    TRY(rows_read(s,
                  S("SELECT name, engine_full FROM system.tables"
                    " WHERE database = currentDatabase()"),
                  NULL, 0, &tables, err));
    status st = ST_OK;
    for (size_t i = 0; i < sizeof kept_tables / sizeof *kept_tables && st == ST_OK; i++)
        st = retain_table(s, &tables, set, &kept_tables[i], &changed, err);
    rows_done(&tables);
    if (st != ST_OK) return st;
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
