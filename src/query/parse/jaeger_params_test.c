#include "query/parse/jaeger_params.h"

#include <stdlib.h>

#include "testing/test.h"

static const struct query_limits limits = {.max_entries = 1500};
static struct arena arena;
static struct query_job job;

/* A job with "name", "value" pairs, ended by NULL. */
static const struct query_job *with(const char *const *pairs)
{
    static struct query_param params[2048];
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    job = (struct query_job){
        .arena = &arena, .limits = &limits, .params = params, .now = 1'700'000'000 * NANOS_S};
    for (; *pairs; pairs += 2)
        params[job.n_params++] =
            (struct query_param){{pairs[0], strlen(pairs[0])}, {pairs[1], strlen(pairs[1])}};
    return &job;
}
#define JOB(...) with((const char *const[]){__VA_ARGS__, NULL})

static void refuses(const struct query_job *j, str want)
{
    struct trace_search q;
    struct err err = {0};
    CHECK_INT(jaeger_search(j, &q, &err), ST_INVALID);
    CHECK_STR(((str){err.msg, strlen(err.msg)}), want);
}

TEST(jaeger_durations_are_go_durations)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"1.2s", 1'200'000'000},
                {"100ms", 100'000'000},
                {"250us", 250'000},
                {"250\xc2\xb5s", 250'000},
                {"1h30m", 5400 * NANOS_S},
                {"2d", 48 * NANOS_HOUR},
                {"0", 0},
                {"2000ns", 2000}};
    int64_t v;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(jaeger_duration((str){good[i].text, strlen(good[i].text)}, &v));
        CHECK_INT(v, good[i].ns);
    }
    const char *const bad[] = {"", "1", "s", "-1s", "1.2.3s", "1s ", "1e3s", "99999999999h", "1x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!jaeger_duration((str){bad[i], strlen(bad[i])}, &v));
}

TEST(jaeger_search_has_upstreams_defaults)
{
    struct trace_search q;
    CHECK_INT(jaeger_search(JOB("service", "cart"), &q, NULL), ST_OK);
    CHECK_STR(q.service, S("cart"));
    CHECK(!q.operation.ptr);
    CHECK_INT(q.limit, 100);
    CHECK_INT(q.end, job.now + 999);
    CHECK_INT(q.start, job.now - 48 * NANOS_HOUR);
    CHECK_INT(q.n_tags + (size_t)q.min_duration + (size_t)q.max_duration, 0);
}

TEST(jaeger_search_reads_every_parameter)
{
    struct trace_search q;
    CHECK_INT(jaeger_search(JOB("service", "OTLPResourceNoServiceName", "operation", "GET /",
                                "start", "1000", "end", "2000", "limit", "7", "minDuration", "1ms",
                                "maxDuration", "2ms", "tag", "a:b:c", "tag", "e:", "tags",
                                "{\"x\":\"y\",\"n\":72.5,\"t\":true}", "lookback", "custom"),
                            &q, NULL),
              ST_OK);
    CHECK_STR(q.service, S(""));
    CHECK_STR(q.operation, S("GET /"));
    CHECK_INT(q.start, 1000'000);
    CHECK_INT(q.end, 2000'999);
    CHECK_INT(q.limit, 7);
    CHECK_INT(q.min_duration, NANOS_MS);
    CHECK_INT(q.max_duration, 2 * NANOS_MS);
    CHECK_INT(q.n_tags, 5);
    CHECK_STR(q.tags[0].key, S("a"));
    CHECK_STR(q.tags[0].value, S("b:c"));
    CHECK_STR(q.tags[1].value, S(""));
    CHECK_STR(q.tags[2].value, S("y"));
    CHECK_STR(q.tags[3].value, S("72.5"));
    CHECK_STR(q.tags[4].value, S("true"));
}

TEST(jaeger_search_looks_back_when_there_is_no_start)
{
    struct trace_search q;
    CHECK_INT(jaeger_search(JOB("service", "a", "lookback", "1h", "end", "7200000000"), &q, NULL),
              ST_OK);
    CHECK_INT(q.start, NANOS_HOUR);
}

TEST(jaeger_search_asks_for_no_more_traces_than_are_served)
{
    struct trace_search q;
    CHECK_INT(jaeger_search(JOB("service", "a", "limit", "1501"), &q, NULL), ST_OK);
    CHECK_INT(q.limit, 1500);
    CHECK_INT(jaeger_search(JOB("service", "a", "limit", "1500"), &q, NULL), ST_OK);
    CHECK_INT(q.limit, 1500);
}

TEST(jaeger_search_refuses_what_it_cannot_read)
{
    refuses(JOB("operation", "x"), S("parameter 'service' is required"));
    refuses(JOB("service", "a", "start", "x"),
            S("unable to parse param 'start': want microseconds, not \"x\""));
    refuses(
        JOB("service", "a", "minDuration", "5"),
        S("unable to parse param 'minDuration': want a duration such as 1.2s or 100ms, not \"5\""));
    refuses(JOB("service", "a", "minDuration", "2s", "maxDuration", "1s"),
            S("'maxDuration' should be greater than 'minDuration'"));
    refuses(JOB("service", "a", "tag", "novalue"),
            S("malformed 'tag' parameter, expecting key:value, received: novalue"));
    refuses(JOB("service", "a", "tags", "{\"a\":[1]}"),
            S("malformed 'tags' parameter, want a JSON object of strings: there is another value"));
    refuses(JOB("service", "a", "limit", "-1"),
            S("unable to parse param 'limit': want a number of traces, not \"-1\""));
    struct trace_search q;
    const char *const texts[] = {"{",           "[]", "x", "{\"a\":\"b\"}x", "{\"a\":\"b\",}",
                                 "{\"a\":null}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_INT(jaeger_search(JOB("service", "a", "tags", texts[i]), &q, NULL), ST_INVALID);
}

TEST(jaeger_trace_ids_and_ranges)
{
    const struct trace_id *ids;
    size_t n;
    CHECK_INT(jaeger_trace_ids(JOB("traceID", "1", "traceID", "2"), &ids, &n, NULL), ST_OK);
    CHECK_INT(n, 2);
    CHECK_INT(ids[1].bytes[15], 2);
    CHECK_INT(jaeger_trace_ids(JOB("traceID", "q"), &ids, &n, NULL), ST_INVALID);
    CHECK_INT(jaeger_trace_ids(JOB("service", "q"), &ids, &n, NULL), ST_OK);
    CHECK_INT(n, 0);

    struct jaeger_range r;
    CHECK_INT(jaeger_hint(JOB("start", "5"), &r, NULL), ST_OK);
    CHECK_INT(r.start, 5000);
    CHECK(r.end == INT64_MAX);
    CHECK_INT(jaeger_dependency_range(JOB("endTs", "7200000", "lookback", "3600000"), &r, NULL),
              ST_OK);
    CHECK_INT(r.start, NANOS_HOUR);
    CHECK_INT(r.end, 2 * NANOS_HOUR);
}

static struct trace_red_query red(const struct query_job *j, str what)
{
    struct trace_red_query q = {0};
    struct err err = {0};
    job.segment = what;
    CHECK_INT(jaeger_red_query(j, &q, &err), ST_OK);
    return q;
}

static void refuses_red(const struct query_job *j, str what, str want)
{
    struct trace_red_query q;
    struct err err = {0};
    job.segment = what;
    CHECK(jaeger_red_query(j, &q, &err) != ST_OK);
    CHECK_STR(((str){err.msg, strlen(err.msg)}), want);
}

TEST(jaeger_metrics_go_to_whole_windows)
{
    struct trace_red_query q = red(JOB("service", "a"), S("calls"));
    CHECK_INT(q.n, 13);
    CHECK_INT(q.step, 300);
    CHECK_INT(q.rate_s, 600);
    CHECK_INT(q.start, 1'699'999'800 - 3600);
    CHECK_INT(q.n_kinds, 1);
    CHECK_INT(q.kinds[0], SPAN_KIND_SERVER);
    q = red(JOB("service", "a", "service", "b", "quantile", "0.95", "groupByOperation", "true",
                "endTs", "1700000400000", "lookback", "86400000", "step", "400000", "ratePer",
                "300001", "spanKind", "client", "spanKind", "unspecified"),
            S("latencies"));
    CHECK_INT(q.n_services, 2);
    CHECK(q.by_operation && q.quantile == 0.95);
    CHECK_INT(q.step, 600);
    CHECK_INT(q.rate_s, 600);
    CHECK_INT(q.n, 145);
    CHECK_INT(q.start + 144 * 600, 1'700'000'400);
    CHECK_INT(q.kinds[1], SPAN_KIND_UNSPECIFIED);
}

TEST(jaeger_metrics_refuse_what_they_cannot_read)
{
    refuses_red(JOB("service", "a"), S("latencies"),
                S("unable to parse param 'quantile': want a number from 0 to 1, not \"\""));
    refuses_red(JOB("lookback", "1"), S("calls"),
                S("unable to parse param 'service': please provide at least one service name, and "
                  "at most 1000"));
    refuses_red(JOB("service", "a", "step", "-1"), S("calls"),
                S("unable to parse param 'step': want milliseconds, more than 0, at most ten "
                  "years, not \"-1\""));
    refuses_red(JOB("service", "a", "lookback", "31536000000", "step", "1"), S("errors"),
                S("unable to parse param 'step': more than 11000 points; take a wider step"));
    refuses_red(JOB("service", "a", "spanKind", "x"), S("calls"),
                S("unable to parse param 'spanKind': want unspecified, internal, server, client, "
                  "producer or consumer, each once, not \"x\""));
    refuses_red(JOB("service", "a", "endTs", "5"), S("calls"),
                S("unable to parse param 'endTs': the range is not between 1970 and 2106"));
    refuses_red(JOB("service", "a"), S("x"),
                S("no such metric: want calls, errors, latencies or minstep"));
}
