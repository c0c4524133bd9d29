/* Searches for what is rare, over rows that have filters and over the same rows without: the
 * answers are the same bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "engine/block.h"
#include "engine/engine.h"
#include "ingest/batch/batch.h"
#include "ingest/encode/sample_test.h"
#include "lifecycle/lifecycle.h"
#include "query/api.h"
#include "query/fetch/fetch.h"

enum { ASKED_MAX = 60, BLOCKS = 3 };

static struct arena arena; /* of the sample: never freed */
static struct telemetry_block *block[BLOCKS];

static void make(enum signal_kind signal)
{
    static const struct schema_settings settings = {.traces_partition_seconds = 3600};
    struct err err = {};
    WANT(lifecycle_start(engine_store(), &settings, &err), ST_OK);
    if (!arena.budget) arena_init(&arena, (size_t)1 << 30);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        block[i] = sample_block(&arena, signal, 2 + i, 80); /* of other sizes: of other contents */
        engine_insert_block(engine_store(), block[i]);
    }
}

/* The answer of the route, freed never. */
static str ask(const struct query_route *routes, const char *path, const struct query_param *params,
               size_t n)
{
    static const struct query_limits limits = {.max_rows = 1'000'000,
                                               .max_series = 10'000,
                                               .max_bytes = 256 << 20,
                                               .max_entries = 5000,
                                               .timeout_ms = 30'000};
    struct arena a;
    struct err err = {};
    arena_init(&a, limits.max_bytes);
    struct query_job job = {.arena = &a,
                            .method = S("GET"),
                            .path = {path, strlen(path)},
                            .params = params,
                            .n_params = n,
                            .now = (nanos)SAMPLE_TIME + NANOS_DAY,
                            .deadline = clock_monotonic() + 30 * NANOS_S,
                            .limits = &limits};
    struct store_fetcher f;
    buf_init(&job.body, 64 << 20);
    store_fetcher_init(&f, engine_store(), &job);
    while (strcmp(routes->path, path) != 0) routes++;
    WANT(routes->run(&job, &err), ST_OK);
    arena_done(&a);
    str answer = buf_str(&job.body);
    const char *stats = memmem(answer.ptr, answer.len, ",\"stats\"", 8); /* Loki's: it has times */
    return stats ? (str){answer.ptr, (size_t)(stats - answer.ptr)} : answer;
}

static struct asked {
    str what[2]; /* key and value, or the text */
    str with;    /* the answer, of rows with filters */
} asked[ASKED_MAX];
static size_t n_asked;

static void want_asked(str a, str b)
{
    for (size_t i = 0; i < n_asked; i++)
        if (str_eq(asked[i].what[0], a) && str_eq(asked[i].what[1], b)) return;
    if (n_asked < ASKED_MAX) asked[n_asked++] = (struct asked){.what = {a, b}};
}

static size_t answer_all(str (*answer)(const struct asked *x), bool first)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n_asked; i++) {
        str now = answer(&asked[i]);
        bytes += now.len;
        if (first) asked[i].with = now;
        if (first || str_eq(now, asked[i].with)) continue;
        printf("%.*s %.*s\nwith    %.*s\nwithout %.*s\n", STR_ARG(asked[i].what[0]),
               STR_ARG(asked[i].what[1]), STR_ARG(asked[i].with), STR_ARG(now));
        CHECK(false);
    }
    return bytes;
}

/* With filters; then where filters know of nothing they are missed; then the rows say that they
 * have none. */
static void compare(str (*answer)(const struct asked *x), const char *table, const char *filters)
{
    char sql[200];
    size_t found = answer_all(answer, true), missed = 0;
    snprintf(sql, sizeof sql, "TRUNCATE TABLE %s", filters);
    engine_do(engine_store(), sql);
    for (size_t i = 0; i < n_asked; i++) missed += answer(&asked[i]).len < asked[i].with.len;
    CHECK(missed > n_asked / 2);
    snprintf(sql, sizeof sql,
             "ALTER TABLE %s UPDATE no_filter = 1 WHERE 1 SETTINGS mutations_sync = 2", table);
    engine_do(engine_store(), sql);
    CHECK_INT(answer_all(answer, false), found);
}

/* --- spans */

static str traces_with(const struct asked *x)
{
    struct buf tags;
    buf_init(&tags, 1 << 16);
    struct json_out out = json_begin(&tags);
    json_object(&out);
    json_key(&out, x->what[0]);
    json_str(&out, x->what[1]);
    json_end(&out);
    str all = {0};
    for (int service = 0; service < 3; service++) {
        str names[] = {S("service0"), S("service1"), S("service2")};
        struct query_param params[] = {{S("service"), names[service]},
                                       {S("tags"), buf_str(&tags)},
                                       {S("start"), S("1699999000000000")},
                                       {S("end"), S("1700020000000000")},
                                       {S("limit"), S("1000")}};
        str one = ask(jaeger_routes, "/api/traces", params, 5);
        char *both = malloc(all.len + one.len + 1);
        memcpy(both, all.ptr ? all.ptr : "", all.len);
        memcpy(both + all.len, one.ptr, one.len);
        all = (str){both, all.len + one.len};
    }
    buf_done(&tags);
    return all;
}

static void ask_for(const struct telemetry_batch *b, struct attr_range r)
{
    for (uint32_t i = 0; i < r.n; i++)
        want_asked(b->attrs[r.at + i].key, attr_stored_text(&arena, &b->attrs[r.at + i].value));
}

TEST(a_search_by_attributes_finds_the_same_with_filters_and_without)
{
    make(SIGNAL_TRACES);
    n_asked = 0;
    want_asked(S("nobody"), S("has this"));
    want_asked(S("error"), S("true"));
    const struct telemetry_batch *b = block[1]->batches[1];
    ask_for(b, b->resources[1].attrs);
    ask_for(b, b->scopes[0].attrs);
    for (uint32_t row = 0; row < b->spans.n; row += 7) {
        ask_for(b, b->spans.attrs[row]);
        for (uint32_t i = 0; i < b->spans.events[row].n; i++)
            ask_for(b, b->spans.event[b->spans.events[row].at + i].attrs);
        for (uint32_t i = 0; i < b->spans.links[row].n; i++)
            ask_for(b, b->spans.link[b->spans.links[row].at + i].attrs);
    }
    CHECK_INT(n_asked, ASKED_MAX);
    compare(traces_with, "otel_traces", "otel_trace_filters");
}

/* --- what the engine remembers */

/* Parts and conditions for which the engine remembers where no row fulfils it. */
static long remembered(void)
{
    return atol(engine_ask(engine_store(), "SELECT count() FROM system.query_condition_cache").ptr);
}

static bool found_of_others(str tags)
{
    struct query_param params[] = {{S("service"), S("others")},
                                   {S("tags"), tags},
                                   {S("start"), S("1700020000000000")},
                                   {S("end"), S("4000000000000000")}};
    str answer = ask(jaeger_routes, "/api/traces", params, 4);
    return memmem(answer.ptr, answer.len, "\"traceID\"", 9) != NULL;
}

TEST(the_engine_remembers_what_a_search_asks_and_finds_what_others_insert_later)
{
    static const char by_weir[] =
        "INSERT INTO otel_traces (timestamp, trace_id, span_id, service_name, no_filter)"
        " SELECT now64(9), 'fedcba9876543210', 'spanspan', 'others', 0";
    static const char by_others[] =
        "INSERT INTO otel_traces (timestamp, trace_id, span_id, service_name, span_attributes)"
        " SELECT now64(9), '0123456789abcdef', 'spanspan', 'others', map('made', 'elsewhere')";
    static const char index[] = "INSERT INTO otel_trace_index (trace_hash, hour)"
                                " SELECT 3640271149, toStartOfHour(now())";
    static const struct schema_settings settings = {.traces_partition_seconds = 3600};
    const str made = S("{\"made\":\"elsewhere\"}");
    struct store *s = engine_store();
    struct err err = {};
    WANT(lifecycle_start(s, &settings, &err), ST_OK);
    engine_do(s, by_weir);
    long before = remembered();
    WANT(lifecycle_recall_filters(s, NULL, &err), ST_OK);
    CHECK_INT(remembered(), before + 1);
    CHECK(!found_of_others(made));
    CHECK_INT(remembered(), before + 1);
    engine_do(s, by_others);
    engine_do(s, index);
    CHECK(found_of_others(made));
    WANT(lifecycle_recall_filters(s, NULL, &err), ST_OK);
    CHECK(found_of_others(made));
}

/* --- log records */

static str lines_with(const struct asked *x)
{
    char query[1000];
    int n = snprintf(query, sizeof query, "{service_name=~\".+\"} |= `%.*s`", STR_ARG(x->what[0]));
    struct query_param params[] = {{S("query"), {query, (size_t)n}},
                                   {S("start"), S("1699999000000000000")},
                                   {S("end"), S("1700020000000000000")},
                                   {S("limit"), S("1000")},
                                   {S("direction"), x->what[1]}};
    return ask(loki_routes, "/loki/api/v1/query_range", params, 5);
}

TEST(a_search_for_a_text_finds_the_same_with_filters_and_without)
{
    make(SIGNAL_LOGS);
    n_asked = 0;
    want_asked(S("nobody wrote this"), S("backward"));
    for (uint32_t row = 0; row < 80; row++) {
        const struct telemetry_batch *b = block[2]->batches[row % block[2]->n];
        str line = attr_stored_text(&arena, &b->logs.body[row]);
        if (line.len < 5) continue;
        want_asked(line, row % 2 ? S("forward") : S("backward"));
        if (line.len > 5) want_asked(str_drop(line, 1), S("backward"));
    }
    CHECK(n_asked > 20);
    compare(lines_with, "otel_logs", "otel_log_filters");
}
