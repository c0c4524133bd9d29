#include "query/eval/promql_eval.h"
#include "testing/test.h"

enum { SAMPLES = 400, STEPS = 300 };

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Counters that fall now and then, gauges, and numbers that are none. */
static double next_value(double v, uint32_t kind)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0, 1e308, -5, 0x1p60};
    if (kind == 0) return v + any(100);
    if (kind == 1) return any(12) ? v + any(1000) / 7.0 : any(5) / 3.0;
    if (kind == 2) return any(2000) / 10.0 - 100;
    return any(8) ? v + any(50) / 3.0 : odd[any(8)];
}

static uint32_t make_samples(struct sample *out)
{
    uint32_t n = any(SAMPLES), kind = any(4), usual = 1 + any(30000);
    int64_t t = (int64_t)any(100000);
    double v = any(1000);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (struct sample){t, v};
        t += any(20) ? usual : 1 + any(400000);
        v = next_value(v, kind);
    }
    return n;
}

static bool plain_change(const struct sliding *x, int64_t to, double *ret)
{
    uint32_t lo = 0, hi = 0;
    while (hi < x->n && x->s[hi].t <= to) hi++;
    while (lo < hi && x->s[lo].t <= to - x->length) lo++;
    struct window w = {.s = x->s + lo, .n = hi - lo, .from = to - x->length, .to = to};
    return hi > lo && window_change(&w, x->counter, x->per_second, ret);
}

static void check_steps(struct sliding x, int64_t start, int64_t step)
{
    int64_t ends[STEPS];
    double v[STEPS], want;
    uint8_t has[STEPS];
    const struct sliding asked = x;
    for (uint32_t i = 0; i < STEPS; i++) ends[i] = start + i * step;
    for (uint32_t i = 0, n; i < STEPS; i += n) { /* some at a time */
        n = 1 + any(STEPS - i);
        window_slide(&x, ends + i, n, v + i, has + i);
    }
    for (uint32_t i = 0; i < STEPS; i++) {
        bool made = plain_change(&asked, ends[i], &want);
        CHECK_INT(has[i], made ? POINT_FLOAT : POINT_NONE);
        CHECK(!made || (isnan(want) && isnan(v[i])) || memcmp(&v[i], &want, sizeof want) == 0);
    }
}

TEST(windows_step_by_step_make_what_each_makes_alone)
{
    struct sample list[SAMPLES];
    state = 7;
    for (int i = 0; i < 400; i++) {
        struct sliding x = {.s = list,
                            .n = make_samples(list),
                            .length = 1 + any(1000000),
                            .counter = any(4),
                            .per_second = any(2)};
        check_steps(x, (int64_t)any(300000) - 150000, any(9) ? 1 + any(60000) : 0);
    }
}

TEST(windows_step_by_step_count_their_samples)
{
    static const struct sample list[] = {{1000, 1}, {2000, 2}, {3000, 1}, {9000, 4}};
    static const int64_t ends[] = {500, 1000, 2500, 3000, 8000, 9000};
    double v[6];
    uint8_t has[6];
    struct sliding x = {.s = list, .n = 4, .length = 2000, .counter = true};
    CHECK_INT(window_slide(&x, ends, 2, v, has), 0);
    CHECK(!x.several);
    CHECK_INT(x.looked, 1);
    CHECK_INT(window_slide(&x, ends + 2, 4, v + 2, has + 2), 2);
    CHECK(x.several);
    CHECK_INT(x.looked, 1 + 2 + 2 + 0 + 1);
    CHECK(v[3] > 0); /* from 2 it fell, and came to 1 */
}
