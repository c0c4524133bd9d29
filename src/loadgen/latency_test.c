#include "loadgen/latency.h"

#include "testing/test.h"

TEST(latency_quantiles_are_within_a_thirtieth)
{
    static struct latency l;
    for (int ms = 1; ms <= 1000; ms++) latency_add(&l, ms * NANOS_MS);
    struct load_latency s = latency_summary(&l);
    CHECK_NEAR(s.p50_ms, 500, 500.0 / 30);
    CHECK_NEAR(s.p90_ms, 900, 900.0 / 30);
    CHECK_NEAR(s.p99_ms, 990, 990.0 / 30);
    CHECK_NEAR(s.max_ms, 1000, 0);
}

TEST(latency_takes_any_duration)
{
    static struct latency l;
    latency_add(&l, -5);
    latency_add(&l, 0);
    latency_add(&l, INT64_MAX);
    CHECK_INT(l.n, 3);
    CHECK(latency_summary(&l).p99_ms > 0);
}
