/* Migrations, retention and tables.def against the real engine. */
#include "lifecycle/lifecycle.h"

#include "base/clock.h"
#include "engine/engine.h"
#include "lifecycle/compact.h"
#include "lifecycle/days.h"
#include "schema/indexes.h"

static const struct schema_settings settings = {
    .traces_partition_seconds = 3600, .retention_days = {30, 14, 90, 90, 90, 90, 365, 365, 365}};

TEST(migrations_run_once)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t applied = 0;
    WANT(lifecycle_migrate(s, &settings, &applied, &err), ST_OK);
    CHECK_INT(applied, n_migrations);
    WANT(lifecycle_migrate(s, &settings, &applied, &err), ST_OK);
    CHECK_INT(applied, 0);
}

TEST(the_tables_are_what_tables_def_says)
{
    struct err err = {};
    WANT(lifecycle_check_columns(engine_store(), &err), ST_OK);
    engine_do(engine_store(), "ALTER TABLE otel_span_names ADD COLUMN extra UInt8");
    WANT(lifecycle_check_columns(engine_store(), &err), ST_INTERNAL);
    engine_do(engine_store(), "ALTER TABLE otel_span_names DROP COLUMN extra");
    WANT(lifecycle_check_columns(engine_store(), &err), ST_OK);
}

TEST(retention_follows_the_settings)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t changed = 0;
    WANT(lifecycle_retain(s, &settings, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
    struct schema_settings other = settings;
    other.retention_days[SCHEMA_KEEP_logs] = 0;
    other.retention_days[SCHEMA_KEEP_metrics] = 7;
    other.retention_days[SCHEMA_KEEP_traces_5m] = 400;
    WANT(lifecycle_retain(s, &other, &changed, &err), ST_OK);
    CHECK_INT(changed, 6);
    CHECK_STR(engine_ask(s, "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database "
                            "= 'weir' AND name LIKE 'otel_%' AND engine_full NOT LIKE '% TTL %'"),
              S("['otel_log_filters','otel_log_streams','otel_logs']"));
    CHECK_STR(engine_ask(s, "SELECT count() FROM system.tables WHERE database = 'weir' AND "
                            "engine_full LIKE '%toIntervalDay(7)%'"),
              S("2"));
    CHECK_STR(engine_ask(s, "SELECT name FROM system.tables WHERE database = 'weir' AND "
                            "engine_full LIKE '%TTL time + toIntervalDay(400)%'"),
              S("otel_traces_red_5m"));
    WANT(lifecycle_retain(s, &other, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count() FROM system.tables WHERE database = 'weir' AND "
                            "engine_full LIKE '%toIntervalDay(14)%'"),
              S("3"));
}

TEST(indexes_are_made_once)
{
    static const char *const names = "SELECT arraySort(groupArray(name)) FROM "
                                     "system.data_skipping_indices WHERE database = 'weir'";
    struct store *s = engine_store();
    struct err err = {};
    uint32_t changed = 0;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    CHECK_STR(engine_ask(s, names), S("['level_elsewhere','trace_id_text']"));
    WANT(lifecycle_index(s, &settings, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
    engine_do(s, "ALTER TABLE otel_logs DROP INDEX level_elsewhere");
    WANT(lifecycle_index(s, &settings, &changed, &err), ST_OK);
    CHECK_INT(changed, 1);
}

TEST(logs_and_metrics_merge_more_parts_at_a_time)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t changed = 0;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database ="
                            " 'weir' AND engine_full LIKE '%merge_selector_base = 32%'"),
              S("['otel_logs','otel_metrics']"));
    WANT(lifecycle_merges(s, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
}

/* Ten rows in each of three hours that are over. */
static void insert_hours(struct store *s)
{
    engine_do(s, "INSERT INTO otel_traces (timestamp, service_name) SELECT toStartOfHour(now()) -"
                 " INTERVAL number % 3 + 2 HOUR, 'cart' FROM numbers(30)");
}

static const char *const parts_of_hours =
    "SELECT count(), countIf(part_type = 'Wide'), sum(rows) FROM system.parts WHERE active AND"
    " database = 'weir' AND table = 'otel_traces' FORMAT CSV";

static const char *const compact_up_to =
    "SELECT extract(engine_full, 'min_rows_for_wide_part = ([0-9]+)') FROM system.tables WHERE"
    " database = 'weir' AND name = 'otel_traces'";

TEST(small_hours_that_are_over_become_one_compact_part)
{
    struct store *s = engine_store();
    struct err err = {};
    atomic_bool stop = false;
    struct lifecycle_run run = {.store = s, .now = clock_now(), .stop = &stop};
    struct compact c = {.partition_seconds = 3600, .quiet_seconds = 3600};
    uint32_t n;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    engine_do(s, "SYSTEM STOP MERGES otel_traces");
    insert_hours(s);
    insert_hours(s);
    engine_do(s, "SYSTEM START MERGES otel_traces");
    WANT(compact_hours(&c, &run, &n, &err), ST_OK); /* they were written to just now */
    CHECK_INT(n, 0);
    c.quiet_seconds = 0;
    for (uint32_t all = 0; all < 3; all += n) {
        c.not_before = 0;
        WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    }
    CHECK_STR(engine_ask(s, parts_of_hours), S("3,0,60"));
    CHECK(c.not_before > clock_monotonic());
    c.not_before = 0;
    WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    CHECK_INT(n, 0);
}

TEST(hours_stay_compact_while_few_spans_come)
{
    struct store *s = engine_store();
    struct err err = {};
    atomic_bool stop = false;
    struct lifecycle_run run = {.store = s, .now = clock_now(), .stop = &stop};
    struct compact c = {.partition_seconds = 3600, .quiet_seconds = 3600, .patience = NANOS_HOUR};
    uint32_t n;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    engine_do(s, "ALTER TABLE otel_traces MODIFY SETTING min_rows_for_wide_part = 131072");
    WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    CHECK_STR(engine_ask(s, compact_up_to), S("131072")); /* it may be the first minute of many */
    c.patience = 0;
    WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    CHECK_STR(engine_ask(s, compact_up_to), S("1048577"));
    engine_do(s, "INSERT INTO otel_traces (timestamp) SELECT toStartOfHour(now()) FROM"
                 " numbers(1048577)");
    WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    CHECK_STR(engine_ask(s, compact_up_to), S("131072"));
    engine_do(s, "TRUNCATE TABLE otel_traces");
    WANT(compact_hours(&c, &run, &n, &err), ST_OK);
    CHECK_STR(engine_ask(s, compact_up_to), S("1048577"));
}

/* `n` points of one series, a part for themselves. */
static void insert_points(struct store *s, const char *at, unsigned n)
{
    struct buf sql;
    buf_init(&sql, 1 << 12);
    buf_printf(&sql, "INSERT INTO otel_metrics (timestamp) SELECT %s FROM numbers(%u)", at, n);
    buf_char(&sql, 0);
    engine_do(s, sql.ptr);
    buf_done(&sql);
}

static const char *const parts_of_days =
    "SELECT groupArray((parts, n)) FROM (SELECT count() AS parts, sum(rows) AS n FROM system.parts"
    " WHERE active AND database = 'weir' AND table = 'otel_metrics' GROUP BY partition ORDER BY"
    " partition)";

TEST(days_of_points_that_are_over_become_one_part)
{
    static const char *const day = "today() - 2", *const coming = "now() + INTERVAL 1 MINUTE";
    struct store *s = engine_store();
    struct err err = {};
    atomic_bool stop = false;
    struct lifecycle_run run = {.store = s, .now = clock_now(), .stop = &stop};
    struct days d = {.quiet_seconds = 3600};
    uint32_t n;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    for (int i = 0; i < 3; i++) {
        insert_points(s, day, 100);
        insert_points(s, coming, 100);
    }
    WANT(merge_days(&d, &run, &n, &err), ST_OK); /* written to just now */
    CHECK_INT(n, 0);
    d.quiet_seconds = 0;
    d.reserve = UINT64_MAX / 2; /* the disk has no room */
    WANT(merge_days(&d, &run, &n, &err), ST_OK);
    CHECK_INT(n, 0);
    d.reserve = 0;
    WANT(merge_days(&d, &run, &n, &err), ST_OK);
    CHECK_INT(n, 1);
    CHECK_STR(engine_ask(s, parts_of_days), S("[(1,300),(3,300)]"));
    CHECK(d.not_before > clock_monotonic());
    d.not_before = 0;
    insert_points(s, day, 1); /* a late one */
    WANT(merge_days(&d, &run, &n, &err), ST_OK);
    CHECK_INT(n, 0);
    insert_points(s, day, 20); /* a twentieth more than there were */
    WANT(merge_days(&d, &run, &n, &err), ST_OK);
    CHECK_INT(n, 1);
    CHECK_STR(engine_ask(s, parts_of_days), S("[(1,321),(3,300)]"));
}

TEST(a_day_is_not_merged_when_merges_are_stopped)
{
    struct store *s = engine_store();
    struct err err = {};
    atomic_bool stop = false;
    struct lifecycle_run run = {.store = s, .now = clock_now(), .stop = &stop};
    struct days d = {};
    uint32_t n;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    insert_points(s, "today() - 3", 100);
    insert_points(s, "today() - 3", 100);
    engine_do(s, "SYSTEM STOP MERGES");
    CHECK(merge_days(&d, &run, &n, &err) != ST_OK);
    CHECK_INT(n, 0);
    CHECK(d.not_before > clock_monotonic() + 3000 * NANOS_S);
    WANT(merge_days(&d, &run, &n, &err), ST_OK); /* it rests for an hour */
    engine_do(s, "SYSTEM START MERGES");
}

TEST(integers_are_stored_as_the_bits_of_their_differences)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t changed = 0;
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT compression_codec FROM system.columns WHERE database = 'weir'"
                            " AND table = 'otel_metrics' AND name = 'int_value' FORMAT TSVRaw"),
              S("CODEC(Delta(8), T64('bit'), ZSTD(1))"));
    WANT(lifecycle_codecs(s, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
}

TEST(what_is_to_be_cold_moves_before_it_goes)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t changed = 0;
    struct schema_settings set = settings;
    set.hot_days[SCHEMA_KEEP_traces] = 7;
    set.hot_days[SCHEMA_KEEP_logs] = 14; /* as long as they are kept: nothing to move */
    set.hot_days[SCHEMA_KEEP_metrics] = 5;
    set.retention_days[SCHEMA_KEEP_metrics] = 0;
    set.cold_policy = S("default");
    WANT(lifecycle_start(s, &set, &err), ST_OK);
    CHECK_STR(engine_ask(s,
                         "SELECT name FROM system.tables WHERE database = 'weir' AND engine_full"
                         " LIKE '% TTL toDateTime(timestamp) + toIntervalDay(30),"
                         " toDateTime(timestamp) + toIntervalDay(7) TO VOLUME \\'cold\\' SETT%'"),
              S("otel_traces"));
    CHECK_STR(engine_ask(s, "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database"
                            " = 'weir' AND engine_full LIKE '% TTL toDateTime(timestamp) +"
                            " toIntervalDay(5) TO VOLUME \\'cold\\' SETT%'"),
              S("['otel_metric_exemplars','otel_metrics']"));
    WANT(lifecycle_retain(s, &set, &changed, &err), ST_OK);
    CHECK_INT(changed, 0);
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count() FROM system.tables WHERE database = 'weir' AND"
                            " engine_full LIKE '%VOLUME%'"),
              S("0"));
}

TEST(a_storage_policy_that_the_server_does_not_have_is_named)
{
    struct store *s = engine_store();
    struct err err = {};
    struct schema_settings set = settings;
    set.cold_policy = S("tiers");
    WANT(lifecycle_start(s, &set, &err), ST_INVALID);
    CHECK(strstr(err.msg, "no storage policy 'tiers' with a volume named cold"));
    CHECK(strstr(err.msg, "(with such a volume: default)"));
}

/* How often the plan of a query names the index. */
static void check_used(const char *name, const char *table, const char *where)
{
    struct buf sql;
    buf_init(&sql, 1 << 16);
    buf_printf(&sql,
               "SELECT count() > 0 FROM (EXPLAIN indexes = 1 SELECT * FROM %s WHERE %s) WHERE "
               "explain LIKE '%%Name: %s%%'",
               table, where, name);
    buf_char(&sql, 0);
    CHECK_STR(engine_ask(engine_store(), sql.ptr), S("1"));
    buf_done(&sql);
}

TEST(the_engine_finds_an_index_by_what_queries_say)
{
    struct store *s = engine_store();
    struct err err = {};
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    engine_do(s, "INSERT INTO otel_logs (timestamp, severity_number, body) VALUES (now(), 9, 'x')");
    check_used("level_elsewhere", "otel_logs", SCHEMA_LEVEL_ELSEWHERE " > 0");
}

TEST(a_killed_migration_is_run_again)
{
    struct store *s = engine_store();
    struct err err = {};
    uint32_t applied = 0;
    engine_do(s,
              "TRUNCATE TABLE weir_migrations"); /* as after a kill before the record was written */
    engine_do(s, "DROP TABLE otel_metric_exemplars");
    WANT(lifecycle_migrate(s, &settings, &applied, &err), ST_OK);
    CHECK_INT(applied, n_migrations);
    WANT(lifecycle_check_columns(s, &err), ST_OK);
}

TEST(no_retention_from_the_start_leaves_tables_without_ttl)
{
    struct store *s = engine_store();
    struct err err = {};
    engine_do(s, "TRUNCATE TABLE weir_migrations");
    engine_do(s, "DROP TABLE otel_logs");
    struct schema_settings forever = {.traces_partition_seconds = 3600};
    WANT(lifecycle_migrate(s, &forever, NULL, &err), ST_OK);
    CHECK_STR(
        engine_ask(s,
                   "SELECT engine_full LIKE '% TTL %' FROM system.tables WHERE name = 'otel_logs'"),
        S("0"));
}

TEST(a_newer_schema_is_refused)
{
    struct store *s = engine_store();
    struct err err = {};
    engine_do(s, "INSERT INTO weir_migrations (version, name, checksum) VALUES (9000, 'later', 1)");
    WANT(lifecycle_start(s, &settings, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.msg, "9000") != NULL);
    engine_do(s, "TRUNCATE TABLE weir_migrations");
    engine_do(s,
              "INSERT INTO weir_migrations (version, name, checksum) VALUES (1, '0001_tables', 1)");
    WANT(lifecycle_start(s, &settings, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.msg, "0001_tables") != NULL);
}
