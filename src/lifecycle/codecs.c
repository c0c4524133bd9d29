/* Codecs: how columns of the embedded engine are stored where a ClickHouse server might be too old
 * for it (docs/decisions/0025). Not in the migrations, which are the same for all. */
#include <stdio.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

/* As the engine writes them. Servers before 26.1 refuse rows where T64 comes after Delta. */
static const struct {
    const char *table, *column, *type, *codec;
} codecs[] = {
    {"otel_metrics", "int_value", "Int64", "CODEC(Delta(8), T64('bit'), ZSTD(1))"},
};

static status has_codec(struct store *s, size_t i, bool *ret, struct err *err)
{
    struct rows rows;
    const struct store_param p[] = {{S("table"), str_of(codecs[i].table)},
                                    {S("column"), str_of(codecs[i].column)},
                                    {S("codec"), str_of(codecs[i].codec)}};
    TRY(rows_read(s,
                  S("SELECT name FROM system.columns WHERE database = currentDatabase() AND "
                    "table = {table:String} AND name = {column:String} AND "
                    "compression_codec = {codec:String}"),
                  p, sizeof p / sizeof *p, &rows, err));
    str field;
    *ret = rows_next(&rows, &field, 1);
    rows_done(&rows);
    return ST_OK;
}

status lifecycle_codecs(struct store *s, uint32_t *ret_changed, struct err *err)
{
    uint32_t changed = 0;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs && store_driver_of(s) != STORE_SERVER;
         i++) {
        bool has = false;
        TRY(has_codec(s, i, &has, err));
        if (has) continue;
        char sql[256];
        int n = snprintf(sql, sizeof sql, "ALTER TABLE %s MODIFY COLUMN %s %s %s", codecs[i].table,
                         codecs[i].column, codecs[i].type, codecs[i].codec);
        status st = store_exec(s, (str){sql, (size_t)n}, err);
        if (st != ST_OK) return err_wrap(err, st, "the codec of %s", codecs[i].column);
        changed++;
    }
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
