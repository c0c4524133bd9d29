/* Rows that are kept shorter or longer than the others of their table, and what goes first when the
 * disk is short. */
#include "lifecycle/retention.h"

#include <stdio.h>

#include "engine/engine.h"
#include "lifecycle/disk.h"
#include "lifecycle/lifecycle.h"
#include "obs/metrics.h"

static const struct retention_match checkout = {S("service.name"), S("checkout")},
                                    payments[] = {{S("service.name"), S("payments")},
                                                  {S("region"), S("o'eu\\")}};
static const struct retention_rule rules[] = {
    {&checkout, 1, .days = 7, .traces = true, .logs = true, .metrics = true},
    {payments, 2, .days = 90, .traces = true, .logs = true, .metrics = true},
};
static const struct retention retention = {
    .settings = {.traces_partition_seconds = 86400,
                 .retention_days = {30, 30, 30, 90, 90, 90, 365, 365, 365}},
    .rules = rules,
    .n_rules = 2};

static atomic_bool stop;

static uint32_t run(nanos since)
{
    struct err err = {};
    uint32_t n = 0;
    struct lifecycle_run r = {.store = engine_store(), .now = clock_now(), .stop = &stop};
    WANT(retention_delete(&retention, &r, since, &n, &err), ST_OK);
    return n;
}

/* One row per service and age, in all three tables. */
static void fill(void)
{
    static const char *services[] = {"checkout", "payments", "other"};
    static const int ages[] = {1, 10, 40};
    char sql[1000];
    for (size_t s = 0; s < 3; s++) {
        const char *region = s == 1 ? "o\\'eu\\\\" : "";
        snprintf(
            sql, sizeof sql,
            "INSERT INTO otel_metric_series (day, series_id, service_name, resource_attributes)"
            " VALUES (today(), %zu, '%s', map('service.name', '%s', 'region', '%s'))",
            s, services[s], services[s], region);
        engine_do(engine_store(), sql);
        for (size_t i = 0; i < 3; i++) {
            for (int k = 0; k < 2; k++) {
                snprintf(sql, sizeof sql,
                         "INSERT INTO %s (timestamp, service_name, resource_attributes) SELECT"
                         " now64(9) - toIntervalDay(%d), '%s', map('region', '%s')",
                         k ? "otel_logs" : "otel_traces", ages[i], services[s], region);
                engine_do(engine_store(), sql);
            }
            snprintf(sql, sizeof sql,
                     "INSERT INTO otel_metrics (timestamp, series_id, value) SELECT now64(3) -"
                     " toIntervalDay(%d), %zu, 1",
                     ages[i], s);
            engine_do(engine_store(), sql);
        }
    }
}

static const char by_age[] = "SELECT arraySort(groupArray((dateDiff('day', timestamp, now64(9)),"
                             " toString(service_name)))) FROM ";

static str left_in(const char *table)
{
    char sql[300];
    snprintf(sql, sizeof sql, "%s%s", by_age, table);
    return engine_ask(engine_store(), sql);
}

TEST(a_rule_deletes_and_keeps_rows_of_its_resources_and_the_ttl_is_the_longest)
{
    struct err err = {};
    const struct schema_settings longest = retention_longest(&retention);
    CHECK_INT(longest.retention_days[SCHEMA_KEEP_traces], 90);
    CHECK_INT(longest.retention_days[SCHEMA_KEEP_traces_5m], 90);
    CHECK_INT(longest.retention_days[SCHEMA_KEEP_traces_1h], 365);
    WANT(lifecycle_start(engine_store(), &longest, &err), ST_OK);
    fill();
    CHECK(run(0) > 0);
    str want = S("[(1,'checkout'),(1,'other'),(1,'payments'),(10,'other'),(10,'payments'),"
                 "(40,'payments')]");
    CHECK_STR(left_in("otel_traces"), want);
    CHECK_STR(left_in("otel_logs"), want);
    CHECK_STR(left_in("(SELECT timestamp, s.service_name AS service_name FROM otel_metrics AS m"
                      " INNER JOIN otel_metric_series AS s USING series_id)"),
              want);
}

TEST(a_partition_is_rewritten_again_only_when_rows_came_late)
{
    CHECK_INT(run(0), 0);
    nanos looked = clock_now();
    engine_do(engine_store(), "INSERT INTO otel_logs (timestamp, service_name) SELECT now64(9) -"
                              " toIntervalDay(10), 'checkout'");
    CHECK_INT(run(looked), 1);
    CHECK_INT(run(looked), 0);
    CHECK_STR(engine_ask(engine_store(), "SELECT count() FROM otel_logs WHERE service_name ="
                                         " 'checkout'"),
              S("1"));
}

TEST(a_retention_for_ever_is_longer_than_any_other)
{
    struct retention r = retention;
    struct retention_rule for_ever[] = {rules[0], rules[1]};
    for_ever[1].days = 0;
    for_ever[1].logs = false;
    r.rules = for_ever;
    const struct schema_settings longest = retention_longest(&r);
    CHECK_INT(longest.retention_days[SCHEMA_KEEP_traces], 0);
    CHECK_INT(longest.retention_days[SCHEMA_KEEP_logs], 30);
}

TEST(a_disk_that_is_short_loses_its_oldest_partitions_but_each_tables_newest)
{
    struct err err = {};
    struct disk_found found;
    struct lifecycle_run r = {.store = engine_store(), .now = clock_now(), .stop = &stop};
    struct disk_policy p = {.reserve = 1, .drops_oldest = true};
    WANT(disk_keep_reserve(&p, &r, &found, &err), ST_OK);
    CHECK(found.free > 1 && !found.is_short && found.dropped == 0);
    CHECK_INT(metric_get(M_DISK_FREE, 0), (long long)found.free);
    p = (struct disk_policy){.reserve = UINT64_MAX, .drops_oldest = false};
    WANT(disk_keep_reserve(&p, &r, &found, &err), ST_OK);
    CHECK(found.is_short && found.dropped == 0);
    p.drops_oldest = true;
    WANT(disk_keep_reserve(&p, &r, &found, &err), ST_OK);
    CHECK(found.is_short && found.dropped > 0);
    CHECK_INT(metric_get(M_DISK_DROPPED, 0), found.dropped);
    CHECK_INT(metric_get(M_DISK_SHORT, 0), 1);
    CHECK_STR(left_in("otel_traces"), S("[(1,'checkout'),(1,'other'),(1,'payments')]"));
    CHECK_STR(left_in("otel_logs"), S("[(1,'checkout'),(1,'other'),(1,'payments')]"));
}
