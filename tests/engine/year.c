/* A year: 13 months of thin data up to now, rolled up as the months go by, and cut by retention. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rollup.h"
#include "query/api.h"
#include "query/fetch/fetch.h"

enum { DAYS = 396, EVERY_S = 300 };

static const struct schema_settings defaults = {.traces_partition_seconds = 86400,
                                                .retention_days = {[SCHEMA_KEEP_traces] = 30,
                                                                   [SCHEMA_KEEP_logs] = 30,
                                                                   [SCHEMA_KEEP_metrics] = 30,
                                                                   [SCHEMA_KEEP_traces_5m] = 90,
                                                                   [SCHEMA_KEEP_logs_5m] = 90,
                                                                   [SCHEMA_KEEP_metrics_5m] = 90,
                                                                   [SCHEMA_KEEP_traces_1h] = 365,
                                                                   [SCHEMA_KEEP_logs_1h] = 365,
                                                                   [SCHEMA_KEEP_metrics_1h] = 365}};

static int64_t end_s; /* the last full hour */

static void do_(struct store *s, const char *sql)
{
    struct err err = {};
    static const struct store_setting many = {{"max_partitions_per_insert_block", 31}, {"1000", 4}};
    struct buf out;
    buf_init(&out, 1 << 16);
    struct store_query q = {
        .sql = {sql, strlen(sql)}, .format = S("TabSeparated"), .settings = &many, .n_settings = 1};
    WANT(store_query_buf(s, &q, &out, &err), ST_OK);
    buf_done(&out);
}

/* A counter that is reset now and then and a gauge, with gaps; log records; rows of spans. */
static void fill(struct store *s)
{
    char sql[1024];
    long begin = end_s - DAYS * 86400, n = DAYS * 86400 / EVERY_S;
    snprintf(
        sql, sizeof sql,
        "INSERT INTO otel_metrics (timestamp, metric_name, series_id, type, value) SELECT "
        "toDateTime64(%ld + intDiv(number, 2) * %d + 37, 3, 'UTC'), if(number %% 2 = 0, 'c', "
        "'g'), 1 + number %% 2, 2 - number %% 2, if(number %% 2 = 0, toFloat64(intDiv(number, "
        "2) %% 1777 * 3), toFloat64(cityHash64(number) %% 1000) - 500) FROM numbers(%ld) WHERE "
        "intDiv(number, 10000) %% 11 != 3",
        begin, EVERY_S, n * 2);
    do_(s, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_metric_series (day, series_id, prometheus_name, prometheus_labels, "
             "metric_name, type, temporality) SELECT toDate(%ld) + intDiv(number, 2), 1 + number "
             "%% 2, if(number %% 2 = 0, 'c_total', 'g'), map('job', 'a'), if(number %% 2 = 0, 'c', "
             "'g'), 2 - number %% 2, if(number %% 2 = 0, 2, 0) FROM numbers(%d)",
             begin, (DAYS + 1) * 2);
    do_(s, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_logs (timestamp, service_name, severity_number, body) SELECT "
             "toDateTime64(%ld + number * 900 + 1, 9, 'UTC'), 'a', 9, repeat('x', number %% 50) "
             "FROM numbers(%d) WHERE intDiv(number, 96) %% 9 = 0",
             begin, DAYS * 96);
    do_(s, sql);
    snprintf(
        sql, sizeof sql,
        "INSERT INTO otel_traces_red_5m SELECT toDateTime(%ld + number * 900), 'a', 'op', 2, "
        "3, 1, 30, 20, ([toUInt16(7)], [3.]) FROM numbers(%d) WHERE intDiv(number, 96) %% 9 = 0",
        begin, DAYS * 96);
    do_(s, sql);
}

/* The months go by: every 25 days the jobs run, as they do all the time. */
static void roll_up(struct store *s)
{
    const struct rollup_settings set = {.source_days = {30, 90, 30, 90, 90}};
    struct err err = {};
    struct rollup_progress p;
    for (long day = 25 - DAYS; day < 25; day += 25) {
        int64_t now = day < 0 ? end_s + day * 86400 : end_s;
        for (enum rollup_id id = 0; id < ROLLUPS; id++)
            WANT(rollup_run(s, id, &set, now * NANOS_S, NULL, &p, &err), ST_OK);
    }
}

/* What has expired goes now, and not when the engine finds the time. */
static void expire(struct store *s)
{
    do_(s, "SYSTEM START TTL MERGES");
    do_(s, "OPTIMIZE TABLE otel_metrics FINAL");
    do_(s, "OPTIMIZE TABLE otel_metrics_5m FINAL");
    do_(s, "OPTIMIZE TABLE otel_metrics_1h FINAL");
}

/* --- asking */

static struct query_limits limits = {.max_rows = 10'000'000,
                                     .max_series = 1000,
                                     .max_bytes = 512 << 20,
                                     .max_entries = 5000,
                                     .timeout_ms = 120'000};

/* The answer lives as long as the test. */
static str ask(const char *query, int64_t from, int64_t to, const char *step, str *ret_resolution)
{
    struct arena *a = calloc(1, sizeof *a);
    struct query_job *j = calloc(1, sizeof *j);
    struct store_fetcher f;
    struct err err = {};
    char start[32], end[32];
    CHECK(a && j);
    snprintf(start, sizeof start, "%ld", from);
    snprintf(end, sizeof end, "%ld", to);
    const struct query_param params[] = {{S("query"), str_of(query)},
                                         {S("start"), str_of(start)},
                                         {S("end"), str_of(end)},
                                         {S("step"), str_of(step)}};
    arena_init(a, limits.max_bytes);
    *j = (struct query_job){.arena = a,
                            .params = params,
                            .n_params = 4,
                            .now = clock_now(),
                            .deadline = clock_monotonic() + 120 * NANOS_S,
                            .limits = &limits};
    buf_init(&j->body, 64 << 20);
    store_fetcher_init(&f, engine_store(), j);
    for (const struct query_route *route = prometheus_routes; route->path; route++)
        if (strcmp(route->path, "/api/v1/query_range") == 0) WANT(route->run(j, &err), ST_OK);
    while (j->more) j->more(j);
    if (ret_resolution) *ret_resolution = j->resolution;
    return buf_str(&j->body);
}

static bool has(str s, const char *what) { return memmem(s.ptr, s.len, what, strlen(what)); }

static const struct {
    const char *query, *step;
} exact[] = {
    {"increase(c_total[1h])", "1h"},       {"rate(c_total[6h])", "6h"},
    {"count_over_time(g[1h])", "1h"},      {"sum(sum_over_time(g[1d]))", "1d"},
    {"min_over_time(g[2h])", "2h"},        {"max_over_time(g[1d])", "1d"},
    {"avg_over_time(g[12h])", "12h"},      {"delta(g[3h])", "3h"},
    {"last_over_time(c_total[1h])", "1h"},
};
enum { EXACT = sizeof exact / sizeof *exact };

/* Do two tables know of some hundred hours, and of how many that they tell different numbers of
 * samples of? */
static str differing(struct store *s, const char *a, const char *b, long since)
{
    static const char by_hour[] =
        "SELECT toDateTime(intDiv(toUnixTimestamp(%s) + 3599, 3600) * 3600) AS h, %s AS n FROM %s "
        "WHERE toUnixTimestamp(%s) > %ld GROUP BY h";
    const char *const tables[] = {a, b};
    char part[2][512], sql[1400];
    for (int i = 0; i < 2; i++) {
        bool raw = strcmp(tables[i], "otel_metrics") == 0;
        const char *time = raw ? "timestamp" : "time";
        snprintf(part[i], sizeof part[i], by_hour, time, raw ? "count()" : "sum(samples)",
                 tables[i], time, since);
    }
    snprintf(sql, sizeof sql,
             "SELECT count() > 300, countIf(x.n != y.n) FROM (%s) AS x FULL JOIN (%s) AS y USING h",
             part[0], part[1]);
    return engine_ask(s, sql);
}

static void check_what_is_kept(struct store *s, long from)
{
    char sql[512], want[64];
    snprintf(sql, sizeof sql,
             "SELECT (SELECT count() > 0 AND min(timestamp) > toDateTime(%ld) FROM otel_metrics), "
             "(SELECT count() > 0 AND min(time) > toDateTime(%ld) FROM otel_metrics_5m), "
             "(SELECT count() > 0 AND min(time) > toDateTime(%ld) FROM otel_metrics_1h), "
             "(SELECT min(time) < toDateTime(%ld) FROM otel_metrics_1h)",
             end_s - 32 * 86400, end_s - 92 * 86400, end_s - 373 * 86400, end_s - 364 * 86400);
    CHECK_STR(engine_ask(s, sql), S("1\t1\t1\t1"));
    snprintf(sql, sizeof sql,
             "SELECT (SELECT sum(lines) FROM otel_logs_1h FINAL WHERE time > toDateTime(%ld)), "
             "(SELECT sum(count) FROM otel_traces_red_1h FINAL WHERE time >= toDateTime(%ld))",
             from, from);
    long quarters = 0, begin = end_s - DAYS * 86400;
    for (long i = 0; i < DAYS * 96; i++) quarters += i / 96 % 9 == 0 && begin + i * 900 >= from;
    snprintf(want, sizeof want, "%ld\t%ld", quarters, quarters * 3);
    CHECK_STR(engine_ask(s, sql), str_of(want));
}

TEST(a_year_is_kept_and_asked_for_as_one)
{
    struct store *s = engine_store();
    struct err err = {};
    WANT(lifecycle_start(s, &defaults, &err), ST_OK);
    do_(s, "SYSTEM STOP TTL MERGES"); /* the engine's clock is the real one: nothing is to go yet */
    end_s = clock_now() / NANOS_S / 3600 * 3600;
    int64_t to = end_s / 86400 * 86400, from = to - 363 * 86400;
    fill(s);
    str raw[EXACT];
    for (int i = 0; i < EXACT; i++) {
        str resolution;
        raw[i] = ask(exact[i].query, from, to, exact[i].step, &resolution);
        CHECK_STR(resolution, S("raw"));
        CHECK(raw[i].len > 5'000);
    }
    roll_up(s);
    expire(s);
    check_what_is_kept(s, from);
    CHECK_STR(differing(s, "otel_metrics", "otel_metrics_1h FINAL", end_s - 29 * 86400), S("1\t0"));
    CHECK_STR(differing(s, "otel_metrics_5m FINAL", "otel_metrics_1h FINAL", end_s - 89 * 86400),
              S("1\t0"));
    for (int i = 0; i < EXACT; i++) { /* over all three: what raw samples said */
        str resolution, got = ask(exact[i].query, from, to, exact[i].step, &resolution);
        CHECK_STR(resolution, S("1h, 5m, raw"));
        CHECK_STR(got, raw[i]);
    }
}

TEST(what_windows_cannot_answer_is_told)
{
    int64_t to = end_s;
    str resolution,
        got = ask("quantile_over_time(0.5, g[1h])", to - 60 * 86400, to, "6h", &resolution);
    CHECK(has(got, "the query needs raw samples, which are not kept for as long"));
    CHECK_STR(resolution, S("raw"));
    got = ask("rate(c_total[370m])", to - 60 * 86400, to, "6h", &resolution);
    CHECK(has(got, "are rounded to these") == false); /* 370m is a multiple of 5m */
    CHECK_STR(resolution, S("5m, raw"));
    got = ask("rate(c_total[372m])", to - 60 * 86400, to, "6h", NULL);
    CHECK(has(got, "are rounded to these"));
    got = ask("rate(c_total[7m])", to - 6 * 3600, to, "1m", &resolution);
    CHECK(!has(got, "infos"));
    CHECK_STR(resolution, S("raw"));
}
