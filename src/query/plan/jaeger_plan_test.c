#include "query/plan/jaeger_plan.h"

#include <stdio.h>

#include "testing/test.h"

static struct arena arena;
static struct sql sql;

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    sql_init(&sql, &arena);
}

/* The text and, below, what is bound. */
static void check_golden(const char *name)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, buf_str(&sql.text));
    buf_char(&b, '\n');
    for (uint32_t i = 0; i < sql.n_params; i++)
        buf_printf(&b, "-- " STR_FMT " = " STR_FMT "\n", STR_ARG(sql.params[i].name),
                   STR_ARG(sql.params[i].value));
    char path[200];
    snprintf(path, sizeof path, "src/query/plan/testdata/jaeger_%s.sql", name);
    test_golden(path, buf_str(&b));
    buf_done(&b);
    arena_done(&arena);
}

static const struct time_slice slice = {1'700'000'000 * NANOS_S, 1'700'003'600 * NANOS_S};

TEST(search_by_service_alone)
{
    begin();
    struct trace_search q = {.service = S("cart"), .limit = 20};
    jaeger_plan_search(&sql, &q, &slice, NULL, 0);
    check_golden("search_service");
}

TEST(search_by_everything_binds_every_value)
{
    begin();
    struct trace_tag tags[] = {{S("http.method"), S("it's \"a\" \\ tab\t")},
                               {S("error"), S("true")},
                               {S("span.kind"), S("server")},
                               {S("otel.status_code"), S("OK")},
                               {S("otel.scope.name"), S("lib")},
                               {S("event"), S("exception")},
                               {S("empty"), S("")}};
    struct trace_search q = {.service = S("cart'; DROP TABLE otel_traces"),
                             .operation = S("GET /"),
                             .min_duration = 1000,
                             .max_duration = 2000,
                             .tags = tags,
                             .n_tags = sizeof tags / sizeof *tags,
                             .limit = 1500};
    jaeger_plan_search(&sql, &q, &slice, NULL, 0);
    CHECK(!memmem(sql.text.ptr, sql.text.len, "DROP", 4));
    check_golden("search_everything");
}

TEST(spans_of_traces_are_read_from_named_hours)
{
    begin();
    struct trace_id ids[2];
    CHECK(trace_id_parse(S("83a9efd15c1c98a977e0711cc93ee28b"), &ids[0]));
    CHECK(trace_id_parse(S("1f"), &ids[1]));
    struct time_slice in[] = {slice, {0, NANOS_HOUR}};
    jaeger_plan_spans(&sql, ids, 2, in, 2);
    check_golden("spans");
    begin();
    jaeger_plan_hours(&sql, ids, 2);
    check_golden("hours");
}

TEST(catalogue_and_dependencies)
{
    begin();
    jaeger_plan_services(&sql);
    check_golden("services");
    begin();
    jaeger_plan_operations(&sql, S("cart"), -1);
    check_golden("operations");
    begin();
    jaeger_plan_operations(&sql, S("cart"), SPAN_KIND_SERVER);
    check_golden("operations_of_kind");
    begin();
    jaeger_plan_dependencies(&sql, slice.from, slice.to);
    check_golden("dependencies");
}

TEST(slices_cover_the_range_once_newest_first)
{
    struct trace_search q = {.start = 1000, .end = 50 * NANOS_HOUR + 5};
    struct time_slice s = {0};
    CHECK(jaeger_next_slice(&q, &s));
    CHECK_INT(s.to, q.end + 1);
    CHECK_INT(s.from, q.end + 1 - 300 * NANOS_S);
    nanos at = s.from, width = 0;
    int n = 1;
    for (; jaeger_next_slice(&q, &s); n++) {
        CHECK_INT(s.to, at);
        CHECK(s.from < s.to);
        if (s.from > q.start) CHECK(s.to - s.from > width);
        width = s.to - s.from;
        at = s.from;
    }
    CHECK_INT(at, q.start);
    CHECK_INT(n, 10); /* 5, 10, 20, 40, 80 ... minutes, the rest */
}

TEST(slices_end_for_every_range)
{
    struct trace_search ranges[] = {{.start = 5, .end = 4},
                                    {.start = 5, .end = 5},
                                    {.start = 0, .end = INT64_MAX},
                                    {.start = INT64_MAX - 5, .end = INT64_MAX},
                                    {.start = 0, .end = 0}};
    const int want[] = {0, 1, 25, 1, 1};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct time_slice s = {0};
        int n = 0;
        while (n < 1000 && jaeger_next_slice(&ranges[i], &s)) n++;
        CHECK_INT(n, want[i]);
    }
}

TEST(hours_become_few_slices)
{
    int64_t hours[] = {10 * 3600, 3 * 3600, 4 * 3600, 4 * 3600, 100 * 3600};
    struct time_slice out[8];
    CHECK_INT(jaeger_hour_slices(hours, 5, out, 8), 3);
    CHECK_INT(out[0].from, 3 * NANOS_HOUR);
    CHECK_INT(out[0].to, 5 * NANOS_HOUR);
    CHECK_INT(out[1].from, 10 * NANOS_HOUR);
    CHECK_INT(out[2].to, 101 * NANOS_HOUR);
    CHECK_INT(jaeger_hour_slices(hours, 5, out, 2), 2);
    CHECK_INT(out[0].to, 11 * NANOS_HOUR);
    CHECK_INT(jaeger_hour_slices(hours, 5, out, 1), 1);
    CHECK_INT(out[0].from, 3 * NANOS_HOUR);
    CHECK_INT(out[0].to, 101 * NANOS_HOUR);
    CHECK_INT(jaeger_hour_slices(hours, 0, out, 8), 0);
}

TEST(red_points_are_summed_up_in_the_store)
{
    str services[] = {S("cart"), S("it's")};
    struct trace_red_query q = {.what = TRACE_RED_CALLS,
                                .services = services,
                                .n_services = 2,
                                .kinds = {SPAN_KIND_SERVER},
                                .n_kinds = 1,
                                .start = 1'700'000'100,
                                .step = 300,
                                .rate_s = 600,
                                .n = 13};
    begin();
    jaeger_plan_red(&sql, &q);
    check_golden("red_calls");
    q.what = TRACE_RED_LATENCIES;
    q.by_operation = true;
    begin();
    jaeger_plan_red(&sql, &q);
    check_golden("red_latencies");
}

TEST(a_search_in_runs_names_their_times_and_trace_ids)
{
    begin();
    struct trace_tag tags[] = {{S("app.order.id"), S("o-1")}, {S("error"), S("true")}};
    struct trace_search q = {.service = S("cart"), .tags = tags, .n_tags = 2, .limit = 20};
    struct filter_run runs[2] = {{.first = slice.from, .last = slice.from + 5},
                                 {.first = slice.from + 7, .last = slice.to}};
    memset(runs[0].last_id.bytes, 0x7f, 16);
    memset(runs[1].first_id.bytes, 0x80, 16);
    memset(runs[1].last_id.bytes, 0xff, 16);
    jaeger_plan_search(&sql, &q, &slice, runs, 2);
    check_golden("search_runs");
}

TEST(filters_are_asked_for_tags_of_spans_own_attributes)
{
    begin();
    struct trace_tag tags[] = {{S("app.order.id"), S("o-1")}, {S("error"), S("true")}};
    struct trace_search q = {.service = S("cart"), .tags = tags, .n_tags = 2, .limit = 20};
    CHECK(filter_plan_spans(&sql, &q, slice.from, slice.to));
    check_golden("filters");
    struct trace_tag members[] = {
        {S("error"), S("true")}, {S("otel.scope.name"), S("x")}, {S("empty"), S("")}};
    struct trace_search other = {.service = S("cart"), .tags = members, .n_tags = 3};
    begin();
    CHECK(!filter_plan_spans(&sql, &other, slice.from, slice.to));
    CHECK_INT(sql.text.len, 0);
    arena_done(&arena);
}
