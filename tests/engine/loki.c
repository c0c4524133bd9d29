/* Loki's endpoints over records in the real engine. */
#include <stdio.h>

#include "engine/engine.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/rollup.h"
#include "query/api.h"
#include "query/fetch/fetch.h"

/* Two services; shop logs a line every 10 s for an hour from T0, every sixth an error, and one
 * record with all fields; cart logs four lines without a severity number. */
static const char *const data[] = {
    "INSERT INTO otel_log_streams VALUES ('2023-11-14', 1, 'shop', "
    "{'service.name':'shop','k8s.pod.name':'p1','host.name':'h1'}),"
    " ('2023-11-14', 2, 'cart', {'service.name':'cart','deployment.environment':'prod'}),"
    " ('2023-11-14', 3, '', {'container.name':'side'}), ('2023-11-15', 1, 'shop', "
    "{'service.name':'shop','k8s.pod.name':'p1','host.name':'h1'})",
    "INSERT INTO otel_logs (timestamp, stream_id, service_name, severity_number, severity_text, "
    "body, log_attributes)"
    " SELECT fromUnixTimestamp64Nano(1700000000000000000 + number * 10000000000, 'UTC'), 1, "
    "'shop', number % 6 = 0 ? 17 : 9,"
    " number % 6 = 0 ? 'ERROR' : 'INFO', concat('line ', toString(number), number % 6 = 0 ? ' "
    "failed' : ' ok'), map('n', toString(number % 3))"
    " FROM numbers(360)",
    "INSERT INTO otel_logs (timestamp, stream_id, service_name, body, log_attributes, "
    "log_attribute_types) VALUES"
    " ('2023-11-14 22:13:25', 2, 'cart', 'level=warn a.b', {'user.id':'u1','deep':'{\"x\":1}'}, "
    "'sk'),"
    " ('2023-11-14 22:13:26', 2, 'cart', '{\"level\":\"debug\"}', {}, ''),"
    " ('2023-11-14 22:13:27', 2, 'cart', 'two\nlines', {'level':'Fatal'}, ''),"
    " ('2023-11-14 22:13:28.000000001', 3, '', 'side line', {}, '')",
    "INSERT INTO otel_logs (timestamp, observed_timestamp, trace_id, span_id, flags, "
    "severity_number, severity_text,"
    " event_name, service_name, stream_id, body, body_type, scope_name, scope_version, "
    "dropped_attributes) VALUES"
    " ('2023-11-14 23:30:00', '2023-11-14 23:30:01', unhex('0102030405060708090a0b0c0d0e0f10'), "
    "unhex('1112131415161718'),"
    " 1, 5, 'DEBUG', 'ev', 'shop', 1, 'full', 's', 'lib', '1.0', 2)",
};

static void prepare(void)
{
    static bool done;
    if (done) return;
    done = true;
    struct err err = {};
    static const struct schema_settings forever = {.traces_partition_seconds = 3600};
    WANT(lifecycle_start(engine_store(), &forever, &err), ST_OK);
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) engine_do(engine_store(), data[i]);
}

struct answer {
    unsigned status;
    char *body; /* never freed */
};

static bool route_matches(const char *pattern, str path, str *segment)
{
    const char *hole = strstr(pattern, "{}");
    size_t head = hole ? (size_t)(hole - pattern) : strlen(pattern);
    if (!hole) return str_eq(path, (str){pattern, head});
    size_t tail = strlen(hole + 2);
    if (path.len < head + tail || memcmp(path.ptr, pattern, head) != 0) return false;
    if (memcmp(path.ptr + path.len - tail, hole + 2, tail) != 0) return false;
    *segment = (str){path.ptr + head, path.len - head - tail};
    return true;
}

/* `params`: name, value, name, value, NULL */
static struct answer ask(const char *path, const char *flags, const char *const *params)
{
    prepare();
    struct arena arena;
    arena_init(&arena, 256 << 20);
    struct query_param p[16],
        h = {S("x-loki-response-encoding-flags"), {flags, flags ? strlen(flags) : 0}};
    size_t n = 0;
    for (; params[2 * n]; n++)
        p[n] = (struct query_param){{params[2 * n], strlen(params[2 * n])},
                                    {params[2 * n + 1], strlen(params[2 * n + 1])}};
    static const struct query_limits limits = {.max_rows = 1000000,
                                               .max_series = 10000,
                                               .max_bytes = 256 << 20,
                                               .max_entries = 5000,
                                               .timeout_ms = 60000};
    struct query_job j = {
        .arena = &arena,
        .method = S("GET"),
        .params = p,
        .n_params = n,
        .headers = &h,
        .n_headers = flags ? 1 : 0,
        .now = 1700007200ll * NANOS_S,
        .deadline = clock_monotonic() + 60 * NANOS_S,
        .limits = &limits,
        .path = {path, strlen(path)},
    };
    buf_init(&j.body, 64 << 20);
    struct store_fetcher f;
    store_fetcher_init(&f, engine_store(), &j);
    struct err err = {};
    const struct query_route *r = loki_routes;
    while (r->path && !route_matches(r->path, j.path, &j.segment)) r++;
    CHECK(r->path != NULL);
    (void)r->run(&j, &err);
    buf_char(&j.body, 0);
    struct answer a = {j.http_status, j.body.ptr};
    arena_done(&arena);
    return a;
}

#define ASK(path, ...) ask("/loki/api/v1/" path, NULL, (const char *const[]){__VA_ARGS__, NULL})

/* The result member: what stands before the stats. */
static str result_of(struct answer a)
{
    char *from = strstr(a.body, "\"result\":"), *to = strstr(a.body, ",\"stats\"");
    if (a.status != 200 || !from || !to) {
        printf("%u %s\n", a.status, a.body);
        return (str){a.body, strlen(a.body)};
    }
    from += strlen("\"result\":");
    return (str){from, (size_t)(to - from)};
}

TEST(loki_labels_values_and_series_come_from_the_streams)
{
    struct answer a = ASK("labels", "start", "1700000000");
    CHECK_STR(((str){a.body, strlen(a.body)}),
              S("{\"status\":\"success\",\"data\":[\"container_name\",\"deployment_environment\","
                "\"k8s_pod_name\","
                "\"service_name\"]}\n"));
    a = ASK("label/service_name/values", "query", "{deployment_environment=\"prod\"}", "start",
            "1700000000");
    CHECK_STR(((str){a.body, strlen(a.body)}), S("{\"status\":\"success\",\"data\":[\"cart\"]}\n"));
    a = ASK("label/service_name/values", "start", "1700000000");
    CHECK_STR(((str){a.body, strlen(a.body)}),
              S("{\"status\":\"success\",\"data\":[\"cart\",\"shop\",\"side\"]}\n"));
    a = ASK("series", "match", "{service_name=~\"sh.*\"}", "match[]", "{service_name=\"cart\"}",
            "start", "1700000000");
    CHECK_STR(((str){a.body, strlen(a.body)}),
              S("{\"status\":\"success\",\"data\":[{\"deployment_environment\":\"prod\",\"service_"
                "name\":\"cart\"},"
                "{\"k8s_pod_name\":\"p1\",\"service_name\":\"shop\"}]}\n"));
    a = ASK("index/stats", "query", "{service_name=\"cart\"}", "start", "1700000000");
    CHECK_STR(((str){a.body, strlen(a.body)}),
              S("{\"streams\":1,\"chunks\":1,\"bytes\":40,\"entries\":3}\n"));
}

TEST(loki_newest_first_to_the_limit_and_forward)
{
    CHECK_STR(result_of(ask("/loki/api/v1/query_range", "x, categorize-labels",
                            (const char *const[]){"query", "{service_name=\"shop\"} |= \"failed\"",
                                                  "start", "1700000000", "end", "1700003600",
                                                  "limit", "2", NULL})),
              S("[{\"stream\":{\"k8s_pod_name\":\"p1\",\"service_name\":\"shop\"},\"values\":["
                "[\"1700003540000000000\",\"line 354 "
                "failed\",{\"structuredMetadata\":{\"detected_level\":\"error\",\"host_name\":"
                "\"h1\",\"n\":\"0\",\"severity_number\":\"17\",\"severity_text\":\"ERROR\"}}],"
                "[\"1700003480000000000\",\"line 348 "
                "failed\",{\"structuredMetadata\":{\"detected_level\":\"error\",\"host_name\":"
                "\"h1\",\"n\":\"0\",\"severity_number\":\"17\",\"severity_text\":\"ERROR\"}}]]}]"));
    CHECK_STR(
        result_of(ASK("query_range", "query", "{service_name=\"shop\"} | n = \"1\" | keep n",
                      "start", "1700000000", "end", "1700000040000000001", "direction", "FORWARD")),
        S("[{\"stream\":{\"n\":\"1\"},\"values\":[[\"1700000010000000000\",\"line 1 "
          "ok\"],[\"1700000040000000000\",\"line 4 ok\"]]}]"));
    /* the end is not included, the start is */
    CHECK_STR(result_of(ASK(
                  "query_range", "query",
                  "{service_name=\"shop\"} |~ \"line [01] \" | drop n, host_name, severity_number",
                  "start", "1700000000", "end", "1700000010")),
              S("[{\"stream\":{\"detected_level\":\"error\",\"k8s_pod_name\":\"p1\",\"service_"
                "name\":\"shop\",\"severity_text\":\"ERROR\"},"
                "\"values\":[[\"1700000000000000000\",\"line 0 failed\"]]}]"));
}

TEST(loki_metadata_of_all_fields)
{
    CHECK_STR(
        result_of(ASK("query_range", "query",
                      "{service_name=\"shop\"} | trace_id=\"0102030405060708090a0b0c0d0e0f10\"",
                      "start", "1700000000", "end", "1700007200")),
        S("[{\"stream\":{\"detected_level\":\"debug\",\"dropped_attributes_count\":\"2\",\"event_"
          "name\":\"ev\",\"flags\":\"1\","
          "\"host_name\":\"h1\",\"k8s_pod_name\":\"p1\",\"observed_timestamp\":"
          "\"1700004601000000000\",\"scope_name\":\"lib\",\"scope_version\":\"1.0\","
          "\"service_name\":\"shop\",\"severity_number\":\"5\",\"severity_text\":\"DEBUG\",\"span_"
          "id\":\"1112131415161718\","
          "\"trace_id\":\"0102030405060708090a0b0c0d0e0f10\"},\"values\":[[\"1700004600000000000\","
          "\"full\"]]}]"));
    CHECK_STR(result_of(ASK("query_range", "query",
                            "{service_name=~\"cart|side\"} | keep detected_level, user_id, deep_x",
                            "start", "1700000000", "end", "1700003600")),
              S("[{\"stream\":{\"deep_x\":\"1\",\"detected_level\":\"warn\",\"user_id\":\"u1\"},"
                "\"values\":[[\"1700000005000000000\",\"level=warn a.b\"]]},"
                "{\"stream\":{\"detected_level\":\"debug\"},\"values\":[[\"1700000006000000000\","
                "\"{\\\"level\\\":\\\"debug\\\"}\"]]},"
                "{\"stream\":{\"detected_level\":\"fatal\"},\"values\":[[\"1700000007000000000\","
                "\"two\\nlines\"]]},"
                "{\"stream\":{\"detected_level\":\"unknown\"},\"values\":[[\"1700000008000000001\","
                "\"side line\"]]}]"));
}

TEST(loki_line_filters_in_the_store)
{
    /* "." does not cross a newline; a dot in |= is a dot */
    static const struct {
        const char *query, *lines;
    } cases[] = {
        {"{service_name=\"cart\"} |~ \"two.lines\"", "0"},
        {"{service_name=\"cart\"} |~ \"(?s)two.lines\"", "1"},
        {"{service_name=\"cart\"} |= \"a.b\"", "1"},
        {"{service_name=\"cart\"} |= \"a%b\"", "0"},
        {"{service_name=\"cart\"} |= \"a.b\" or \"two\"", "2"},
        {"{service_name=\"cart\"} != \"a.b\" or \"two\"", "1"},
        {"{service_name=\"cart\"} !~ \"^level\"", "2"},
        {"{service_name=\"cart\"} |= \"\"", "3"},
        {"{service_name=\"cart\"} != \"\"", "0"},
        {"{service_name=\"cart\"} |~ \"(?i)TWO\"", "1"},
        {"{service_name=\"cart\"} |= `'\\`", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char q[200], want[100];
        snprintf(q, sizeof q, "sum(count_over_time(%s[1h])) or vector(0)", cases[i].query);
        snprintf(want, sizeof want, "[{\"metric\":{},\"value\":[1700003600,\"%s\"]}]",
                 cases[i].lines);
        str got = result_of(ASK("query", "query", q, "time", "1700003600"));
        if (!str_eq(got, (str){want, strlen(want)})) printf("%s: %.*s\n", q, STR_ARG(got));
        CHECK_STR(got, ((str){want, strlen(want)}));
    }
}

TEST(loki_counts_in_windows_that_are_open_on_the_left)
{
    CHECK_STR(result_of(ASK("query_range", "query",
                            "sum by (service_name) (count_over_time({service_name=\"shop\"}[1m]))",
                            "start", "1700000060", "end", "1700000180", "step", "60")),
              S("[{\"metric\":{\"service_name\":\"shop\"},\"values\":[[1700000060,\"6\"],["
                "1700000120,\"6\"],[1700000180,\"6\"]]}]"));
    CHECK_STR(result_of(ASK("query_range", "query", "sum(rate({service_name=\"shop\"}[30s]))",
                            "start", "1700000000", "end", "1700000045", "step", "15")),
              S("[{\"metric\":{},\"values\":[[1700000000,\"0.03333333333333333\"],[1700000015,\"0."
                "06666666666666667\"],"
                "[1700000030,\"0.1\"],[1700000045,\"0.1\"]]}]"));
    /* one nanosecond inside, one outside */
    CHECK_STR(result_of(ASK("query", "query", "sum(count_over_time({container_name=\"side\"}[1s]))",
                            "time", "1700000009000000000")),
              S("[{\"metric\":{},\"value\":[1700000009,\"1\"]}]"));
    CHECK_STR(result_of(ASK("query", "query", "sum(count_over_time({container_name=\"side\"}[1s]))",
                            "time", "1700000009000000001")),
              S("[]"));
    CHECK_STR(result_of(ASK("query", "query",
                            "sum(bytes_over_time({service_name=\"cart\"}[1h] offset 10m))", "time",
                            "1700004200")),
              S("[{\"metric\":{},\"value\":[1700004200,\"40\"]}]"));
    CHECK_STR(
        result_of(ASK("query", "query", "absent_over_time({service_name=\"nobody\",x=~\"y\"}[1h])",
                      "time", "1700003600")),
        S("[{\"metric\":{\"service_name\":\"nobody\"},\"value\":[1700003600,\"1\"]}]"));
}

TEST(loki_groups_by_metadata_as_grafanas_log_volume_does)
{
    CHECK_STR(result_of(ASK("query_range", "query",
                            "sum by (level, detected_level) "
                            "(count_over_time({service_name=\"shop\"} | drop __error__[10m]))",
                            "start", "1700000600", "end", "1700001200", "step", "600000ms")),
              S("[{\"metric\":{\"detected_level\":\"error\"},\"values\":[[1700000600,\"10\"],["
                "1700001200,\"10\"]]},"
                "{\"metric\":{\"detected_level\":\"info\"},\"values\":[[1700000600,\"50\"],["
                "1700001200,\"50\"]]}]"));
    CHECK_STR(result_of(ASK("query", "query",
                            "sum by (level, detected_level) "
                            "(count_over_time({service_name=\"cart\"} | drop __error__[1h]))",
                            "time", "1700003600")),
              S("[{\"metric\":{\"detected_level\":\"debug\"},\"value\":[1700003600,\"1\"]},{"
                "\"metric\":{\"detected_level\":\"fatal\",\"level\":\"Fatal\"},"
                "\"value\":[1700003600,\"1\"]},{\"metric\":{\"detected_level\":\"warn\"},\"value\":"
                "[1700003600,\"1\"]}]"));
    CHECK_STR(result_of(ASK("query", "query",
                            "topk(1, sum by (n) (count_over_time({service_name=\"shop\"} | n != "
                            "\"0\" | severity_number < 10 [1h]))) > 1",
                            "time", "1700003600")),
              S("[{\"metric\":{\"n\":\"1\"},\"value\":[1700003600,\"120\"]}]"));
    CHECK_STR(result_of(ASK("query", "query", "count(count_over_time({service_name=\"shop\"}[1h]))",
                            "time", "1700003600")),
              S("[{\"metric\":{},\"value\":[1700003600,\"4\"]}]"));
}

TEST(loki_health_check_and_errors)
{
    CHECK_STR(result_of(ASK("query", "direction", "backward", "query", "vector(1)+vector(1)",
                            "time", "4000000000")),
              S("[{\"metric\":{},\"value\":[4000000000,\"2\"]}]"));
    CHECK_STR(result_of(ASK("query", "query", "1 + 1", "time", "1")), S("[1,\"2\"]"));
    struct answer a = ASK("query", "query", "{a=\"b\"}");
    CHECK_INT(a.status, 400);
    CHECK(strstr(a.body, "not supported as an instant query type"));
    a = ASK("query_range", "query", "{a=\"b\"} | json");
    CHECK_INT(a.status, 400);
    CHECK(strstr(a.body, "line 1, col 11: | json is not supported"));
    a = ASK("query_range", "query", "{a=\"b\"}", "limit", "5001");
    CHECK_INT(a.status, 400);
    CHECK(strstr(a.body, "(5001 > 5000)"));
    a = ASK("query_range", "query", "{a=\"b\"}", "start", "0", "end", "100000", "step", "1");
    CHECK(strstr(a.body, "11,000 points"));
    a = ASK("query", "query",
            "sum(count_over_time({service_name=\"shop\"} | severity_text > 5 [1h]))", "time",
            "1700003600");
    CHECK_INT(a.status, 400);
    CHECK(strstr(a.body, "pipeline error: 'LabelFilterErr'"));
}

/* --- counts that rollups know */

/* From 13 windows on: 1699999800 is where the first begins. */
#define COUNTS(query)                                                                        \
    result_of(ASK("query_range", "query", query, "start", "1700000100", "end", "1700003700", \
                  "step", "300"))
#define BY_SERVICE "sum by (service_name) (count_over_time({service_name=~\".+\"}[5m]))"
#define BY_LEVEL "sum by (detected_level) (bytes_over_time({service_name=\"shop\"}[10m]))"

#define LEVELS "sum by (detected_level) (count_over_time({service_name=~\".+\"}[5m]))"

static void compute_counts(void)
{
    static const struct rollup_settings at_once = {};
    struct err err = {};
    struct rollup_progress p = {};
    WANT(rollup_run(engine_store(), ROLLUP_LOGS_5M, &at_once, 1700100000ll * NANOS_S, NULL, &p,
                    &err),
         ST_OK);
    /* as if no record had come within the minute before */
    engine_do(engine_store(), "INSERT INTO weir_rollup_done SELECT rollup, time, version + 120000, "
                              "rows FROM weir_rollup_done");
}

/* Doubles the counts of the window that ends at `time`: an answer tells whether it was read. */
static void mark_counts(const char *time)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_logs_5m SELECT time, service_name, severity_number, lines * 2, "
             "bytes * 2, version + 1 FROM otel_logs_5m FINAL WHERE time = %s",
             time);
    engine_do(engine_store(), sql);
}

TEST(loki_counts_of_rollups_are_those_of_the_records)
{
    str by_service = COUNTS(BY_SERVICE), by_level = COUNTS(BY_LEVEL), levels = COUNTS(LEVELS),
        all = COUNTS("sum (count_over_time({service_name=~\".+\"}[5m]))");
    compute_counts();
    CHECK_STR(COUNTS(BY_SERVICE), by_service);
    CHECK_STR(COUNTS(BY_LEVEL), by_level);
    CHECK_STR(COUNTS(LEVELS), levels);
    CHECK_STR(COUNTS("sum (count_over_time({service_name=~\".+\"}[5m]))"), all);
}

TEST(loki_counts_come_from_rollups_until_a_record_comes_late)
{
    str records = COUNTS(BY_SERVICE);
    compute_counts();
    mark_counts("1700001000");
    str doubled = COUNTS(BY_SERVICE);
    CHECK(!str_eq(doubled, records));
    CHECK(memmem(doubled.ptr, doubled.len, "[1700001000,\"60\"]", 17));
    /* what a rollup does not know is counted from the records */
    CHECK(memmem(records.ptr, records.len, "[1700001000,\"30\"]", 17));
    str failed = COUNTS("sum (count_over_time({service_name=\"shop\"} |= \"failed\" [5m]))");
    CHECK(memmem(failed.ptr, failed.len, "[1700001000,\"5\"]", 16));
    str pods = COUNTS("sum by (n) (count_over_time({service_name=\"shop\"}[5m]))");
    CHECK(memmem(pods.ptr, pods.len, "[1700001000,\"10\"]", 17));
    /* a record that came after the window was computed */
    engine_do(engine_store(),
              "INSERT INTO weir_rollup_touched SELECT 'logs', time, now64(3) + 300, 1 FROM "
              "weir_rollup_done WHERE rollup = 'logs_5m' AND time = 1700001000");
    CHECK_STR(COUNTS(BY_SERVICE), records);
}

TEST(loki_counts_of_rollups_are_not_of_streams_with_levels_of_their_own)
{
    engine_do(engine_store(),
              "INSERT INTO otel_log_streams VALUES ('2023-11-14', 11, 'mill', "
              "{'service.name':'mill','level':'error'}), ('2023-11-14', 12, 'mill', "
              "{'service.name':'mill'})");
    engine_do(engine_store(),
              "INSERT INTO otel_logs (timestamp, stream_id, service_name, severity_number, body) "
              "SELECT fromUnixTimestamp64Nano(1700000000000000000 + number * 10000000000, 'UTC'), "
              "11 + number % 2, 'mill', 9, 'turn' FROM numbers(360)");
    str levels = COUNTS("sum by (detected_level) (count_over_time({service_name=\"mill\"}[5m]))");
    CHECK(memmem(levels.ptr, levels.len, "[1700001000,\"15\"]", 17));
    compute_counts();
    CHECK_STR(COUNTS("sum by (detected_level) (count_over_time({service_name=\"mill\"}[5m]))"),
              levels);
}
