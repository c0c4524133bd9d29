/* Rows that are kept shorter than their table. */
#include "lifecycle/retention.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lifecycle/rows.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "store/store.h"

enum { SQL_BYTES = 1 << 20, FOR_EVER = 1000000, DELETE_TIMEOUT_MS = 3600 * 1000 };

static const struct ruled_table {
    const char *table;
    enum schema_retention retention;
    bool by_series; /* its resource lies in otel_metric_series */
} ruled_tables[] = {
    {"otel_traces", SCHEMA_KEEP_traces, false},
    {"otel_logs", SCHEMA_KEEP_logs, false},
    {"otel_metrics", SCHEMA_KEEP_metrics, true},
    {"otel_metric_exemplars", SCHEMA_KEEP_metrics, true},
};

static bool concerns(const struct retention_rule *r, enum schema_retention of)
{
    return of == SCHEMA_KEEP_traces    ? r->traces
           : of == SCHEMA_KEEP_logs    ? r->logs
           : of == SCHEMA_KEEP_metrics ? r->metrics
                                       : false;
}

static uint32_t or_ever(uint32_t days) { return days ? days : FOR_EVER; }

static uint32_t longest(const struct retention *r, enum schema_retention of)
{
    uint32_t days = or_ever(r->settings.retention_days[of]);
    for (size_t i = 0; i < r->n_rules; i++)
        if (concerns(&r->rules[i], of) && or_ever(r->rules[i].days) > days)
            days = or_ever(r->rules[i].days);
    return days;
}

struct schema_settings retention_longest(const struct retention *r)
{
    struct schema_settings s = r->settings;
    for (enum schema_retention k = 0; k < SCHEMA_RETENTIONS; k++) {
        uint32_t days = longest(r, k);
        s.retention_days[k] = days == FOR_EVER ? 0 : days;
    }
    return s;
}

/* ---- which rows ---- */

static void add_string(struct buf *out, str s)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\') buf_char(out, '\\');
        buf_char(out, s.ptr[i]);
    }
    buf_char(out, '\'');
}

static void add_condition(struct buf *out, const struct retention_rule *r, bool by_series)
{
    if (by_series) buf_add(out, S("series_id IN (SELECT series_id FROM otel_metric_series WHERE "));
    for (size_t i = 0; i < r->n_match; i++) {
        if (i) buf_add(out, S(" AND "));
        if (str_eq(r->match[i].attribute, S("service.name"))) {
            buf_add(out, S("service_name = "));
        } else {
            buf_add(out, S("resource_attributes["));
            add_string(out, r->match[i].attribute);
            buf_add(out, S("] = "));
        }
        add_string(out, r->match[i].value);
    }
    if (by_series) buf_char(out, ')');
}

/* "multiIf(first rule's condition, its days, ..., the table's days) <= days" */
static void add_expired(struct buf *out, const struct retention *r, const struct ruled_table *t,
                        uint32_t days)
{
    buf_add(out, S("multiIf("));
    for (size_t i = 0; i < r->n_rules; i++) {
        if (!concerns(&r->rules[i], t->retention)) continue;
        add_condition(out, &r->rules[i], t->by_series);
        buf_printf(out, ", %" PRIu32 ", ", or_ever(r->rules[i].days));
    }
    buf_printf(out, "%" PRIu32 ") <= %" PRIu32, or_ever(r->settings.retention_days[t->retention]),
               days);
}

/* ---- which partitions ---- */

/* Those with rows to delete that are wholly older, oldest first. */
static status find(const struct retention *r, const struct ruled_table *t, uint32_t days,
                   const struct lifecycle_run *run, nanos since, struct rows *ret, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    int64_t closed = run->now / NANOS_S - (int64_t)days * 86400;
    buf_printf(&sql,
               "SELECT _partition_id, count() FROM %s WHERE _partition_id IN (SELECT partition_id"
               " FROM system.parts WHERE active AND database = currentDatabase() AND table = '%s'"
               " GROUP BY partition_id HAVING toUnixTimestamp(max(max_time)) < %" PRId64,
               t->table, t->table, closed);
    if (since)
        buf_printf(&sql,
                   " AND (toUnixTimestamp(max(max_time)) >= %" PRId64
                   " OR toUnixTimestamp(max(modification_time)) >= %" PRId64 ")",
                   (int64_t)(since / NANOS_S) - (int64_t)days * 86400,
                   (int64_t)(since / NANOS_S) - 600);
    buf_add(&sql, S(") AND "));
    add_expired(&sql, r, t, days);
    buf_add(&sql, S(" GROUP BY _partition_id ORDER BY min(timestamp)"));
    status s = rows_read(run->store, buf_str(&sql), NULL, 0, ret, err);
    buf_done(&sql);
    return s;
}

static bool drop_piece(void *, str) { return true; }

static status delete_in(const struct retention *r, const struct ruled_table *t, uint32_t days,
                        str partition, const struct lifecycle_run *run, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    buf_printf(&sql, "ALTER TABLE %s DELETE IN PARTITION ID ", t->table);
    add_string(&sql, partition);
    buf_add(&sql, S(" WHERE "));
    add_expired(&sql, r, t, days);
    struct store_setting sync = {S("mutations_sync"), S("1")};
    struct store_query q = {.sql = buf_str(&sql),
                            .format = S("TabSeparated"),
                            .settings = &sync,
                            .n_settings = 1,
                            .timeout_ms = DELETE_TIMEOUT_MS,
                            .cancel = run->stop};
    status s = store_query(run->store, &q, drop_piece, NULL, NULL, err);
    buf_done(&sql);
    return s;
}

static status delete_older(const struct retention *r, const struct ruled_table *t, uint32_t days,
                           const struct lifecycle_run *run, nanos since, uint32_t *partitions,
                           struct err *err)
{
    struct rows rows;
    TRY(find(r, t, days, run, since, &rows, err));
    status s = ST_OK;
    for (str field[2]; s == ST_OK && rows_next(&rows, field, 2);) {
        if (atomic_load(run->stop)) s = err_set(err, ST_CANCELLED, ERR_NOPOS, "stopping");
        if (s == ST_OK) s = delete_in(r, t, days, field[0], run, err);
        if (s != ST_OK) break;
        ++*partitions;
        metric_add(M_RETENTION_REWRITES, 0, 1);
        log_info("lifecycle", "rows kept shorter than their table are deleted",
                 LOG_CSTR("table", t->table), LOG_STR("partition", field[0]),
                 LOG_STR("rows", field[1]), LOG_INT("days", days));
    }
    rows_done(&rows);
    return s == ST_OK ? s : err_wrap(err, s, "%s", t->table);
}

/* The next larger retention of rows of the table than `after`; its TTL's when there is none. */
static uint32_t next_days(const struct retention *r, const struct ruled_table *t, uint32_t after)
{
    uint32_t next = longest(r, t->retention);
    uint32_t own = or_ever(r->settings.retention_days[t->retention]);
    if (own > after && own < next) next = own;
    for (size_t i = 0; i < r->n_rules; i++) {
        uint32_t days = or_ever(r->rules[i].days);
        if (concerns(&r->rules[i], t->retention) && days > after && days < next) next = days;
    }
    return next;
}

/* A mutation that is still at work (of a run that was cut off) is waited for. */
static status is_busy(struct store *s, const char *table, bool *ret, struct err *err)
{
    struct rows rows;
    struct store_param param = {S("table"), str_of(table)};
    TRY(rows_read(s,
                  S("SELECT 1 FROM system.mutations WHERE database = currentDatabase()"
                    " AND table = {table:String} AND NOT is_done LIMIT 1"),
                  &param, 1, &rows, err));
    str one;
    *ret = rows_next(&rows, &one, 1);
    rows_done(&rows);
    return ST_OK;
}

status retention_delete(const struct retention *r, const struct lifecycle_run *run, nanos since,
                        uint32_t *ret_partitions, struct err *err)
{
    uint32_t partitions = 0;
    for (size_t i = 0; r->n_rules && i < sizeof ruled_tables / sizeof *ruled_tables; i++) {
        const struct ruled_table *t = &ruled_tables[i];
        uint32_t end = longest(r, t->retention);
        bool busy = false;
        if (next_days(r, t, 0) < end) TRY(is_busy(run->store, t->table, &busy, err));
        if (busy)
            return err_set(err, ST_UNAVAILABLE, ERR_NOPOS, "%s: a mutation is at work", t->table);
        for (uint32_t days = next_days(r, t, 0); days < end; days = next_days(r, t, days))
            TRY(delete_older(r, t, days, run, since, &partitions, err));
    }
    *ret_partitions = partitions;
    return ST_OK;
}
