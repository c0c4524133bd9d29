/* Prometheus' API over the real engine: OTLP JSON is decoded, encoded and inserted as the pipeline
 * does, then asked for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/pb_out.h"
#include "engine/block.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "lifecycle/lifecycle.h"
#include "net/compress.h"
#include "query/api.h"
#include "query/fetch/fetch.h"

/* --- in */

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

static void insert(str json)
{
    struct store *s = tables();
    struct err err = {};
    struct arena *a = calloc(1, sizeof *a);
    arena_init(a, 64 << 20);
    char *body = arena_alloc(a, json.len + 64, 1);
    memcpy(body, json.ptr, json.len);
    struct telemetry_batch *batch;
    struct decode_options opt = {.received_at = clock_now()};
    WANT(decode_request(a, SIGNAL_METRICS, PAYLOAD_JSON, (str){body, json.len}, &opt, &batch, &err),
         ST_OK);
    struct open_block *open = open_block_new(SIGNAL_METRICS, 0);
    open_block_add(open, batch, 1, clock_now());
    struct telemetry_block *block = open_block_seal(open);
    engine_insert_block(s, block);
    telemetry_block_free(block);
    open_block_free(open);
}

/* --- out */

struct answer {
    struct arena arena;
    struct query_job job;
};

static struct query_limits limits = {.max_rows = 1'000'000,
                                     .max_series = 1000,
                                     .max_bytes = 256 << 20,
                                     .max_entries = 5000,
                                     .timeout_ms = 30'000};

static struct query_job job_of(struct answer *r, str segment, const struct query_param *params,
                               size_t n)
{
    return (struct query_job){.arena = &r->arena,
                              .segment = segment,
                              .params = params,
                              .n_params = n,
                              .now = clock_now(),
                              .deadline = clock_monotonic() + 30 * NANOS_S,
                              .limits = &limits};
}

static void run_job(struct query_job *j, const char *path)
{
    struct store_fetcher f;
    struct err err = {};
    const struct query_route *route = prometheus_routes;
    while (route->path && strcmp(route->path, path) != 0) route++;
    CHECK(route->path);
    store_fetcher_init(&f, tables(), j);
    (void)route->run(j, &err);
}

static str ask(struct answer *r, const char *path, str segment, const struct query_param *params,
               size_t n)
{
    arena_init(&r->arena, limits.max_bytes);
    r->job = job_of(r, segment, params, n);
    buf_init(&r->job.body, 64 << 20);
    run_job(&r->job, path);
    while (r->job.more) r->job.more(&r->job);
    return buf_str(&r->job.body);
}

static bool has(str s, const char *part)
{
    return s.len && memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

static void done(struct answer *r)
{
    buf_done(&r->job.body);
    arena_done(&r->arena);
}

#define PARAMS(...)                      \
    (struct query_param[]){__VA_ARGS__}, \
        sizeof((struct query_param[]){__VA_ARGS__}) / sizeof(struct query_param)

/* The answer's data member of an instant query at 1700000120, without the envelope. */
static void check_query(const char *query, const char *want)
{
    struct answer r;
    str got = ask(&r, "/api/v1/query", (str){0},
                  PARAMS({S("query"), {query, strlen(query)}}, {S("time"), S("1700000120")}));
    CHECK_STR(got, ((str){want, strlen(want)}));
    done(&r);
}

#define VECTOR(rows) \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" rows "]}}"

/* --- a small world: every 30 s from 1700000000, a counter, a gauge, a histogram, a summary, a
 * delta sum */

#define T0 "\"timeUnixNano\":\"1700000000000000000\""
#define T1 "\"timeUnixNano\":\"1700000030000000000\""
#define T2 "\"timeUnixNano\":\"1700000060000000000\""
#define T3 "\"timeUnixNano\":\"1700000090000000000\""
#define T4 "\"timeUnixNano\":\"1700000120000000000\""
#define ROUTE(v) "\"attributes\":[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"" v "\"}}]"
#define NUM(t, v, route) "{" t ",\"asDouble\":" v "," ROUTE(route) "}"
#define HIST(t, n, sum, a, b, c)                                                            \
    "{" t ",\"count\":\"" n "\",\"sum\":" sum ",\"bucketCounts\":[\"" a "\",\"" b "\",\"" c \
    "\"],\"explicitBounds\":[0.5,2]," ROUTE("/a") "}"

static const char world[] =
    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":["
    "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},"
    "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"i1\"}}]},\"scopeMetrics\":[{"
    "\"metrics\":["
    "{\"name\":\"http.requests\",\"unit\":\"1\",\"description\":\"served\",\"sum\":{"
    "\"aggregationTemporality\":2,"
    "\"isMonotonic\":true,\"dataPoints\":[" NUM(T0, "0", "/a") "," NUM(T1, "30", "/a") "," NUM(T2, "60", "/a") "," NUM(T3, "90", "/a") "," NUM(
        T4, "120",
        "/a") "," NUM(T0, "5",
                      "/b") "," NUM(T4, "125",
                                    "/b") "]}},"
                                          "{\"name\":\"temperature\",\"unit\":\"Cel\",\"gauge\":{"
                                          "\"dataPoints\":[" NUM(
                                              T3, "-1.5",
                                              "/a") ","
                                                    "{" T4 ",\"flags\":1," ROUTE("/a") "}," NUM(
                                                        T4, "21",
                                                        "/b") "]}},"
                                                              "{\"name\":\"latency\",\"unit\":"
                                                              "\"s\",\"histogram\":{"
                                                              "\"aggregationTemporality\":2,"
                                                              "\"dataPoints\":[" HIST(T0, "0", "0", "0", "0", "0") "," HIST(
                                                                  T2, "10", "8", "5",
                                                                  "4",
                                                                  "1") "," HIST(T4, "20", "16",
                                                                                "10", "8",
                                                                                "2") "]}},"
                                                                                     "{\"name\":"
                                                                                     "\"rpc\","
                                                                                     "\"summary\":{"
                                                                                     "\"dataPoints"
                                                                                     "\":[{" T4
                                                                                     ",\"count\":"
                                                                                     "\"4\","
                                                                                     "\"sum\":10,"
                                                                                     "\"quantileVal"
                                                                                     "ues\":["
                                                                                     "{\"quantile\""
                                                                                     ":0.5,"
                                                                                     "\"value\":2},"
                                                                                     "{\"quantile\""
                                                                                     ":0.99,"
                                                                                     "\"value\":7}]"
                                                                                     "}]}},"
                                                                                     "{\"name\":"
                                                                                     "\"moved\","
                                                                                     "\"sum\":{"
                                                                                     "\"aggregation"
                                                                                     "Temporality\""
                                                                                     ":1,"
                                                                                     "\"isMonotonic"
                                                                                     "\":true,"
                                                                                     "\"dataPoints"
                                                                                     "\":[" NUM(
                                                                                         T4, "3",
                                                                                         "/a") "]}}"
                                                                                               "]}]"
                                                                                               "}]"
                                                                                               "}";

static void fill(void)
{
    static bool filled;
    if (!filled) insert((str){world, sizeof world - 1});
    filled = true;
}

TEST(counters_gauges_and_their_labels)
{
    fill();
    check_query("http_requests_total{http_route=\"/a\"}",
                VECTOR("{\"metric\":{\"__name__\":\"http_requests_total\",\"http_route\":\"/"
                       "a\",\"instance\":\"i1\",\"job\":"
                       "\"shop\"},\"value\":[1700000120,\"120\"]}"));
    check_query("sum by (job) (increase(http_requests_total[1m]))",
                VECTOR("{\"metric\":{\"job\":\"shop\"},\"value\":[1700000120,\"60\"]}"));
    /* what has no recorded value any more has ended */
    check_query("temperature_celsius",
                VECTOR("{\"metric\":{\"__name__\":\"temperature_celsius\",\"http_route\":\"/b\","
                       "\"instance\":\"i1\",\"job\":\"shop\"},\"value\":[1700000120,\"21\"]}"));
    check_query("temperature_celsius offset 30s",
                VECTOR("{\"metric\":{\"__name__\":\"temperature_celsius\",\"http_route\":\"/"
                       "a\",\"instance\":\"i1\",\"job\":"
                       "\"shop\"},\"value\":[1700000120,\"-1.5\"]}"));
}

TEST(absent_labels_read_as_empty)
{
    fill();
    check_query("count({job=\"shop\",zone=\"\",__name__=~\"http_.*\"})",
                VECTOR("{\"metric\":{},\"value\":[1700000120,\"2\"]}"));
    check_query("count({job=\"shop\",zone!=\"\"})", VECTOR(""));
    check_query("count(http_requests_total{http_route!~\"/a|/c\"})",
                VECTOR("{\"metric\":{},\"value\":[1700000120,\"1\"]}"));
}

TEST(histograms_are_buckets_sum_and_count)
{
    fill();
    check_query(
        "sum by (le) (latency_seconds_bucket)",
        VECTOR("{\"metric\":{\"le\":\"+Inf\"},\"value\":[1700000120,\"20\"]},{\"metric\":{\"le\":"
               "\"0.5\"},\"value\":["
               "1700000120,\"10\"]},{\"metric\":{\"le\":\"2\"},\"value\":[1700000120,\"18\"]}"));
    check_query(
        "histogram_quantile(0.5, latency_seconds_bucket)",
        VECTOR("{\"metric\":{\"http_route\":\"/"
               "a\",\"instance\":\"i1\",\"job\":\"shop\"},\"value\":[1700000120,\"0.5\"]}"));
    check_query("sum(latency_seconds_sum) / sum(latency_seconds_count)",
                VECTOR("{\"metric\":{},\"value\":[1700000120,\"0.8\"]}"));
    check_query("latency_seconds", VECTOR(""));
}

/* An exponential histogram is a native one: buckets (1,2] with 3, (2,4] with 5, zero bucket 2 on
 * T4. */
TEST(exponential_histograms_are_native_histograms)
{
#define EXPO(t, n, sum, zero, a, b)                                                \
    "{" t ",\"count\":\"" n "\",\"sum\":" sum ",\"scale\":0,\"zeroCount\":\"" zero \
    "\",\"positive\":{\"offset\":0,\"bucketCounts\":[\"" a "\",\"" b "\"]}," ROUTE("/a") "}"
    static const char expo[] =
        "{\"resourceMetrics\":[{\"resource\":{\"attributes\":["
        "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"expo\"}}]},\"scopeMetrics\":[{"
        "\"metrics\":[{\"name\":\"wait\",\"unit\":\"s\",\"exponentialHistogram\":{"
        "\"aggregationTemporality\":2,\"dataPoints\":[" EXPO(T0, "0", "0", "0", "0", "0") "," EXPO(
            T4, "10", "20", "2", "3", "5") "]}}]}]}]}";
    insert((str){expo, sizeof expo - 1});
    check_query(
        "wait_seconds",
        VECTOR("{\"metric\":{\"__name__\":\"wait_seconds\",\"http_route\":\"/a\",\"job\":"
               "\"expo\"},\"histogram\":[1700000120,{\"count\":\"10\",\"sum\":\"20\","
               "\"buckets\":[[3,\"-1e-128\",\"1e-128\",\"2\"],[0,\"1\",\"2\",\"3\"],[0,\"2\","
               "\"4\",\"5\"]]}]}"));
    check_query("histogram_quantile(0.9, wait_seconds)",
                VECTOR("{\"metric\":{\"http_route\":\"/a\",\"job\":\"expo\"},\"value\":[1700000120,"
                       "\"3.4822022531844965\"]}"));
    check_query("histogram_count(sum(increase(wait_seconds[3m])))",
                VECTOR("{\"metric\":{},\"value\":[1700000120,\"10\"]}"));
    check_query("wait_seconds_count", VECTOR(""));
}

TEST(summaries_are_quantiles_sum_and_count)
{
    fill();
    check_query(
        "rpc{quantile=\"0.99\"}",
        VECTOR(
            "{\"metric\":{\"__name__\":\"rpc\",\"instance\":\"i1\",\"job\":\"shop\",\"quantile\":"
            "\"0.99\"},\"value\":[1700000120,\"7\"]}"));
    check_query("sum(rpc_sum)", VECTOR("{\"metric\":{},\"value\":[1700000120,\"10\"]}"));
}

TEST(delta_sums_are_counters_of_the_hour)
{
    fill();
    check_query("moved_total",
                VECTOR("{\"metric\":{\"__name__\":\"moved_total\",\"http_route\":\"/a\","
                       "\"instance\":\"i1\",\"job\":\"shop\"},\"value\":[1700000120,\"3\"]}"));
}

TEST(ranges_have_their_steps)
{
    fill();
    struct answer r;
    str got = ask(&r, "/api/v1/query_range", (str){0},
                  PARAMS({S("query"), S("sum(http_requests_total{http_route=\"/a\"})")},
                         {S("start"), S("1700000000")}, {S("end"), S("1700000120")},
                         {S("step"), S("1m")}));
    CHECK_STR(got, S("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{"
                     "\"metric\":{},\"values\":[["
                     "1700000000,\"0\"],[1700000060,\"60\"],[1700000120,\"120\"]]}]}}"));
    done(&r);
}

TEST(labels_values_series_and_metadata)
{
    fill();
    struct answer r;
    CHECK_STR(
        ask(&r, "/api/v1/labels", (str){0}, PARAMS({S("match[]"), S("latency_seconds_bucket")})),
        S("{\"status\":\"success\",\"data\":[\"__name__\",\"http_route\",\"instance\",\"job\","
          "\"le\"]}"));
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/label/{}/values", S("http_route"), PARAMS({S("limit"), S("0")})),
              S("{\"status\":\"success\",\"data\":[\"/a\",\"/b\"]}"));
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/series", (str){0},
                  PARAMS({S("match[]"), S("temperature_celsius{http_route=\"/a\"}")})),
              S("{\"status\":\"success\",\"data\":[{\"__name__\":\"temperature_celsius\",\"http_"
                "route\":\"/a\",\"instance\":"
                "\"i1\",\"job\":\"shop\"}]}"));
    done(&r);
    CHECK_STR(
        ask(&r, "/api/v1/metadata", (str){0}, PARAMS({S("metric"), S("http_requests_total")})),
        S("{\"status\":\"success\",\"data\":{\"http_requests_total\":[{\"type\":\"counter\","
          "\"help\":\"served\",\"unit\":"
          "\"\"}]}}"));
    done(&r);
}

/* The answer as a client takes it, with room for `room` bytes; how many pieces those were. */
static unsigned ask_in_pieces(struct answer *r, const char *path, const struct query_param *params,
                              size_t n, str sent, size_t room, struct buf *whole)
{
    unsigned pieces = 1;
    arena_init(&r->arena, limits.max_bytes);
    r->job = job_of(r, (str){0}, params, n);
    r->job.sent = sent;
    buf_init(&r->job.body, room);
    buf_init(whole, 1 << 20);
    for (run_job(&r->job, path); r->job.more; pieces++) {
        buf_add(whole, buf_str(&r->job.body));
        buf_clear(&r->job.body);
        r->job.more(&r->job);
    }
    CHECK(!r->job.body.over);
    buf_add(whole, buf_str(&r->job.body));
    return pieces;
}

TEST(label_sets_come_in_pieces)
{
    fill();
    struct answer all, some;
    struct buf got;
    static const struct query_param params[] = {{S("match[]"), S("{__name__=~\".+\"}")},
                                                {S("limit"), S("12")}};
    for (size_t n = 1; n <= 2; n++) {
        str want = ask(&all, "/api/v1/series", (str){0}, params, n);
        CHECK(ask_in_pieces(&some, "/api/v1/series", params, n, (str){0}, 1024, &got) > 2);
        CHECK_STR(buf_str(&got), want);
        CHECK(has(want, "results truncated due to limit") == (n == 2));
        buf_done(&got);
        done(&some);
        done(&all);
    }
}

/* ReadRequest: queries = 1, accepted_response_types = 2; Query: start = 1, end = 2, matchers = 3.
 */
static void read_request(struct buf *sent, unsigned n)
{
    struct err err = {};
    struct buf body;
    buf_init(&body, 4096);
    struct pb_out out = pb_begin_in(&body);
    for (unsigned i = 0; i < n; i++) {
        pb_begin(&out, 1);
        pb_put_varint(&out, 1, 1'699'990'000'000);
        pb_put_varint(&out, 2, 1'700'010'000'000);
        pb_begin(&out, 3), pb_put_varint(&out, 1, 2), pb_put_str(&out, 2, S("__name__"));
        pb_put_str(&out, 3, i ? S("latency_.*") : S("[a-z].*")), pb_end(&out);
        pb_end(&out);
    }
    pb_put_varint(&out, 2, 1);
    buf_init(sent, 4096);
    WANT(compress_snappy(buf_str(&body), sent, &err), ST_OK);
    buf_done(&body);
}

TEST(chunks_of_a_remote_read_come_in_pieces)
{
    fill();
    struct answer all, some;
    struct buf sent, want, got;
    read_request(&sent, 2);
    CHECK_INT(ask_in_pieces(&all, "/api/v1/read", NULL, 0, buf_str(&sent), limits.max_bytes, &want),
              1);
    CHECK(want.len > 1000);
    CHECK(ask_in_pieces(&some, "/api/v1/read", NULL, 0, buf_str(&sent), 1024, &got) > 2);
    CHECK_STR(buf_str(&got), buf_str(&want));
    buf_done(&got), buf_done(&want), buf_done(&sent);
    done(&some);
    done(&all);
}

/* Two exemplars of a histogram (le 0.5 and +Inf) and one of a counter. */
#define EXEMPLAR(t, v, more) "\"exemplars\":[{" t ",\"asDouble\":" v more "}]"
static const char exemplars[] =
    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"
    "\"stringValue\":\"exemplary\"}}]},\"scopeMetrics\":[{\"metrics\":[{\"name\":\"wait\","
    "\"unit\":\"s\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{" T0
    ",\"count\":\"1\",\"sum\":0.25,\"bucketCounts\":[\"1\",\"0\"],\"explicitBounds\":[0.5]"
    "," EXEMPLAR(
        T0, "0.25",
        ",\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":"
        "\"0102030405060708\"") "},{" T1
                                ",\"count\":\"2\",\"sum\":3.25,\"bucketCounts\":[\"1\",\"1\"],"
                                "\"explicitBounds\":[0.5]," EXEMPLAR(
                                    T1, "3",
                                    ",\"filteredAttributes\":[{\"key\":\"user\",\"value\":{"
                                    "\"stringValue\":"
                                    "\"u1\"}}]") "}]}},{\"name\":\"jobs\",\"sum\":{"
                                                 "\"aggregationTemporality\":2,"
                                                 "\"isMonotonic\":true,\"dataPoints\":[{" T2
                                                 ",\"asInt\":\"4\",\"exemplars\":[{" T2
                                                 ",\"asInt\":\"4\",\"spanId\":\"0102030405060708\"}"
                                                 "]}]}}]}]}]}";

TEST(exemplars_come_with_their_series_and_bucket)
{
    insert((str){exemplars, sizeof exemplars - 1});
    struct answer r;
    CHECK_STR(ask(&r, "/api/v1/query_exemplars", (str){0},
                  PARAMS({S("query"), S("histogram_quantile(0.9, rate(wait_seconds_bucket[5m])) / "
                                        "rate(wait_seconds_bucket[1h])")},
                         {S("start"), S("1700000000")}, {S("end"), S("1700000060")})),
              S("{\"status\":\"success\",\"data\":[{\"seriesLabels\":{\"__name__\":\"wait_seconds_"
                "bucket\",\"job\":\"exemplary\",\"le\":\"+Inf\"},\"exemplars\":[{\"labels\":{"
                "\"user\":\"u1\"},\"value\":\"3\",\"timestamp\":1700000030.000}]},{"
                "\"seriesLabels\":{\"__name__\":\"wait_seconds_bucket\",\"job\":\"exemplary\","
                "\"le\":\"0.5\"},\"exemplars\":[{\"labels\":{\"span_id\":\"0102030405060708\","
                "\"trace_id\":\"0102030405060708090a0b0c0d0e0f10\"},\"value\":\"0.25\","
                "\"timestamp\":1700000000.000}]}]}"));
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/query_exemplars", (str){0},
                  PARAMS({S("query"), S("wait_seconds_bucket{le=\"0.5\"} or jobs_total")},
                         {S("start"), S("1700000001")}, {S("end"), S("1700000060")})),
              S("{\"status\":\"success\",\"data\":[{\"seriesLabels\":{\"__name__\":\"jobs_total\","
                "\"job\":\"exemplary\"},\"exemplars\":[{\"labels\":{\"span_id\":"
                "\"0102030405060708\"},\"value\":\"4\",\"timestamp\":1700000060.000}]}]}"));
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/query_exemplars", (str){0}, PARAMS({S("query"), S("1 + 1")})),
              S(""));
    CHECK_INT(r.job.http_status, 204);
    done(&r);
}

TEST(stats_count_samples_and_take_time)
{
    fill();
    struct answer r;
    str got = ask(&r, "/api/v1/query", (str){0},
                  PARAMS({S("query"), S("increase(http_requests_total{http_route=\"/a\"}[1m])")},
                         {S("time"), S("1700000120")}, {S("stats"), S("true")}));
    /* (60 s, 120 s] of a sample every 30 s */
    CHECK(has(got, "\"samples\":{\"totalQueryableSamples\":2,\"samplesRead\":2,"
                   "\"peakSamples\":"));
    CHECK(has(got, ",\"resultSortTime\":0,"));
    CHECK(has(got, "\"stats\":{\"timings\":{\"evalTotalTime\":"));
    CHECK(!has(got, "\"queryPreparationTime\":0,"));
    done(&r);
    got = ask(&r, "/api/v1/query_range", (str){0},
              PARAMS({S("query"), S("http_requests_total{http_route=\"/a\"}")},
                     {S("start"), S("1700000060")}, {S("end"), S("1700000120")},
                     {S("step"), S("30")}, {S("stats"), S("all")}));
    CHECK(has(got, "\"totalQueryableSamples\":3,"));
    done(&r);
    got = ask(&r, "/api/v1/query", (str){0}, PARAMS({S("query"), S("1")}));
    CHECK(!has(got, "stats"));
    done(&r);
}

TEST(experimental_functions_need_their_option)
{
    fill();
    struct answer r;
    const struct query_param params[] = {{S("query"), S("count(limitk(1, http_requests_total))")},
                                         {S("time"), S("1700000120")}};
    CHECK(has(ask(&r, "/api/v1/query", (str){0}, params, 2), "\"errorType\":\"bad_data\""));
    done(&r);
    limits.experimental = true;
    CHECK_STR(ask(&r, "/api/v1/query", (str){0}, params, 2),
              S(VECTOR("{\"metric\":{},\"value\":[1700000120,\"1\"]}")));
    done(&r);
    limits.experimental = false;
}

TEST(queries_are_formatted)
{
    struct answer r;
    CHECK_STR(ask(&r, "/api/v1/format_query", (str){0},
                  PARAMS({S("query"), S("sum  by(a)(rate(x{b='c'}[5m]))>0")})),
              S("{\"status\":\"success\",\"data\":\"sum by (a) (rate(x{b=\\\"c\\\"}[5m])) > 0\"}"));
    done(&r);
}

TEST(the_server_tells_about_itself)
{
    struct answer r;
    CHECK(has(ask(&r, "/api/v1/status/flags", (str){0}, NULL, 0),
              "\"data\":{\"query.lookback-delta\":\"5m\",\"query.max-samples\":\"1000000\","
              "\"query.timeout\":\"30000ms\"}"));
    done(&r);
    CHECK(has(ask(&r, "/api/v1/status/config", (str){0}, NULL, 0),
              "\"yaml\":\"query.timeout: 30000ms\\nquery.max_rows: 1000000\\n"));
    done(&r);
    CHECK(has(ask(&r, "/api/v1/status/runtimeinfo", (str){0}, NULL, 0), "\"startTime\":\"20"));
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/targets", (str){0}, NULL, 0),
              S("{\"status\":\"success\",\"data\":{\"activeTargets\":[],\"droppedTargets\":[],"
                "\"droppedTargetCounts\":{}}}"));
    done(&r);
}

TEST(errors_say_what_and_where)
{
    fill();
    struct answer r;
    CHECK_STR(
        ask(&r, "/api/v1/query", (str){0}, PARAMS({S("query"), S("rate(x)")})),
        S("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"invalid parameter "
          "\\\"query\\\": 1:6: parse error: "
          "expected type range vector in call to function \\\"rate\\\", got instant vector\"}"));
    CHECK_INT(r.job.http_status, 400);
    done(&r);
    CHECK_STR(ask(&r, "/api/v1/query_range", (str){0},
                  PARAMS({S("query"), S("x")}, {S("start"), S("0")}, {S("end"), S("11001")},
                         {S("step"), S("1")})),
              S("{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"exceeded maximum "
                "resolution of 11,000 points per "
                "timeseries. Try decreasing the query resolution (?step=XX)\"}"));
    done(&r);
}
