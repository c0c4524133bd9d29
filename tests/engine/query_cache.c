/* The cache of range answers over the real engine: what it gives is, byte for byte, what is given
 * without it, while samples come, late ones too. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/block.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/decode/decode.h"
#include "lifecycle/lifecycle.h"
#include "obs/metrics.h"
#include "query/api.h"
#include "query/cache/cache.h"
#include "query/fetch/fetch.h"

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

/* --- samples: each a function of its series and time, so that one sent twice is the same */

static uint32_t random_state = 1;

static uint32_t any(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)random_state * below) >> 32);
}

static void add_point(struct buf *b, const char *kind, int64_t t, unsigned series)
{
    int64_t n = t % 700 + series * 100; /* a counter that begins anew */
    buf_printf(b, "{\"timeUnixNano\":\"%lld000000000\",\"attributes\":[{\"key\":\"s\",\"value\":",
               (long long)t);
    buf_printf(b, "{\"stringValue\":\"%u\"}}],", series);
    if (strcmp(kind, "number") == 0)
        buf_printf(b, "\"asDouble\":%lld.25}", (long long)n);
    else if (strcmp(kind, "classic") == 0)
        buf_printf(b,
                   "\"count\":\"%lld\",\"sum\":%lld.5,\"bucketCounts\":[\"%lld\",\"%lld\",\"%lld\"]"
                   ",\"explicitBounds\":[1,4]}",
                   (long long)n * 3, (long long)n, (long long)n, (long long)n, (long long)n);
    else
        buf_printf(b,
                   "\"count\":\"%lld\",\"sum\":%lld.5,\"scale\":%d,\"zeroCount\":\"1\","
                   "\"positive\":{\"offset\":-1,\"bucketCounts\":[\"%lld\",\"%lld\"]}}",
                   (long long)n * 2 + 1, (long long)n, (int)series, (long long)n, (long long)n);
}

static void add_metric(struct buf *b, const char *head, const char *kind, int64_t from,
                       unsigned points)
{
    buf_printf(b, "%s\"dataPoints\":[", head);
    for (unsigned i = 0; i < points; i++) {
        if (i) buf_char(b, ',');
        add_point(b, kind, from + (int64_t)i * 10, any(3));
    }
    buf_add(b, S("]}}"));
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

/* Some points of some metrics from `t` (s) on. */
static void insert_samples(int64_t t, unsigned points)
{
    static const struct {
        const char *head, *kind;
    } metrics[] = {
        {"{\"name\":\"c\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,", "number"},
        {"{\"name\":\"g\",\"gauge\":{", "number"},
        {"{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,", "classic"},
        {"{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,", "exponential"},
        {"{\"name\":\"d\",\"sum\":{\"aggregationTemporality\":1,\"isMonotonic\":true,", "number"},
    };
    struct buf b;
    bool first = true;
    buf_init(&b, 16 << 20);
    buf_add(&b, S("{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
                  "\"value\":{\"stringValue\":\"shop\"}},{\"key\":\"version\",\"value\":{"
                  "\"stringValue\":\"1\"}}]},\"scopeMetrics\":[{\"metrics\":["));
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (any(3) == 0) continue;
        if (!first) buf_char(&b, ',');
        first = false;
        add_metric(&b, metrics[i].head, metrics[i].kind, t, points);
    }
    buf_add(&b, S("]}]}]}"));
    if (!first) insert(buf_str(&b));
    buf_done(&b);
}

/* --- queries */

static struct query_limits limits = {.max_rows = 1'000'000,
                                     .max_series = 1000,
                                     .max_bytes = 256 << 20,
                                     .max_entries = 5000,
                                     .timeout_ms = 30'000};

/* Two caches: of one the process knows by itself what was written, for the other the store is
 * asked, as a query-api by itself does. */
struct caches {
    struct query_cache *known, *asked;
};

static str ask(struct query_cache *cache, bool is_known, const struct query_param *params, size_t n,
               struct buf *b)
{
    struct store_fetcher f;
    struct arena arena;
    struct err err = {};
    arena_init(&arena, limits.max_bytes);
    struct query_job job = {.arena = &arena,
                            .params = params,
                            .n_params = n,
                            .now = clock_now(),
                            .deadline = clock_monotonic() + 30 * NANOS_S,
                            .limits = &limits,
                            .cache = cache};
    buf_init(&job.body, 64 << 20);
    store_fetcher_init(&f, tables(), &job);
    if (!is_known) f.fetcher.changes = NULL;
    for (const struct query_route *r = prometheus_routes; r->path; r++)
        if (strcmp(r->path, "/api/v1/query_range") == 0) (void)r->run(&job, &err);
    *b = job.body;
    arena_done(&arena);
    return buf_str(b);
}

static const char *const expressions[] = {
    "c_total",
    "g",
    "sum by (s) (rate(c_total[2m]))",
    "rate(g[1m])", /* an info: not a counter */
    "sum(increase(c_total[5m] offset 3m)) / count(g offset -2m)",
    "histogram_quantile(0.9, sum by (le) (rate(h_bucket[3m])))",
    "histogram_quantile(0.7, sum by (le) (label_replace(label_replace(g, \"le\", \"$1\", \"s\", "
    "\"(.*)\"), \"le\", \"+Inf\", \"s\", \"2\")))", /* an info about all steps: not monotonic */
    "e",
    "sum(e)",
    "histogram_quantile(0.5, rate(e[4m]))",
    "histogram_count(e) or g",
    "e + g", /* an info: incompatible */
    "topk(1, g)",
    "max_over_time(sum(g)[6m:20s])",
    "avg_over_time(e[3m])",
    "stddev_over_time(g[90s]) > 10",
    "absent(g{s=\"2\"})",
    "quantile_over_time(2, g[2m])",       /* a warning */
    "histogram_quantile(0.9, -h_bucket)", /* an info with the times of all steps */
    "rate(g[1m]) + rate(g[2m])",          /* an info of two places, told once */
    "scalar(sum(g))",
    "c_total * on (s) group_left() count by (s) (g)",
    "label_replace(g, \"t\", \"$1\", \"s\", \"(.*)\")",
    "{__name__=~\"d_total|g\"}",
    "rate(d_total[3m])", /* of delta temporality */
    "d_total + on (s) g",
    "g * on (job) group_left(version) target_info",
    "sum({__name__=~\".+o\"})",
    "sum by (s) (g) and on () (sum(c_total) > 300)",
    "timestamp(g) - time()",
    "last_over_time(g[5m]) unless c_total",
    "deriv(g[5m])",
    "sum(histogram_sum(rate(e[2m])))",
};

static void print_seconds(char out[32], int64_t ms)
{
    snprintf(out, 32, "%lld.%03lld", (long long)ms / 1000, (long long)ms % 1000);
}

static void check_same(const struct caches *c, const char *query, int64_t start_ms, int64_t end_ms,
                       int64_t step_ms)
{
    char start[32], end[32], step[32];
    print_seconds(start, start_ms);
    print_seconds(end, end_ms);
    print_seconds(step, step_ms);
    const struct query_param params[] = {{S("query"), str_of(query)},
                                         {S("start"), str_of(start)},
                                         {S("end"), str_of(end)},
                                         {S("step"), str_of(step)},
                                         {S("nocache"), S("1")}};
    struct buf known, asked, plain;
    str want = ask(NULL, true, params, 5, &plain);
    str got[] = {ask(c->known, true, params, 4, &known),
                 c->asked ? ask(c->asked, false, params, 4, &asked) : want};
    for (int i = 0; i < 2; i++) {
        if (!str_eq(got[i], want))
            printf("query %s start %s end %s step %s\n%s " STR_FMT "\nuncached " STR_FMT "\n",
                   query, start, end, step, i ? "asked" : "known", STR_ARG(got[i]), STR_ARG(want));
        CHECK(str_eq(got[i], want));
    }
    buf_done(&known);
    if (c->asked) buf_done(&asked);
    buf_done(&plain);
}

static void check_some(const struct caches *c, int64_t from_s, unsigned seconds, unsigned n)
{
    static const int64_t steps[] = {1000, 5000, 7000, 15'000, 15'000, 60'000, 60'000, 300'000, 333};
    for (unsigned i = 0; i < n; i++) {
        const char *query = expressions[any(sizeof expressions / sizeof *expressions)];
        int64_t step = any(3) ? 15'000 : steps[any(sizeof steps / sizeof *steps)];
        int64_t start = (from_s + any(seconds)) * 1000 + (any(3) ? 0 : any(1000));
        if (any(2)) start -= start % step; /* as Grafana does */
        int64_t end = start + any(seconds) * 1000;
        if (end > start + step * 2000) end = start + step * 2000;
        check_same(c, query, start, end, step);
    }
}

static struct query_cache *open_cache(uint64_t max_bytes, int64_t extent_ms)
{
    struct query_cache *c;
    struct err err = {};
    struct query_cache_options opt = {.max_bytes = max_bytes, .extent_ms = extent_ms, .asks = true};
    WANT(query_cache_open(&opt, &c, &err), ST_OK);
    return c;
}

static struct caches open_caches(uint64_t max_bytes, int64_t extent_ms)
{
    return (struct caches){open_cache(max_bytes, extent_ms), open_cache(max_bytes, extent_ms)};
}

static void close_caches(struct caches *c)
{
    query_cache_close(c->known);
    query_cache_close(c->asked);
}

/* More by hand: WEIR_TEST_ROUNDS=500. */
static unsigned rounds(void)
{
    const char *text = getenv("WEIR_TEST_ROUNDS");
    return text ? (unsigned)atoi(text) : 3;
}

/* Samples come for an hour from `from` on, in any order. */
static void check_arriving(uint64_t max_bytes, int64_t extent_ms, int64_t from)
{
    struct caches c = open_caches(max_bytes, extent_ms);
    for (unsigned round = 0; round < rounds(); round++) {
        insert_samples(from + any(3600), 1 + any(60));
        check_some(&c, from - 300, 4200, 6);
    }
    close_caches(&c);
}

TEST(cached_and_uncached_answers_are_the_same_bytes_while_samples_come)
{
    check_arriving(16 << 20, 0, clock_now() / NANOS_S - 3 * 3600);
}

TEST(so_they_are_with_short_extents_in_a_small_cache)
{
    check_arriving(200'000, 60'000, clock_now() / NANOS_S - 10 * 3600);
}

/* Days that are over are told by their parts, and a range may cross midnight. */
TEST(so_they_are_around_a_midnight_of_days_ago)
{
    int64_t days = clock_now() / NANOS_DAY - 4;
    check_arriving(16 << 20, 0, days * 86400 - 1800);
}

/* Every `nth` of the expressions. */
static void check_all(const struct caches *c, int64_t from_s, size_t nth)
{
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i += nth)
        check_same(c, expressions[i], from_s * 1000, (from_s + 3600) * 1000, 15'000);
}

TEST(all_expressions_are_answered_from_the_cache_the_second_time)
{
    /* A quarter of an hour begins, and so do the counters: the values, and so the notes, are those
     * of any other day. */
    int64_t from = (clock_now() / NANOS_S - 20 * 3600) / 6300 * 6300;
    struct caches c = {.known = open_cache(64 << 20, 0)};
    for (int i = 0; i < 5; i++) insert_samples(from + i * 700, 70);
    check_all(&c, from, 1);
    uint64_t hits = metric_get(M_CACHE_HITS, 0), misses = metric_get(M_CACHE_MISSES, 0);
    check_all(&c, from, 1);
    /* all five extents of each, but where a note tells of all steps together, as those of two
     * expressions may; of the fifth there is one step: kept where it had no notes */
    uint64_t n = sizeof expressions / sizeof *expressions;
    uint64_t found = metric_get(M_CACHE_HITS, 0) - hits,
             not = metric_get(M_CACHE_MISSES, 0) - misses;
    CHECK(found >= 4 * (n - 2) + n / 2 && found <= 5 * n);
    CHECK_INT(found + not, 5 * n);
    close_caches(&c);
}

static uint64_t hits_of(const struct caches *c, int64_t from_s)
{
    uint64_t before = metric_get(M_CACHE_HITS, 0);
    check_same(c, "g", from_s * 1000, (from_s + 3600) * 1000, 15'000);
    return metric_get(M_CACHE_HITS, 0) - before;
}

TEST(what_is_known_holds_where_the_store_would_be_asked)
{
    int64_t from = (clock_now() / NANOS_S - 20 * 3600) / 900 * 900;
    struct caches c = open_caches(64 << 20, 0);
    engine_do(tables(), "SYSTEM STOP MERGES"); /* each gives a day that is over other parts */
    insert_samples(from, 70);
    (void)hits_of(&c, from);
    CHECK_INT(hits_of(&c, from), 10);
    engine_do(tables(), "SYSTEM START MERGES");
    close_caches(&c);
}

TEST(samples_that_are_dropped_or_deleted_are_not_answered_from_the_cache)
{
    int64_t from = (clock_now() / NANOS_DAY - 6) * 86400 + 36'000;
    struct caches c = open_caches(16 << 20, 0);
    for (int i = 0; i < 3; i++) insert_samples(from + i * 700, 70);
    check_all(&c, from, 4);
    char sql[300];
    snprintf(sql, sizeof sql,
             "ALTER TABLE otel_metrics DELETE WHERE timestamp > fromUnixTimestamp(%lld) AND "
             "timestamp < fromUnixTimestamp(%lld) SETTINGS mutations_sync = 2",
             (long long)from + 300, (long long)from + 900);
    engine_do(tables(), sql);
    check_all(&c, from, 4);
    strftime(sql, sizeof sql, "ALTER TABLE otel_metrics DROP PARTITION '%Y-%m-%d'",
             gmtime(&(time_t){from}));
    engine_do(tables(), sql);
    check_all(&c, from, 4);
    close_caches(&c);
}

/* Of the same gauge, by SQL: nobody sees of which times. */
static void insert_by_sql(int64_t t_s)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "INSERT INTO otel_metrics SELECT * REPLACE (toDateTime64(%lld, 3, 'UTC') AS timestamp)"
             " FROM otel_metrics WHERE metric_name = 'g' ORDER BY timestamp DESC LIMIT 1",
             (long long)t_s);
    engine_do(tables(), sql);
}

static void drop_window(void *, int64_t, uint64_t, int64_t) {}

static struct changes_since now_known(enum changes_known want)
{
    struct store_fetcher f;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct query_job job = {.arena = &arena};
    struct changes_since since = {};
    store_fetcher_init(&f, tables(), &job);
    CHECK_INT(f.fetcher.changes(&f.fetcher, 0, 0, drop_window, NULL, &since), want);
    arena_done(&arena);
    return since;
}

TEST(rows_that_come_by_sql_are_seen)
{
    int64_t from = (clock_now() / NANOS_S - 15 * 3600) / 900 * 900;
    struct caches c = {.known = open_cache(16 << 20, 0)};
    insert_samples(from, 70);
    insert_samples(from + 60, 70);
    (void)hits_of(&c, from);
    CHECK_INT(hits_of(&c, from), 5);
    insert_by_sql(from + 1000);
    CHECK_INT(hits_of(&c, from), 0);
    CHECK_INT(hits_of(&c, from), 5);
    engine_do(tables(), "TRUNCATE TABLE otel_metric_targets");
    CHECK_INT(hits_of(&c, from), 0);
    close_caches(&c);
}

TEST(while_a_mutation_goes_on_nothing_is_taken_from_the_cache)
{
    uint64_t before = now_known(CHANGES_KNOWN).epoch;
    engine_do(tables(), "SYSTEM STOP MERGES otel_metrics"); /* and mutations */
    engine_do(tables(), "ALTER TABLE otel_metrics DELETE WHERE metric_name = 'c' "
                        "SETTINGS mutations_sync = 0");
    (void)now_known(CHANGES_UNSETTLED);
    engine_do(tables(), "KILL MUTATION WHERE table = 'otel_metrics'"); /* asked anew at once */
    CHECK(now_known(CHANGES_KNOWN).epoch != before);
    engine_do(tables(), "SYSTEM START MERGES otel_metrics");
}

TEST(where_views_write_samples_the_store_is_asked)
{
    engine_do(tables(), "CREATE TABLE mine (metric_name String) ENGINE = MergeTree ORDER BY ()");
    engine_do(tables(),
              "CREATE MATERIALIZED VIEW to_samples TO otel_metrics AS SELECT * FROM mine");
    (void)now_known(CHANGES_UNKNOWN);
    engine_do(tables(), "DROP TABLE to_samples");
    engine_do(tables(), "DROP TABLE mine");
    (void)now_known(CHANGES_KNOWN);
}

/* When the newest part of a partition was given its name. */
static struct timespec newest_part(const char *table, const char *partition)
{
    char sql[300];
    struct stat st;
    snprintf(sql, sizeof sql,
             "SELECT path FROM system.parts WHERE database = currentDatabase() AND table = '%s' "
             "AND active AND partition = '%s' ORDER BY min_block_number DESC LIMIT 1",
             table, partition);
    str path = engine_ask(tables(), sql);
    char at[1000];
    snprintf(at, sizeof at, STR_FMT, STR_ARG(path));
    CHECK(stat(at, &st) == 0);
    return st.st_ctim;
}

/* The order that the generation of samples rests on. */
TEST(an_insert_commits_its_samples_before_what_tells_of_them)
{
    int64_t from = (clock_now() / NANOS_DAY - 50) * 86400 + 40'000;
    char day[32], month[32];
    strftime(day, sizeof day, "%Y-%m-%d", gmtime(&(time_t){from}));
    strftime(month, sizeof month, "%Y-%m-01", gmtime(&(time_t){from}));
    engine_do(tables(), "SYSTEM STOP MERGES");
    for (int i = 0; i < 10; i++) {
        insert_samples(from + any(3600), 5);
        struct timespec samples = newest_part("otel_metrics", day),
                        told = newest_part("weir_rollup_touched", month);
        CHECK(samples.tv_sec < told.tv_sec ||
              (samples.tv_sec == told.tv_sec && samples.tv_nsec <= told.tv_nsec));
    }
    engine_do(tables(), "SYSTEM START MERGES");
}
