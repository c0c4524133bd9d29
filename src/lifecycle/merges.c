/* Merges: what tables of the embedded engine have of their own (docs/decisions/0011, 0025). Not in
 * the migrations: a ClickHouse server may be older than the settings, and has its own habits. */
#include <stdio.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

/* As the engine writes them. Looking into twice as many parts costs queries of logs and data points
 * next to nothing. An hour of spans that nothing was written to for four hours becomes one part, if
 * it is no more than 2 GiB: what a start has to load is the number of files. */
static const struct {
    const char *table, *setting;
} own[] = {
    {"otel_logs", "merge_selector_base = 32"},
    {"otel_metrics", "merge_selector_base = 32"},
    {"otel_traces", "min_rows_for_wide_part = 1048576"},
    {"otel_traces", "max_bytes_to_merge_at_max_space_in_pool = 2147483648"},
    {"otel_traces", "enable_max_bytes_limit_for_min_age_to_force_merge = 1"},
    {"otel_traces", "min_age_to_force_merge_on_partition_only = 1"},
    {"otel_traces", "min_age_to_force_merge_seconds = 14400"},
};

static status has_setting(struct store *s, size_t i, bool *ret, struct err *err)
{
    struct rows rows;
    const struct store_param p[] = {{S("table"), str_of(own[i].table)},
                                    {S("setting"), str_of(own[i].setting)}};
    TRY(rows_read(s,
                  S("SELECT name FROM system.tables WHERE database = currentDatabase() AND "
                    "name = {table:String} AND position(engine_full, {setting:String}) > 0"),
                  p, sizeof p / sizeof *p, &rows, err));
    str field;
    *ret = rows_next(&rows, &field, 1);
    rows_done(&rows);
    return ST_OK;
}

status lifecycle_merges(struct store *s, uint32_t *ret_changed, struct err *err)
{
    uint32_t changed = 0;
    for (size_t i = 0; i < sizeof own / sizeof *own && store_driver_of(s) != STORE_SERVER; i++) {
        bool has = false;
        TRY(has_setting(s, i, &has, err));
        if (has) continue;
        char sql[160];
        int n = snprintf(sql, sizeof sql, "ALTER TABLE %s MODIFY SETTING %s", own[i].table,
                         own[i].setting);
        status st = store_exec(s, (str){sql, (size_t)n}, err);
        if (st != ST_OK) return err_wrap(err, st, "settings of %s", own[i].table);
        changed++;
    }
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
