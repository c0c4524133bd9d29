/* Merges: which tables of the embedded engine merge more parts at a time than the others
 * (docs/decisions/0011). Not in the migrations: a ClickHouse server may be older than the setting,
 * and has its own habits. */
#include <stdio.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

/* Looking into twice as many parts costs queries of these two next to nothing. */
#define WIDE_MERGES "merge_selector_base = 32"

static const char *const wide[] = {"otel_logs", "otel_metrics"};

static status has_setting(struct store *s, const char *table, bool *ret, struct err *err)
{
    struct rows rows;
    struct store_param p = {S("table"), str_of(table)};
    TRY(rows_read(s,
                  S("SELECT name FROM system.tables WHERE database = currentDatabase() AND "
                    "name = {table:String} AND engine_full LIKE '%" WIDE_MERGES "%'"),
                  &p, 1, &rows, err));
    str field;
    *ret = rows_next(&rows, &field, 1);
    rows_done(&rows);
    return ST_OK;
}

status lifecycle_merges(struct store *s, uint32_t *ret_changed, struct err *err)
{
    uint32_t changed = 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide && store_driver_of(s) != STORE_SERVER; i++) {
        bool has = false;
        TRY(has_setting(s, wide[i], &has, err));
        if (has) continue;
        char sql[128];
        int n = snprintf(sql, sizeof sql, "ALTER TABLE %s MODIFY SETTING " WIDE_MERGES, wide[i]);
        status st = store_exec(s, (str){sql, (size_t)n}, err);
        if (st != ST_OK) return err_wrap(err, st, "settings of %s", wide[i]);
        changed++;
    }
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
