/* Retention: the tables' TTLs follow the settings. */
#include <inttypes.h>
#include <stdio.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

struct kept_table {
    const char *table, *expires; /* from when on, as the engine prints it */
    uint32_t days;
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

static status read_ttl(struct store *s, const char *table, struct buf *out, struct err *err)
{
    struct rows rows;
    struct store_param param = {S("table"), {table, strlen(table)}};
    TRY(rows_read(s,
                  S("SELECT engine_full FROM system.tables"
                    " WHERE database = currentDatabase() AND name = {table:String}"),
                  &param, 1, &rows, err));
    str field = {0};
    bool found = rows_next(&rows, &field, 1);
    buf_clear(out);
    buf_add(out, ttl_text(field));
    rows_done(&rows);
    return found ? ST_OK : err_set(err, ST_INTERNAL, ERR_NOPOS, "there is no table %s", table);
}

static status retain_table(struct store *s, const struct kept_table *t, uint32_t *changed,
                           struct err *err)
{
    char want[128], sql[512];
    snprintf(want, sizeof want, "%s + toIntervalDay(%" PRIu32 ")", t->expires, t->days);
    if (!t->days) *want = '\0';
    struct buf is;
    buf_init(&is, 1 << 16);
    status st = read_ttl(s, t->table, &is, err);
    bool same = st == ST_OK && str_eq(buf_str(&is), (str){want, strlen(want)});
    buf_done(&is);
    if (st != ST_OK || same) return st;
    int n = t->days ? snprintf(sql, sizeof sql, "ALTER TABLE %s MODIFY TTL %s", t->table, want)
                    : snprintf(sql, sizeof sql, "ALTER TABLE %s REMOVE TTL", t->table);
    st = store_exec(s, (str){sql, (size_t)n}, err);
    if (st != ST_OK) return err_wrap(err, st, "retention of %s", t->table);
    ++*changed;
    return ST_OK;
}

status lifecycle_retain(struct store *s, const struct schema_settings *set, uint32_t *ret_changed,
                        struct err *err)
{
    const struct kept_table tables[] = {
        {"otel_traces", "toDateTime(timestamp)", set->retention_traces_days},
        {"otel_trace_index", "hour", set->retention_traces_days},
        {"otel_span_names", "day", set->retention_traces_days},
        {"otel_traces_red_5m", "time", set->retention_rollup_5m_days},
        {"otel_logs", "toDateTime(timestamp)", set->retention_logs_days},
        {"otel_log_streams", "day", set->retention_logs_days},
        {"otel_metrics", "toDateTime(timestamp)", set->retention_metrics_days},
        {"otel_metric_series", "day", set->retention_metrics_days},
        {"otel_metric_exemplars", "toDateTime(timestamp)", set->retention_metrics_days},
    };
    uint32_t changed = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        TRY(retain_table(s, &tables[i], &changed, err));
    if (ret_changed) *ret_changed = changed;
    return ST_OK;
}
