#include "query/plan/loki_plan.h"

#include "testing/test.h"

static struct arena arena;

/* In place: the arena frees its text. */
static struct sql q;

/* The statement and, behind it, what is bound. */
static str shown(void)
{
    static struct buf b;
    if (!b.max) buf_init(&b, 1 << 20);
    buf_clear(&b);
    buf_add(&b, buf_str(&q.text));
    buf_char(&b, '\n');
    for (uint32_t i = 0; i < q.n_params; i++)
        buf_printf(&b, "-- %.*s = %.*s\n", STR_ARG(q.params[i].name), STR_ARG(q.params[i].value));
    return buf_str(&b);
}

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    sql_init(&q, &arena);
}

static const uint64_t ids[] = {1, 18446744073709551615u};
static const str services[] = {S("shop"), S("it's")};
static const struct loki_streams streams = {
    .ids = ids, .n = 2, .services = services, .n_services = 2};

static struct logql_log log_of(void)
{
    static str any[] = {S("error"), S("fail")}, none[] = {S("debug.*x")};
    static struct logql_stage stages[] = {
        {.kind = LOGQL_STAGE_LINE, .line = {LOGQL_EQ, any, 2}},
        {.kind = LOGQL_STAGE_LINE, .line = {LOGQL_NRE, none, 1}},
    };
    return (struct logql_log){.stages = stages, .n_stages = 2};
}

#define T0 1'700'000'000'000'000'000

TEST(loki_plan_of_streams_narrows_by_service)
{
    begin();
    struct logql_matcher m[] = {{S("service_name"), LOGQL_EQ, S("shop")},
                                {S("env"), LOGQL_RE, S("p.*")}};
    loki_plan_streams(&q, &(struct logql_matchers){m, 2}, T0, T0 + NANOS_DAY, 1000);
    test_golden("src/query/plan/testdata/loki_streams.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_records_pushes_line_filters_down)
{
    begin();
    struct logql_log log = log_of();
    loki_plan_records(&q, &streams, &log, &(struct loki_slice){T0, T0 + NANOS_HOUR, .limit = 100});
    test_golden("src/query/plan/testdata/loki_records.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_records_leaves_out_those_without_a_value)
{
    begin();
    struct loki_label must[] = {{S("trace_id"), S("0102030405060708090a0b0c0d0e0f10")},
                                {S("user_id"), S("7")},
                                {S("severity_text"), S("INFO")}};
    struct loki_streams some = streams;
    some.must = must;
    some.n_must = 3;
    loki_plan_records(&q, &some, NULL, &(struct loki_slice){T0, T0 + NANOS_HOUR, .forward = true});
    test_golden("src/query/plan/testdata/loki_records_must.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_windows_counts_in_the_store)
{
    begin();
    struct logql_log log = log_of();
    struct loki_grid g = {T0, 15 * NANOS_S, 60 * NANOS_S, 241};
    loki_plan_windows(&q, &streams, &log, &g, &(struct loki_fields){.bytes = true}, NULL);
    test_golden("src/query/plan/testdata/loki_windows.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_windows_by_level_reads_lines_only_without_a_number)
{
    begin();
    str names[] = {S("level"), S("detected_level")};
    struct loki_grid g = {T0, 15 * NANOS_S, 15 * NANOS_S, 241};
    loki_plan_windows(&q, &streams, NULL, &g, &(struct loki_fields){.names = names, .n = 2}, NULL);
    test_golden("src/query/plan/testdata/loki_windows_level.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_windows_by_level_alone_looks_closer_only_where_something_else_may_tell)
{
    str names[] = {S("detected_level")};
    struct loki_grid g = {T0, 15 * NANOS_S, 15 * NANOS_S, 241};
    struct loki_fields fields = {.names = names, .n = 1, .level_rows = LOKI_LEVEL_PLAIN};
    begin();
    loki_plan_windows(&q, &streams, NULL, &g, &fields, NULL);
    test_golden("src/query/plan/testdata/loki_windows_level_plain.sql", shown());
    arena_done(&arena);
    begin();
    fields.level_rows = LOKI_LEVEL_ODD;
    loki_plan_windows(&q, &streams, NULL, &g, &fields, NULL);
    test_golden("src/query/plan/testdata/loki_windows_level_odd.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_windows_with_all_labels_takes_each_record)
{
    begin();
    struct loki_grid g = {T0, 1, 60 * NANOS_S, 1};
    loki_plan_windows(&q, &streams, NULL, &g, &(struct loki_fields){.all = true}, NULL);
    test_golden("src/query/plan/testdata/loki_windows_all.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_windows_counts_the_times_that_are_named)
{
    begin();
    struct loki_grid g = {T0, 300 * NANOS_S, 300 * NANOS_S, 289};
    struct loki_stretch v[] = {{1'700'000'000, 1'700'000'300}, {1'700'001'200, 1'700'001'500}};
    struct loki_stretches in = {v, 2};
    loki_plan_windows(&q, &streams, NULL, &g, &(struct loki_fields){0}, &in);
    test_golden("src/query/plan/testdata/loki_windows_some.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_counts_takes_windows_that_no_record_came_for_since)
{
    begin();
    loki_plan_fresh(&q, &(struct loki_stretch){1'700'000'000, 1'700'086'400});
    test_golden("src/query/plan/testdata/loki_fresh.sql", shown());
    arena_done(&arena);
}

TEST(loki_plan_of_counts_shows_a_service_as_one_of_its_streams)
{
    str names[] = {S("detected_level")};
    struct loki_stretch v = {1'700'000'000, 1'700'086'400};
    struct loki_rolled r = {services, ids, 2, {&v, 1}};
    struct loki_grid g = {T0, 300 * NANOS_S, 600 * NANOS_S, 289};
    begin();
    loki_plan_rolled(&q, &r, &g, &(struct loki_fields){.names = names, .n = 1, .bytes = true});
    test_golden("src/query/plan/testdata/loki_rolled.sql", shown());
    arena_done(&arena);
}

TEST(filters_of_lines_are_asked_for_texts_of_five_bytes)
{
    static str one[] = {S("needle-in-a-haystack"), S("other")}, pattern[] = {S("need.*")};
    static struct logql_stage stages[] = {
        {.kind = LOGQL_STAGE_LINE, .line = {LOGQL_EQ, one, 2}},
        {.kind = LOGQL_STAGE_LINE, .line = {LOGQL_RE, pattern, 1}},
    };
    struct logql_log log = {.stages = stages, .n_stages = 2};
    begin();
    CHECK(filter_plan_lines(&q, &log, T0, T0 + NANOS_HOUR));
    test_golden("src/query/plan/testdata/loki_filters.sql", shown());
    arena_done(&arena);
    begin();
    log.stages = stages + 1;
    log.n_stages = 1;
    CHECK(!filter_plan_lines(&q, &log, T0, T0 + NANOS_HOUR));
    one[1] = S("four"); /* one of the two is too short: any run may have it */
    log.stages = stages;
    CHECK(!filter_plan_lines(&q, &log, T0, T0 + NANOS_HOUR));
    CHECK_INT(q.text.len, 0);
    arena_done(&arena);
}

TEST(records_are_read_in_the_runs_that_may_hold_them)
{
    begin();
    struct filter_run runs[] = {{.first = T0, .last = T0 + 5}, {.first = T0 + 9, .last = T0 + 10}};
    struct loki_slice slice = {T0, T0 + NANOS_HOUR, .limit = 100, .runs = runs, .n_runs = 2};
    loki_plan_records(&q, &streams, NULL, &slice);
    test_golden("src/query/plan/testdata/loki_records_runs.sql", shown());
    arena_done(&arena);
}
