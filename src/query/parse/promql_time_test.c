#include "query/parse/parse.h"
#include "testing/test.h"

static int64_t time_of(str s)
{
    int64_t t;
    return promql_parse_time(s, &t, NULL) == ST_OK ? t : -1;
}

TEST(times_are_seconds_or_rfc3339)
{
    CHECK_INT(time_of(S("1700000000.1234")), 1700000000123);
    CHECK_INT(time_of(S("2023-11-14T22:13:20.5Z")), 1700000000500);
    CHECK_INT(time_of(S("2023-11-15T00:13:20+02:00")), 1700000000000);
    CHECK_INT(time_of(S("2024-02-29T00:00:00Z")), 1709164800000);
    CHECK_INT(time_of(S("yesterday")), -1);
    CHECK_INT(time_of(S("2023-11-14")), -1);
    CHECK(time_of(S("+292277025-08-18T07:12:54.999999999Z")) > 1ll << 60);
}

TEST(spans_are_seconds_or_durations)
{
    int64_t ms;
    CHECK_INT(promql_parse_span(S("1h30m"), &ms, NULL), ST_OK);
    CHECK_INT(ms, 5400000);
    CHECK_INT(promql_parse_span(S("0.25"), &ms, NULL), ST_OK);
    CHECK_INT(ms, 250);
    CHECK_INT(promql_parse_span(S("1e40"), &ms, NULL), ST_INVALID);
}
