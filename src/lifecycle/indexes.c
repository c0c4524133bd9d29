/* Indexes: the tables have those of schema/indexes.def. */
#include <string.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "obs/log.h"
#include "schema/indexes.h"
#include "store/store.h"

enum { SQL_BYTES = 1 << 16 };

static status has_index(struct store *s, const struct schema_settings *set,
                        const struct schema_index *x, bool *ret, struct err *err)
{
    struct buf table;
    struct rows rows;
    buf_init(&table, 256);
    schema_add_local(&table, set, str_of(x->table));
    struct store_param params[] = {{S("table"), buf_str(&table)}, {S("name"), str_of(x->name)}};
    status st =
        rows_read(s,
                  S("SELECT name FROM system.data_skipping_indices WHERE database = "
                    "currentDatabase() AND table = {table:String} AND name = {name:String}"),
                  params, 2, &rows, err);
    buf_done(&table);
    if (st != ST_OK) return st;
    str field;
    *ret = rows_next(&rows, &field, 1);
    rows_done(&rows);
    return ST_OK;
}

static status add(struct store *s, const struct schema_settings *set, const struct schema_index *x,
                  struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    buf_add(&sql, S("ALTER TABLE "));
    schema_add_table(&sql, set, str_of(x->table));
    buf_printf(&sql, " ADD INDEX IF NOT EXISTS %s %s TYPE %s GRANULARITY 1", x->name, x->expression,
               x->type);
    status st = store_exec(s, buf_str(&sql), err);
    buf_done(&sql);
    return st == ST_OK ? st : err_wrap(err, st, "index %s of %s", x->name, x->table);
}

status lifecycle_index(struct store *s, const struct schema_settings *set, uint32_t *ret_changed,
                       struct err *err)
{
    uint32_t changed = 0;
    for (unsigned i = 0; i < n_schema_indexes; i++) {
        const struct schema_index *x = &schema_indexes[i];
        bool has = false;
        TRY(has_index(s, set, x, &has, err));
        if (has) continue;
        TRY(add(s, set, x, err));
        changed++;
    }
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
