/* Rollups against the real engine: what the jobs compute is what the plain oracle says, however the
 * rows came. */
#include "lifecycle/rollup.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/rollup_oracle.h"
#include "lifecycle/lifecycle.h"

enum { SERIES = 15, HOURS = 2 };

/* Rows are taken as they are: no waiting for more. */
static const struct rollup_settings at_once = {};

static const int64_t begin_s = 1'700'000'000 / 3600 * 3600;

static struct store *tables(void)
{
    static const struct schema_settings settings = {.traces_partition_seconds = 3600};
    static bool made;
    struct err err = {};
    struct store *s = engine_store();
    if (!made) WANT(lifecycle_start(s, &settings, &err), ST_OK);
    made = true;
    return s;
}

static void clear(struct store *s)
{
    static const char *const names[] = {
        "otel_metrics",       "otel_metric_series",  "otel_metrics_5m",  "otel_metrics_1h",
        "otel_logs",          "otel_logs_5m",        "otel_logs_1h",     "otel_traces_red_5m",
        "otel_traces_red_1h", "weir_rollup_touched", "weir_rollup_done", "weir_rollups"};
    char sql[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(sql, sizeof sql, "TRUNCATE TABLE %s", names[i]);
        engine_do(s, sql);
    }
}

static struct rollup_progress run_at(struct store *s, enum rollup_id id, int64_t now,
                                     const struct rollup_settings *set)
{
    struct err err = {};
    struct rollup_progress p = {};
    WANT(rollup_run(s, id, set, now * NANOS_S, NULL, &p, &err), ST_OK);
    return p;
}

static struct rollup_progress run(struct store *s, enum rollup_id id)
{
    return run_at(s, id, begin_s + 10 * 3600, &at_once);
}

/* --- random data */

static void insert(struct store *s, const struct oracle_series *list, uint64_t *seed, unsigned part,
                   unsigned parts, unsigned of_hundred_twice)
{
    struct buf sql;
    buf_init(&sql, 64 << 20);
    buf_add(&sql, S("INSERT INTO otel_metrics (" ORACLE_COLUMNS ") VALUES "));
    for (unsigned k = 0; k < SERIES; k++)
        for (unsigned i = 0; i < list[k].n; i++) {
            if (list[k].points[i].t / 1000 % parts != part) continue;
            for (bool again = true; again;) {
                oracle_values(&sql, &list[k], &list[k].points[i]);
                buf_char(&sql, ',');
                again = oracle_random(seed, 100) < of_hundred_twice;
            }
        }
    sql.ptr[sql.len - 1] = '\0';
    engine_do(s, sql.ptr);
    buf_done(&sql);
}

static void check_table(struct store *s, const struct oracle_series *list, const char *table,
                        int64_t width)
{
    struct buf want;
    char sql[2048];
    buf_init(&want, 64 << 20);
    for (unsigned k = 0; k < SERIES; k++) oracle_windows(&want, &list[k], width);
    CHECK(want.len > 5'000);
    want.len--;
    snprintf(sql, sizeof sql, ORACLE_SELECT " FROM %s FINAL ORDER BY series_id, time", table);
    str got = engine_ask(s, sql), rest = buf_str(&want);
    while (got.len || rest.len) { /* line by line: a difference is one line */
        const char *g = got.len ? memchr(got.ptr, '\n', got.len) : NULL;
        const char *w = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;
        size_t n = g ? (size_t)(g - got.ptr) : got.len, m = w ? (size_t)(w - rest.ptr) : rest.len;
        CHECK_STR(((str){got.ptr, n}), ((str){rest.ptr, m}));
        got = str_drop(got, n + 1);
        rest = str_drop(rest, m + 1);
    }
    buf_done(&want);
}

static void fill(struct store *s, struct oracle_series *list, uint64_t *seed)
{
    struct buf sql;
    buf_init(&sql, 1 << 20);
    buf_add(&sql, S("INSERT INTO otel_metric_series (day, series_id, type, temporality) VALUES "));
    for (unsigned k = 0; k < SERIES; k++) {
        list[k] = (struct oracle_series){
            .id = 1000 + k, .type = 1 + (int)k % 5, .delta = k >= 10 && k % 5};
        oracle_fill(&list[k], seed, begin_s * 1000 + 1, (begin_s + HOURS * 3600) * 1000);
        for (int day = 0; day < 2; day++)
            buf_printf(&sql, "%s(toDate(%ld), %lu, %d, %d)", k || day ? "," : "",
                       begin_s + day * 86400, list[k].id, list[k].type, list[k].delta ? 1 : 2);
    }
    buf_char(&sql, '\0');
    engine_do(s, sql.ptr);
    buf_done(&sql);
}

TEST(every_window_is_what_the_raw_rows_give)
{
    struct store *s = tables();
    for (uint64_t round = 1; round <= 2; round++) {
        uint64_t seed = round;
        struct oracle_series list[SERIES];
        clear(s);
        fill(s, list, &seed);
        insert(s, list, &seed, 0, 3, 5); /* a third of the points, some of them twice */
        run(s, ROLLUP_METRICS_5M);
        run(s, ROLLUP_METRICS_1H);
        insert(s, list, &seed, 1, 3, 5); /* the rest is late */
        run(s, ROLLUP_METRICS_5M);
        insert(s, list, &seed, 2, 3, 0);
        insert(s, list, &seed, 2, 3, 0); /* and a block sent twice */
        static const struct rollup_settings sliced = {.max_rows = 5000};
        run_at(s, ROLLUP_METRICS_5M, begin_s + 36000, round % 2 ? &at_once : &sliced);
        run_at(s, ROLLUP_METRICS_1H, begin_s + 36000, round % 2 ? &at_once : &sliced);
        check_table(s, list, "otel_metrics_5m", 300);
        check_table(s, list, "otel_metrics_1h", 3600);
        for (unsigned k = 0; k < SERIES; k++) free(list[k].points);
    }
}

/* --- which windows */

/* `n` samples of a series, a second apart from begin_s + `at` s. */
static void add_samples(struct store *s, int series, int at, int n)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_metrics (timestamp, metric_name, series_id, type, value) SELECT "
             "toDateTime64(%ld + number, 3, 'UTC'), 'm', %d, 2, number FROM numbers(%d)",
             begin_s + at, series, n);
    engine_do(s, sql);
}

static str counts_of(struct store *s, const char *table)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT arraySort(groupArray((toUnixTimestamp(time) - %ld, series_id, samples))) "
             "FROM %s FINAL",
             begin_s, table);
    return engine_ask(s, sql);
}

TEST(a_window_ends_with_the_sample_at_its_end_and_is_computed_once)
{
    struct store *s = tables();
    clear(s);
    add_samples(s, 1, 1, 600);
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 2);
    CHECK_STR(counts_of(s, "otel_metrics_5m"), S("[(300,1,300),(600,1,300)]"));
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 0);
    CHECK_INT(run(s, ROLLUP_METRICS_1H).windows, 1);
    CHECK_INT(run(s, ROLLUP_METRICS_1H).windows, 0);
    CHECK_STR(counts_of(s, "otel_metrics_1h"), S("[(3600,1,600)]"));
}

TEST(a_window_of_histograms_that_do_not_add_up_is_left_out)
{
    struct store *s = tables();
    char sql[1024];
    clear(s);
    /* series: whole ones; a fractional one among them; a gauge; custom buckets; hints of both kinds
     */
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_metrics (timestamp, metric_name, series_id, type, present, count, "
             "scale, positive_counts) SELECT toDateTime64(%ld + n, 3, 'UTC'), 'h', id, 4, "
             "multiIf(id = 2 AND n = 9, 33, id = 3, 193, id = 5, 1 + 64 * (1 + n %% 2), 1), n, "
             "if(id = 4, -53, 0), [n] FROM (SELECT number %% 10 + 1 AS n, "
             "intDiv(number, 10) + 1 AS id FROM numbers(50))",
             begin_s);
    engine_do(s, sql);
    run(s, ROLLUP_METRICS_5M);
    run(s, ROLLUP_METRICS_1H);
    CHECK_STR(counts_of(s, "otel_metrics_5m"), S("[(300,1,10),(300,5,10)]"));
    CHECK_STR(counts_of(s, "otel_metrics_1h"), S("[(3600,1,10),(3600,5,10)]"));
}

TEST(late_rows_make_their_window_and_its_hour_due_again_and_no_other)
{
    struct store *s = tables();
    clear(s);
    add_samples(s, 1, 1, 7200);
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 24);
    CHECK_INT(run(s, ROLLUP_METRICS_1H).windows, 2);
    add_samples(s, 2, 3700, 1);
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 1);
    CHECK_INT(run(s, ROLLUP_METRICS_1H).windows, 1);
    CHECK_STR(counts_of(s, "otel_metrics_1h"), S("[(3600,1,3600),(7200,1,3600),(7200,2,1)]"));
}

TEST(open_windows_wait_and_the_watermark_says_how_far_it_is)
{
    struct store *s = tables();
    static const struct rollup_settings grace = {.grace_s = 120};
    clear(s);
    add_samples(s, 1, 1, 600);
    struct rollup_progress p = run_at(s, ROLLUP_METRICS_5M, begin_s + 600 + 119, &grace);
    CHECK_INT(p.windows, 1);
    CHECK_INT(p.watermark, begin_s + 300);
    p = run_at(s, ROLLUP_METRICS_5M, begin_s + 600 + 120, &grace);
    CHECK_INT(p.windows, 1);
    CHECK_INT(p.watermark, begin_s + 600);
    CHECK_STR(engine_ask(s, "SELECT rollup, toUnixTimestamp(watermark) % 3600 FROM weir_rollups "
                            "FINAL"),
              S("metrics_5m\t600"));
}

TEST(what_a_killed_run_left_is_computed_again_and_counts_once)
{
    struct store *s = tables();
    clear(s);
    add_samples(s, 1, 1, 600);
    run(s, ROLLUP_METRICS_5M);
    engine_do(s, "TRUNCATE TABLE weir_rollup_done"); /* killed before it was recorded */
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 2);
    CHECK_STR(counts_of(s, "otel_metrics_5m"), S("[(300,1,300),(600,1,300)]"));
}

TEST(a_stop_ends_a_run_and_the_next_goes_on)
{
    struct store *s = tables();
    struct err err = {};
    struct rollup_progress p = {};
    atomic_bool stop = true;
    clear(s);
    add_samples(s, 1, 1, 600);
    WANT(rollup_run(s, ROLLUP_METRICS_5M, &at_once, (begin_s + 36000) * NANOS_S, &stop, &p, &err),
         ST_OK);
    CHECK_INT(p.windows, 0);
    CHECK_INT(p.watermark, begin_s);
    CHECK_INT(run(s, ROLLUP_METRICS_5M).windows, 2);
}

TEST(a_window_whose_raw_rows_are_going_is_not_computed_again)
{
    struct store *s = tables();
    static const struct rollup_settings a_day = {.source_days = {[ROLLUP_METRICS_5M] = 1}};
    clear(s);
    add_samples(s, 1, 1, 600);
    CHECK_INT(run_at(s, ROLLUP_METRICS_5M, begin_s + 3600, &a_day).windows, 2);
    engine_do(s, "TRUNCATE TABLE otel_metrics");
    add_samples(s, 1, 200, 1);
    struct rollup_progress p = run_at(s, ROLLUP_METRICS_5M, begin_s + 86400 - 1800, &a_day);
    CHECK_INT(p.windows, 0);
    CHECK_INT(p.since, begin_s + 3600);
    CHECK_STR(counts_of(s, "otel_metrics_5m"), S("[(300,1,300),(600,1,300)]"));
}

TEST(log_records_and_bytes_are_counted_by_service_and_severity)
{
    struct store *s = tables();
    clear(s);
    char sql[512];
    for (int late = 0; late < 2; late++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO otel_logs (timestamp, service_name, severity_number, body) SELECT "
                 "fromUnixTimestamp64Nano(toInt64(%ld + number * 60) * 1000000000, 'UTC'), "
                 "if(number %% 2 = 0, 'a', 'b'), 9 + number %% 3, repeat('x', %d) FROM "
                 "numbers(%d, %d)",
                 begin_s, 10 + late, late ? 60 : 1, 60);
        engine_do(s, sql);
        run(s, ROLLUP_LOGS_5M);
        run(s, ROLLUP_LOGS_1H);
    }
    static const char *const tables_of[] = {"otel_logs_5m", "otel_logs_1h"};
    str raw = engine_ask(s, "SELECT service_name, severity_number, count(), sum(length(body)) FROM "
                            "otel_logs GROUP BY ALL ORDER BY ALL");
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql,
                 "SELECT service_name, severity_number, sum(lines), sum(bytes) FROM %s FINAL GROUP "
                 "BY ALL ORDER BY ALL",
                 tables_of[i]);
        CHECK_STR(engine_ask(s, sql), raw);
    }
    CHECK_STR(engine_ask(s, "SELECT uniq(time) FROM otel_logs_5m"), S("24"));
}

TEST(spans_of_an_hour_are_the_sum_of_its_five_minutes)
{
    struct store *s = tables();
    clear(s);
    char sql[512];
    for (int late = 0; late < 2; late++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO otel_traces_red_5m SELECT toDateTime(%ld + number %% 24 * 300), 's', "
                 "concat('op', toString(number %% 3)), 2, 2, 1, 10, number, ([toUInt16(number %% "
                 "5), 7], [1., 1.]) FROM numbers(%d)",
                 begin_s, 100 + late);
        engine_do(s, sql);
        CHECK_INT(run(s, ROLLUP_TRACES_RED_1H).windows, 2);
    }
    CHECK_INT(run(s, ROLLUP_TRACES_RED_1H).windows, 0);
    static const char select[] =
        "SELECT toStartOfHour(time) AS h, span_name, sum(count), sum(errors), sum(duration_sum), "
        "max(duration_max), sumMap(histogram) FROM %s GROUP BY h, span_name ORDER BY ALL";
    snprintf(sql, sizeof sql, select, "otel_traces_red_5m");
    str want = engine_ask(s, sql);
    snprintf(sql, sizeof sql, select, "otel_traces_red_1h FINAL");
    CHECK(want.len > 100);
    CHECK_STR(engine_ask(s, sql), want);
}
