/* Jaeger's API over the real engine: OTLP JSON is decoded, encoded and inserted as the pipeline
 * does, then asked for. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json_in.h"
#include "base/num.h"
#include "engine/block.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "lifecycle/lifecycle.h"
#include "query/api.h"
#include "query/fetch/fetch.h"
#include "query/ir/trace.h"

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

static struct telemetry_batch *decode(str json)
{
    struct err err = {};
    struct arena *a = calloc(1, sizeof *a);
    arena_init(a, 64 << 20);
    char *body = arena_alloc(a, json.len + 64, 1);
    memcpy(body, json.ptr, json.len);
    struct telemetry_batch *batch;
    struct decode_options opt = {.received_at = clock_now()};
    WANT(decode_request(a, SIGNAL_TRACES, PAYLOAD_JSON, (str){body, json.len}, &opt, &batch, &err),
         ST_OK);
    return batch;
}

/* `times`: as often in one block, as when a client sends again what had arrived. */
static void insert(str json, int times)
{
    struct store *s = tables();
    struct open_block *open = open_block_new(SIGNAL_TRACES, 0);
    for (int i = 0; i < times; i++)
        open_block_add(open, decode(json), (uint64_t)i + 1, clock_now());
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

/* Calls the handler of `path` ({} in it stands for `segment`) with "name", "value" pairs. */
static str ask(struct answer *r, const char *path, str segment, const struct query_param *params,
               size_t n)
{
    static const struct query_limits limits = {
        .max_rows = 1'000'000, .max_bytes = 256 << 20, .max_entries = 5000, .timeout_ms = 30'000};
    struct store_fetcher f;
    struct err err = {};
    arena_init(&r->arena, limits.max_bytes);
    r->job = (struct query_job){.arena = &r->arena,
                                .segment = segment,
                                .params = params,
                                .n_params = n,
                                .now = clock_now(),
                                .deadline = clock_monotonic() + 30 * NANOS_S,
                                .limits = &limits};
    buf_init(&r->job.body, 64 << 20);
    store_fetcher_init(&f, tables(), &r->job);
    for (const struct query_route *route = jaeger_routes; route->path; route++)
        if (strcmp(route->path, path) == 0) {
            status st = route->run(&r->job, &err);
            if (st == ST_INTERNAL) printf("%s: %s\n", path, err.msg);
            return buf_str(&r->job.body);
        }
    CHECK(false);
    return (str){0};
}

static void done(struct answer *r)
{
    buf_done(&r->job.body);
    arena_done(&r->arena);
}

#define PARAMS(...)                      \
    (struct query_param[]){__VA_ARGS__}, \
        sizeof((struct query_param[]){__VA_ARGS__}) / sizeof(struct query_param)

static size_t count(str s, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (const char *p = s.ptr; (p = memmem(p, (size_t)(s.ptr + s.len - p), what, len)); p += len)
        n++;
    return n;
}
static bool has(str s, const char *what) { return count(s, what) > 0; }

/* --- a small world of our own: front calls cart (failing), twice stored; and an older trace of
 * cart alone */

static const char world[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
    "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"front\"}},"
    "{\"key\":\"host.cpus\",\"value\":{\"intValue\":\"8\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":"
    "\"lib\","
    "\"version\":\"1.0\"},\"spans\":[{\"traceId\":\"83a9efd15c1c98a977e0711cc93ee28b\",\"spanId\":"
    "\"0000000000000001\",\"name\":\"GET "
    "/\",\"kind\":2,\"startTimeUnixNano\":\"1700000000000001000\","
    "\"endTimeUnixNano\":\"1700000000500001000\",\"attributes\":[{\"key\":\"ratio\",\"value\":{"
    "\"doubleValue\":72.5}},{\"key\":\"odd\",\"value\":{\"stringValue\":\"it's \\\\ "
    "\\\"x\\\"\\n\"}},"
    "{\"key\":\"empty\",\"value\":{\"stringValue\":\"\"}}]}]}]},"
    "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}}"
    "]},"
    "\"scopeSpans\":[{\"spans\":["
    "{\"traceId\":\"83a9efd15c1c98a977e0711cc93ee28b\",\"spanId\":\"0000000000000002\","
    "\"parentSpanId\":"
    "\"0000000000000001\",\"name\":\"add\",\"kind\":3,\"startTimeUnixNano\":"
    "\"1700000000100000000\","
    "\"endTimeUnixNano\":\"1700000000200000000\",\"status\":{\"code\":2,\"message\":\"no room\"},"
    "\"traceState\":\"a=b\",\"flags\":257,\"events\":[{\"timeUnixNano\":\"1700000000150000000\","
    "\"name\":"
    "\"exception\",\"attributes\":[{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"Full\"}"
    "}]}],"
    "\"links\":[{\"traceId\":\"0000000000000000000000000000001f\",\"spanId\":\"0000000000000003\","
    "\"attributes\":[{\"key\":\"why\",\"value\":{\"stringValue\":\"retry\"}}]}]},"
    "{\"traceId\":\"0000000000000000000000000000001f\",\"spanId\":\"0000000000000003\",\"name\":"
    "\"add\","
    "\"kind\":1,\"startTimeUnixNano\":\"1699900000000000000\",\"endTimeUnixNano\":"
    "\"1699900000000002000\"}]}]}]}";

static void make_world(void)
{
    static bool made;
    if (made) return;
    made = true;
    insert(S(world), 2);
}

#define START                             \
    {                                     \
        S("start"), S("1699800000000000") \
    }
#define END                             \
    {                                   \
        S("end"), S("1700000100000000") \
    }

TEST(services_and_operations)
{
    make_world();
    struct answer r;
    CHECK_STR(
        ask(&r, "/api/services", (str){0}, NULL, 0),
        S("{\"data\":[\"cart\",\"front\"],\"total\":2,\"limit\":0,\"offset\":0,\"errors\":null}"));
    done(&r);
    CHECK_STR(ask(&r, "/api/services/{}/operations", S("cart"), NULL, 0),
              S("{\"data\":[\"add\"],\"total\":1,\"limit\":0,\"offset\":0,\"errors\":null}"));
    done(&r);
    CHECK_STR(
        ask(&r, "/api/operations", (str){0}, PARAMS({S("service"), S("cart")})),
        S("{\"data\":[{\"name\":\"add\",\"spanKind\":\"internal\"},{\"name\":\"add\",\"spanKind\":"
          "\"client\"}],\"total\":2,\"limit\":0,\"offset\":0,\"errors\":null}"));
    done(&r);
    str one = ask(&r, "/api/operations", (str){0},
                  PARAMS({S("service"), S("cart")}, {S("spanKind"), S("client")}));
    CHECK_INT(count(one, "spanKind"), 1);
    done(&r);
    CHECK(has(ask(&r, "/api/operations", (str){0}, NULL, 0), "parameter 'service' is required"));
    CHECK_INT(r.job.http_status, 400);
    done(&r);
}

TEST(a_trace_by_its_id)
{
    make_world();
    struct answer r;
    str t = ask(&r, "/api/traces/{}", S("83a9efd15c1c98a977e0711cc93ee28b"), NULL, 0);
    CHECK_INT(count(t, "\"operationName\""), 2);
    CHECK(has(t, "\"startTime\":1700000000000001,\"duration\":500000"));
    CHECK(has(t, "{\"key\":\"ratio\",\"type\":\"float64\",\"value\":72.5}"));
    CHECK(has(t, "{\"key\":\"host.cpus\",\"type\":\"int64\",\"value\":8}"));
    CHECK(has(t, "{\"key\":\"error\",\"type\":\"bool\",\"value\":true}"));
    CHECK(
        has(t, "{\"key\":\"otel.status_description\",\"type\":\"string\",\"value\":\"no room\"}"));
    CHECK(has(t, "\"flags\":1,"));
    CHECK(has(t, "{\"refType\":\"CHILD_OF\",\"traceID\":\"83a9efd15c1c98a977e0711cc93ee28b\","
                 "\"spanID\":\"0000000000000001\"},{\"refType\":\"FOLLOWS_FROM\",\"traceID\":"
                 "\"000000000000001f\",\"spanID\":\"0000000000000003\"}"));
    CHECK(has(t,
              "{\"timestamp\":1700000000150000,\"fields\":[{\"key\":\"event\",\"type\":\"string\","
              "\"value\":\"exception\"},{\"key\":\"exception.type\""));
    done(&r);

    t = ask(&r, "/api/traces/{}", S("83a9efd15c1c98a977e0711cc93ee28b"),
            PARAMS({S("raw"), S("true")}));
    CHECK_INT(count(t, "\"operationName\""), 4);
    done(&r);
    CHECK_INT(count(ask(&r, "/api/traces/{}", S("1F"), NULL, 0), "\"operationName\""), 1);
    done(&r);
    t = ask(&r, "/api/traces/{}", S("1f"),
            PARAMS({S("start"), S("1699890000000000")}, {S("end"), S("1699910000000000")}));
    CHECK_INT(count(t, "\"operationName\""), 1);
    done(&r);
    ask(&r, "/api/traces/{}", S("1f"), PARAMS({S("start"), S("1700000000000000")}));
    CHECK_INT(r.job.http_status, 404);
    done(&r);
    CHECK(has(ask(&r, "/api/traces/{}", S("2f"), NULL, 0),
              "{\"code\":404,\"msg\":\"trace not found\"}"));
    CHECK_INT(r.job.http_status, 404);
    done(&r);
    ask(&r, "/api/traces/{}", S("xyz"), NULL, 0);
    CHECK_INT(r.job.http_status, 400);
    done(&r);
}

TEST(traces_by_several_ids_tell_which_are_missing)
{
    make_world();
    struct answer r;
    str t =
        ask(&r, "/api/traces", (str){0}, PARAMS({S("traceID"), S("2f")}, {S("traceID"), S("1f")}));
    CHECK_INT(count(t, "\"processes\""), 1);
    CHECK(has(t, "\"errors\":[{\"msg\":\"trace not found\",\"traceID\":\"000000000000002f\"}]"));
    CHECK_INT(r.job.http_status, 0);
    done(&r);
}

static size_t found(const struct query_param *extra, size_t n)
{
    struct query_param p[8] = {{S("service"), S("cart")}, START, END};
    memcpy(p + 3, extra, n * sizeof *p);
    struct answer r;
    str t = ask(&r, "/api/traces", (str){0}, p, 3 + n);
    size_t traces = count(t, "\"processes\"");
    done(&r);
    return traces;
}
#define FOUND(...) found(PARAMS(__VA_ARGS__))
#define TAG(kv)         \
    {                   \
        S("tag"), S(kv) \
    }

TEST(search_matches_all_conditions_on_one_span)
{
    make_world();
    CHECK_INT(found(NULL, 0), 2);
    CHECK_INT(FOUND({S("limit"), S("1")}), 1);
    CHECK_INT(FOUND({S("operation"), S("add")}), 2);
    CHECK_INT(FOUND({S("operation"), S("GET /")}), 0); /* front's */
    CHECK_INT(FOUND({S("minDuration"), S("100ms")}), 1);
    CHECK_INT(FOUND({S("minDuration"), S("101ms")}), 0);
    CHECK_INT(FOUND({S("maxDuration"), S("2us")}), 1);
    CHECK_INT(FOUND(TAG("error:true")), 1);
    CHECK_INT(FOUND(TAG("error:false")), 0);
    CHECK_INT(FOUND(TAG("span.kind:client")), 1);
    CHECK_INT(FOUND(TAG("otel.status_code:ERROR")), 1);
    CHECK_INT(FOUND(TAG("otel.status_description:no room")), 1);
    CHECK_INT(FOUND(TAG("w3c.tracestate:a=b")), 1);
    CHECK_INT(FOUND(TAG("event:exception")), 1);
    CHECK_INT(FOUND(TAG("exception.type:Full")), 1);
    CHECK_INT(FOUND(TAG("why:retry")), 1);
    CHECK_INT(FOUND(TAG("why:")), 0);
    CHECK_INT(FOUND(TAG("no.such:")), 0);
    CHECK_INT(FOUND(TAG("error:true"), TAG("why:retry")), 1);
    CHECK_INT(FOUND(TAG("error:true"), TAG("ratio:72.5")), 0); /* front's */
    CHECK_INT(FOUND({S("tags"), S("{\"error\":\"true\",\"span.kind\":\"client\"}")}), 1);
    CHECK_INT(FOUND({S("service"), S("x")}, {S("end"), S("1")}), 2); /* repeats: the first counts */
}

TEST(search_values_are_bound_as_they_are)
{
    make_world();
    struct answer r;
    const struct query_param odd[] = {
        {S("service"), S("front")}, START, END, TAG("odd:it's \\ \"x\"\n")};
    CHECK_INT(count(ask(&r, "/api/traces", (str){0}, odd, 4), "\"processes\""), 1);
    done(&r);
    const struct query_param empty[] = {
        {S("service"), S("front")}, START, END, TAG("empty:"), TAG("otel.scope.name:lib"),
        TAG("host.cpus:8")};
    CHECK_INT(count(ask(&r, "/api/traces", (str){0}, empty, 6), "\"processes\""), 1);
    done(&r);
    const struct query_param evil[] = {{S("service"), S("' OR 1 --")}, START, END};
    CHECK_STR(ask(&r, "/api/traces", (str){0}, evil, 3),
              S("{\"data\":[],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}"));
    done(&r);
}

TEST(search_is_newest_first_and_within_the_range)
{
    make_world();
    struct answer r;
    const struct query_param all[] = {{S("service"), S("cart")}, START, END};
    str t = ask(&r, "/api/traces", (str){0}, all, 3);
    const char *newer = memmem(t.ptr, t.len, "{\"traceID\":\"83a9", 16);
    const char *older = memmem(t.ptr, t.len, "{\"traceID\":\"000000000000001f\",\"spans\"", 37);
    CHECK(newer && older && newer < older);
    done(&r);
    const struct query_param before[] = {
        {S("service"), S("cart")}, START, {S("end"), S("1700000099999999")}};
    CHECK_INT(count(ask(&r, "/api/traces", (str){0}, before, 3), "\"processes\""), 2);
    done(&r);
    const struct query_param late[] = {
        {S("service"), S("cart")}, {S("start"), S("1700000000100000")}, END};
    CHECK_INT(count(ask(&r, "/api/traces", (str){0}, late, 3), "\"processes\""), 1);
    done(&r);
    const struct query_param later[] = {
        {S("service"), S("cart")}, {S("start"), S("1700000000100001")}, END};
    CHECK_INT(count(ask(&r, "/api/traces", (str){0}, later, 3), "\"processes\""), 0);
    done(&r);
}

TEST(dependencies_count_calls_between_services_once)
{
    make_world();
    struct answer r;
    const struct query_param p[] = {{S("endTs"), S("1700000100000")},
                                    {S("lookback"), S("200000000")}};
    CHECK_STR(ask(&r, "/api/dependencies", (str){0}, p, 2),
              S("{\"data\":[{\"parent\":\"front\",\"child\":\"cart\",\"callCount\":1}],\"total\":0,"
                "\"limit\":0,\"offset\":0,\"errors\":null}"));
    done(&r);
}

TEST(trace_lookup_reads_by_key_and_hour)
{
    make_world();
    str plan = engine_ask(
        tables(), "EXPLAIN indexes = 1 SELECT span_name FROM otel_traces WHERE trace_id IN (SELECT "
                  "toFixedString(unhex(arrayJoin(['0000000000000000000000000000001f'])), 16)) AND "
                  "(timestamp >= "
                  "fromUnixTimestamp64Nano(1699898400000000000, 'UTC') AND timestamp < "
                  "fromUnixTimestamp64Nano(1699902000000000000, 'UTC'))");
    CHECK(has(plan, "PrimaryKey"));
    CHECK(has(plan, "trace_id in"));
    CHECK(has(plan, "Min-Max") && has(plan, "Parts: 1/2"));
}

/* --- conformance: 25 searches over 32 traces */

static nanos rfc3339(str s)
{
    char text[64] = {0};
    memcpy(text, s.ptr, s.len < 63 ? s.len : 63);
    struct tm tm = {0};
    char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    CHECK(rest != NULL);
    double fraction = *rest == '.' ? strtod(rest, NULL) : 0;
    return timegm(&tm) * NANOS_S + (nanos)(fraction * 1e6 + 0.5) * 1000;
}

struct params {
    struct arena *a;
    struct query_param v[16];
    size_t n;
};

__attribute__((format(printf, 3, 4))) static void put(struct params *p, str name, const char *fmt,
                                                      ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    p->v[p->n++] = (struct query_param){name, arena_str(p->a, (str){text, (size_t)n})};
}

/* One member of "Query"; the reader stands on its key. */
static void query_member(struct json_in *in, struct params *p)
{
    str key = in->text;
    json_next(in);
    if (str_eq(key, S("ServiceName")) && in->text.len)
        put(p, S("service"), STR_FMT, STR_ARG(in->text));
    if (str_eq(key, S("OperationName")) && in->text.len)
        put(p, S("operation"), STR_FMT, STR_ARG(in->text));
    if (str_eq(key, S("StartTimeMin")))
        put(p, S("start"), "%lld", (long long)rfc3339(in->text) / 1000);
    if (str_eq(key, S("StartTimeMax")))
        put(p, S("end"), "%lld", (long long)rfc3339(in->text) / 1000);
    if (str_eq(key, S("NumTraces"))) put(p, S("limit"), STR_FMT, STR_ARG(in->text));
    if (str_eq(key, S("DurationMin")) && !str_eq(in->text, S("0")))
        put(p, S("minDuration"), STR_FMT "ns", STR_ARG(in->text));
    if (str_eq(key, S("DurationMax")) && !str_eq(in->text, S("0")))
        put(p, S("maxDuration"), STR_FMT "ns", STR_ARG(in->text));
    if (in->token != JSON_OBJECT) return;
    while (json_next(in) == JSON_KEY) { /* Tags */
        str tag = in->text;
        json_next(in);
        put(p, S("tag"), STR_FMT ":" STR_FMT, STR_ARG(tag),
            STR_ARG(in->token == JSON_TRUE ? S("true") : in->text));
    }
}

/* The trace id of a fixture, as Jaeger prints it. */
static void fixture_id(const char *dir, str name, char out[32], size_t *len)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/jaeger/storage_integration/traces/" STR_FMT ".json", dir,
             STR_ARG(name));
    str text = test_read_file(path);
    const char *at = memmem(text.ptr, text.len, "\"traceId\": \"", 12);
    CHECK(at != NULL);
    bool short_id = memcmp(at + 12, "0000000000000000", 16) == 0;
    *len = short_id ? 16 : 32;
    memcpy(out, at + 12 + (short_id ? 16 : 0), *len);
}

/* Reads one case and asks it; true when exactly the expected traces come back. */
static bool run_case(struct json_in *in, const char *dir, struct arena *a)
{
    struct params p = {.a = a};
    str caption = {0}, want[8];
    size_t n_want = 0;
    while (json_next(in) == JSON_KEY) {
        str key = in->text;
        json_next(in);
        if (str_eq(key, S("Caption"))) caption = in->text;
        if (str_eq(key, S("Query")))
            while (json_next(in) == JSON_KEY) query_member(in, &p);
        if (str_eq(key, S("ExpectedFixtures")))
            while (json_next(in) == JSON_STRING) want[n_want++] = in->text;
    }
    struct answer r;
    str body = ask(&r, "/api/traces", (str){0}, p.v, p.n);
    bool ok = count(body, "\"processes\"") == n_want;
    for (size_t i = 0; i < n_want; i++) {
        char id[32], needle[64];
        size_t len;
        fixture_id(dir, want[i], id, &len);
        snprintf(needle, sizeof needle, "{\"traceID\":\"%.*s\",\"spans\"", (int)len, id);
        ok &= has(body, needle);
    }
    if (!ok) printf("not as expected: " STR_FMT "\n", STR_ARG(caption));
    done(&r);
    return ok;
}

TEST(storage_integration_searches)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1000];
    snprintf(path, sizeof path, "%s/jaeger/storage_integration/traces", dir);
    DIR *d = opendir(path);
    CHECK(d != NULL);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/jaeger/storage_integration/traces/%s", dir, e->d_name);
        insert(test_read_file(path), 1);
    }
    closedir(d);

    struct arena a;
    arena_init(&a, 64 << 20);
    snprintf(path, sizeof path, "%s/jaeger/storage_integration/queries.json", dir);
    struct json_in in = json_read(test_read_file(path), &a);
    int cases = 0, passed = 0;
    CHECK(json_next(&in) == JSON_ARRAY);
    for (; json_next(&in) == JSON_OBJECT; cases++) passed += run_case(&in, dir, &a);
    CHECK(!in.bad);
    printf("conformance jaeger/storage_integration: %d of %d\n", passed, cases);
    CHECK_INT(passed, cases);
    CHECK(cases > 0);
    arena_done(&a);
}

/* --- rate, errors, durations: 10 calls of 1.049 ms each five minutes from 2020-01-01, every second
 * of the six windows with one that failed */

static void red_rows(void)
{
    static bool made;
    if (made) return;
    made = true;
    engine_do(tables(),
              "INSERT INTO otel_traces_red_5m SELECT toDateTime(1577836800 + number * 300, 'UTC'), "
              "'red', if(o = 0, 'get', 'put'), if(o < 2, 2, 3), 10, number % 2, 1e7, 1048576, "
              "([160], [10]) FROM numbers(6) ARRAY JOIN range(3) AS o");
}

static str red(struct answer *r, const char *what, const struct query_param *params, size_t n)
{
    red_rows();
    struct query_param all[16] = {{S("service"), S("red")},
                                  {S("endTs"), S("1577838600000")},
                                  {S("lookback"), S("600000")},
                                  {S("step"), S("300000")}};
    memcpy(all + 4, params, n * sizeof *params);
    return ask(r, "/api/metrics/{}", str_of(what), all, n + 4);
}

TEST(red_of_services_comes_from_the_counts_per_five_minutes)
{
    struct answer r;
    str got = red(&r, "calls", PARAMS({S("ratePer"), S("600000")}));
    CHECK(has(got, "\"name\":\"service_call_rate\""));
    CHECK_INT(count(got, "\"metricPoints\""), 1);
    /* two operations of 10 calls in 300 s */
    CHECK_INT(count(got, "{\"doubleValue\":0.06666666666666667}"), 3);
    CHECK(has(got, "\"2020-01-01T00:20:00Z\"") && has(got, "\"2020-01-01T00:30:00Z\""));
    done(&r);
    got =
        red(&r, "calls", PARAMS({S("groupByOperation"), S("true")}, {S("spanKind"), S("client")}));
    CHECK_INT(count(got, "\"value\":\"put\""), 1);
    CHECK(!has(got, "\"value\":\"get\""));
    CHECK_INT(count(got, "{\"doubleValue\":0.03333333333333333}"), 3);
    done(&r);
    got = red(&r, "errors", PARAMS({S("ratePer"), S("300000")}));
    CHECK_INT(count(got, "{\"doubleValue\":0}"), 1);
    CHECK_INT(count(got, "{\"doubleValue\":0.1}"), 2);
    done(&r);
    got = red(&r, "latencies", PARAMS({S("quantile"), S("0.95")})); /* 2^(160.5/8) ns */
    CHECK_INT(count(got, "{\"doubleValue\":1.09500"), 3);
    done(&r);
    got = red(&r, "minstep", NULL, 0);
    CHECK(has(got, "\"data\":300000"));
    done(&r);
}
