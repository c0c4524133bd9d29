#include "lifecycle/cold.h"

#include <string.h>

#include "lifecycle/lifecycle.h"
#include "lifecycle/rows.h"
#include "store/store.h"

/* The tables of raw rows; what finds them is small and stays. */
static const struct raw_table {
    const char *table;
    enum schema_retention of;
} raw_tables[] = {
    {"otel_traces", SCHEMA_KEEP_traces},
    {"otel_logs", SCHEMA_KEEP_logs},
    {"otel_metrics", SCHEMA_KEEP_metrics},
    {"otel_metric_exemplars", SCHEMA_KEEP_metrics},
};
enum { RAW_TABLES = sizeof raw_tables / sizeof *raw_tables };

uint32_t cold_after_days(const struct schema_settings *set, const char *table)
{
    for (size_t i = 0; i < RAW_TABLES; i++)
        if (strcmp(raw_tables[i].table, table) == 0) return set->hot_days[raw_tables[i].of];
    return 0;
}

/* The names of policies that would do, between commas. */
static status read_policies(struct store *s, struct rows *ret, str *ret_names, struct err *err)
{
    TRY(rows_read(s,
                  S("SELECT arrayStringConcat(arraySort(groupArray(policy_name)), ', ') FROM"
                    " system.storage_policies WHERE volume_name = 'cold'"),
                  NULL, 0, ret, err));
    (void)rows_next(ret, ret_names, 1);
    return ST_OK;
}

static status check_policy(struct store *s, str name, struct err *err)
{
    struct rows rows;
    struct store_param param = {S("name"), name};
    TRY(rows_read(s,
                  S("SELECT count() FROM system.storage_policies"
                    " WHERE volume_name = 'cold' AND policy_name = {name:String}"),
                  &param, 1, &rows, err));
    str n = {0}, others = {0};
    bool found = rows_next(&rows, &n, 1) && !str_eq(n, S("0"));
    rows_done(&rows);
    if (found) return ST_OK;
    TRY(read_policies(s, &rows, &others, err));
    status st = err_set(err, ST_INVALID, ERR_NOPOS,
                        "store.cold.policy: the server has no storage policy '" STR_FMT
                        "' with a volume named cold (with such a volume: " STR_FMT ")",
                        STR_ARG(name), STR_ARG(others.len ? others : S("none")));
    rows_done(&rows);
    return st;
}

static bool is_name(str s) { return !memchr(s.ptr, '\'', s.len) && !memchr(s.ptr, '\\', s.len); }

static status has_policy(struct store *s, str table, str policy, bool *ret, struct err *err)
{
    struct rows rows;
    struct store_param param = {S("table"), table};
    TRY(rows_read(s,
                  S("SELECT storage_policy FROM system.tables"
                    " WHERE database = currentDatabase() AND name = {table:String}"),
                  &param, 1, &rows, err));
    str is = {0};
    *ret = rows_next(&rows, &is, 1) && str_eq(is, policy);
    rows_done(&rows);
    return ST_OK;
}

static status use_policy(struct store *s, const struct schema_settings *set, const char *table,
                         struct err *err)
{
    struct buf name, sql;
    buf_init(&name, 256);
    buf_init(&sql, 1 << 16);
    schema_add_local(&name, set, str_of(table));
    bool same = false;
    status st = has_policy(s, buf_str(&name), set->cold_policy, &same, err);
    if (st == ST_OK && !same) {
        buf_add(&sql, S("ALTER TABLE "));
        schema_add_table(&sql, set, str_of(table));
        buf_printf(&sql, " MODIFY SETTING storage_policy = '" STR_FMT "'",
                   STR_ARG(set->cold_policy));
        st = store_exec(s, buf_str(&sql), err);
        if (st != ST_OK) st = err_wrap(err, st, "store.cold.policy of %s", table);
    }
    buf_done(&name);
    buf_done(&sql);
    return st;
}

status lifecycle_use_policy(struct store *s, const struct schema_settings *set, struct err *err)
{
    if (!set->cold_policy.len) return ST_OK;
    if (!is_name(set->cold_policy))
        return err_set(err, ST_INVALID, ERR_NOPOS, "store.cold.policy: not a name");
    TRY(check_policy(s, set->cold_policy, err));
    for (size_t i = 0; i < RAW_TABLES; i++) TRY(use_policy(s, set, raw_tables[i].table, err));
    return ST_OK;
}
