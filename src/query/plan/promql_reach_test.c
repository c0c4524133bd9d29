#include "query/plan/promql_reach.h"

#include "base/arena.h"
#include "query/parse/parse.h"
#include "testing/test.h"

enum { LOOKBACK = 300'000 };

static bool reach(const char *query, struct promql_span *ret)
{
    struct arena a;
    struct promql_expr *e;
    arena_init(&a, 1 << 20);
    CHECK_INT(promql_parse(&a, str_of(query), (struct promql_options){true}, &e, NULL), ST_OK);
    bool ok = promql_reach_of(e, LOOKBACK, ret);
    arena_done(&a);
    return ok;
}

static void check(const char *query, int64_t before, int64_t after)
{
    struct promql_span s;
    CHECK(reach(query, &s));
    CHECK_INT(s.before_ms, before);
    CHECK_INT(s.after_ms, after);
}

TEST(reach_is_the_window_of_a_step)
{
    check("foo", LOOKBACK, 0);
    check("rate(foo[10m])", 600'000, 0);
    check("foo offset 1m", LOOKBACK + 60'000, -60'000);
    check("foo offset -1m", LOOKBACK - 60'000, 60'000);
    check("max_over_time(rate(foo[1m])[10m:30s] offset 5m)", 60'000 + 600'000 + 300'000, -300'000);
    check("foo - foo offset 1h", LOOKBACK + 3'600'000, 0);
    check("sum by (a) (rate(foo[1m])) / 2 + time()", 60'000, 0);
    check("topk(scalar(bar), foo)", LOOKBACK, 0);
    check("histogram_quantile(0.9, sum by (le) (rate(foo_bucket[5m])))", 300'000, 0);
    check("histogram_count(foo) + histogram_sum(sum(rate(foo[1m])))", LOOKBACK, 0);
}

TEST(reach_is_none_of_what_looks_elsewhere)
{
    static const char *const no[] = {"1 + 1",
                                     "time()",
                                     "vector(1)",
                                     "foo @ 100",
                                     "foo @ start()",
                                     "rate(foo[5m] @ end())",
                                     "sum_over_time(foo[5m:1m] @ end())",
                                     "sum(foo) + sum(foo @ end())",
                                     "limitk(2, foo)",
                                     "limit_ratio(0.5, foo)",
                                     "count_values(\"v\", foo)",
                                     "sort(foo)",
                                     "sort_desc(foo)",
                                     "sort_by_label(foo, \"a\")",
                                     "info(foo)",
                                     "foo + start()",
                                     "foo offset range()",
                                     "rate(foo[step() * 2])",
                                     "rate(foo[5m] anchored)",
                                     "foo smoothed",
                                     "histogram_count(sum(foo))",
                                     "histogram_sum(sum_over_time(foo[5m]))"};
    struct promql_span s;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (reach(no[i], &s)) CHECK_STR(str_of(no[i]), S("no reach"));
    }
}
