#include "query/plan/promql_plan.h"

#include <stdio.h>

#include "model/prometheus_name.h"
#include "testing/test.h"

static struct arena arena;
static struct sql sql;

static void begin(void)
{
    arena_init(&arena, 1 << 20);
    sql_init(&sql, &arena);
}

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
    snprintf(path, sizeof path, "src/query/plan/testdata/promql_%s.sql", name);
    test_golden(path, buf_str(&b));
    buf_done(&b);
    arena_done(&arena);
}

#define EQ(n, v)                                       \
    {                                                  \
        .op = MATCH_EQUAL, .name = S(n), .value = S(v) \
    }

static struct prometheus_naming naming;

static void plan(struct label_matcher *m, uint32_t n)
{
    static const str found[] = {S("found")};
    begin();
    struct promql_scope s = {
        .matchers = m, .n = n, .from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    s.naming = &naming;
    if (promql_names_differ(&s)) {
        promql_plan_names(&sql, &s);
        sql_add(&sql, S("\n;\n"));
        s.names = found;
        s.n_names = 1;
    }
    promql_plan_series(&sql, &s, 1001);
    naming = (struct prometheus_naming){};
}

TEST(a_name_is_looked_for_as_itself)
{
    struct label_matcher m[] = {EQ("__name__", "up")};
    plan(m, 1);
    check_golden("name");
}

TEST(a_part_of_a_histogram_is_looked_for_under_its_base_name)
{
    struct label_matcher m[] = {EQ("__name__", "x_bucket"), EQ("le", "5")};
    plan(m, 2);
    check_golden("bucket");
}

TEST(labels_go_to_the_series_table_as_bound_values)
{
    struct label_matcher m[] = {EQ("job", "a'; DROP TABLE x"),
                                {.op = MATCH_NOT_EQUAL, .name = S("env"), .value = S("")},
                                {.op = MATCH_REGEX, .name = S("path"), .value = S("/a|/b")},
                                {.op = MATCH_NOT_REGEX, .name = S("code"), .value = S("5..")},
                                {.op = MATCH_REGEX, .name = S("__name__"), .value = S("x.*_sum")}};
    plan(m, 5);
    check_golden("labels");
}

TEST(names_that_are_not_the_stored_ones_are_found_by_their_first_words)
{
    struct label_matcher m[] = {EQ("__name__", "http.server.total.9x_bucket"), EQ("zone", "a")};
    naming = (struct prometheus_naming){.strategy = PROMETHEUS_UNTRANSLATED};
    plan(m, 2);
    check_golden("untranslated");
    m[0] = (struct label_matcher)EQ("__name__", "9lives.left_seconds_total");
    naming = (struct prometheus_naming){.strategy = PROMETHEUS_UTF8_WITH_SUFFIXES};
    plan(m, 1);
    check_golden("utf8_with_suffixes");
}

TEST(labels_that_are_not_stored_are_looked_for_where_they_come_from)
{
    const str listed[] = {S("host.name"), S("host-name"), S("zone")};
    struct label_matcher m[] = {EQ("host_name", "a"),
                                EQ("otel_scope_version", "1"),
                                EQ("otel_scope_any", "1"),
                                {.op = MATCH_NOT_EQUAL, .name = S("zone"), .value = S("b")},
                                {.op = MATCH_REGEX, .name = S("zone"), .value = S("a.+")}};
    struct arena patterns;
    arena_init(&patterns, 1 << 20);
    CHECK_INT(regex_new(&patterns, m[4].value, REGEX_WHOLE, &m[4].regex, NULL), ST_OK);
    naming = (struct prometheus_naming){.attributes = listed, .n_attributes = 3, .scope = true};
    plan(m, 5);
    check_golden("promoted");
    naming = (struct prometheus_naming){
        .attributes = listed, .n_attributes = 2, .promote_all = true, .custom_buckets = true};
    m[3] = (struct label_matcher)EQ("__name__", "x_count");
    plan(m, 5);
    check_golden("promoted_all");
    arena_done(&patterns);
}

TEST(samples_of_some_series)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    str names[] = {S("http.server.duration"), S("cpu")};
    uint64_t ids[] = {1, 18446744073709551615u};
    promql_plan_samples(
        &sql, &s, names, 2, ids, 2,
        (struct promql_sample_columns){
            .value = true, .histogram = true, .native = true, .summary = true, .in_order = true});
    check_golden("samples");
}

TEST(start_times_are_read_where_they_are_asked_for)
{
    static const char column[] = "start_timestamp AS start";
    for (int asked = 0; asked < 2; asked++) {
        begin();
        struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
        promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){1}, 1,
                            (struct promql_sample_columns){.value = true, .start = asked});
        str text = buf_str(&sql.text);
        CHECK((memmem(text.ptr, text.len, column, sizeof column - 1) != NULL) == asked);
        arena_done(&arena);
    }
}

TEST(targets_are_looked_for_by_resource)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    promql_plan_resources(&sql, &s, 1001);
    sql_add(&sql, S("\n;\n"));
    promql_plan_targets(&sql, &s, (const uint64_t[]){7, 9}, 2);
    check_golden("targets");
}

TEST(samples_of_all_series_of_a_metric_are_not_looked_at_one_by_one)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    struct promql_sample_columns c = {.value = true, .whole = true};
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3, 7, 9}, 3, c);
    sql_add(&sql, S("\n;\n"));
    s.from_ms -= 86'400'000;
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3, 7, 9}, 3, c);
    sql_add(&sql, S("\n;\n"));
    s.from_ms = 1'700'002'800'000; /* two hours exactly */
    s.to_ms = s.from_ms + 7'199'999;
    c.alone = true;
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3, 7, 9}, 3, c);
    check_golden("samples_whole");
}

TEST(a_few_series_over_many_hours_are_read_by_several_threads)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'086'400'000};
    struct promql_sample_columns c = {.value = true};
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3}, 1, c);
    check_golden("samples_hours");
}

TEST(the_newest_hour_is_read_as_its_last_minutes_are)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'000'300'000};
    promql_plan_newest(&sql, 1'699'999'200);
    sql_add(&sql, S("\n;\n"));
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3}, 1,
                        (struct promql_sample_columns){.value = true, .histogram = true});
    sql_add(&sql, S("\n;\n"));
    s.to_ms += 64ll * 3'600'000; /* too many hours for a list */
    promql_plan_samples(&sql, &s, (const str[]){S("cpu")}, 1, (const uint64_t[]){3}, 1,
                        (struct promql_sample_columns){.value = true});
    check_golden("newest");
}

TEST(an_hour_is_fresh_when_its_windows_were_computed_after_its_rows_came)
{
    begin();
    promql_plan_fresh(&sql, 1'699'999'200'000, 1'700'024'400'000, true);
    sql_add(&sql, S("\n;\n"));
    promql_plan_fresh(&sql, 1'699'999'500'000, 1'700'024'400'000, false);
    check_golden("fresh");
}

TEST(what_is_needed_of_a_range_is_found_by_the_engine)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'086'400'000};
    const uint64_t ids[] = {3, 7, 9};
    promql_plan_needed(&sql, &s, NEEDS_MOST, (const str[]){S("cpu")}, 1, ids, 3, true);
    sql_add(&sql, S("\n;\n"));
    promql_plan_needed(&sql, &s, NEEDS_ONE, (const str[]){S("cpu")}, 1, ids, 3, false);
    check_golden("needed");
}

TEST(what_the_series_of_a_day_are)
{
    begin();
    promql_plan_count(&sql, COUNT_BY_NAME, 1'700'000'000'000, 1'700'003'600'000, 10);
    sql_add(&sql, S("\n;\n"));
    promql_plan_count(&sql, COUNT_BY_PAIR, 1'700'000'000'000, 1'700'003'600'000, 10);
    check_golden("counts");
}

TEST(metadata_of_one)
{
    begin();
    promql_plan_metadata(&sql, &naming, S("up"));
    check_golden("metadata");
}

TEST(times_out_of_reach_are_cut)
{
    struct promql_scope s = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    CHECK(promql_scope_clamp(&s));
    CHECK_INT(s.from_ms, 0);
    CHECK_INT(s.to_ms, 4102444800000);
    s = (struct promql_scope){.from_ms = -5, .to_ms = -1};
    CHECK(!promql_scope_clamp(&s));
}

TEST(exemplars_are_looked_for_by_metric_and_series)
{
    begin();
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    promql_plan_exemplars(&sql, &s, (const str[]){S("it's")}, 1, (const uint64_t[]){7, 9}, 2, 5000);
    check_golden("exemplars");
}

TEST(where_samples_end_and_the_windows_before)
{
    begin();
    promql_plan_horizon(&sql);
    sql_add(&sql, S("\n;\n"));
    struct promql_scope s = {.from_ms = 1'700'000'000'000, .to_ms = 1'700'003'600'000};
    promql_plan_windows(
        &sql, &s, true, (const str[]){S("cpu")}, 1, (const uint64_t[]){1}, 1,
        (struct promql_sample_columns){
            .value = true, .histogram = true, .native = true, .summary = true, .in_order = true});
    check_golden("windows");
}
