#include "query/ir/histogram.h"

#include <math.h>

#include "testing/test.h"

static struct arena a;

static struct histogram make(int32_t schema, int32_t offset, const double *counts, uint32_t n)
{
    struct histogram h = {.schema = schema, .positive = {offset, n, counts}};
    for (uint32_t i = 0; i < n; i++) h.count += counts[i];
    return h;
}

static const struct histogram *add(const struct histogram *x, const struct histogram *y,
                                   double times)
{
    struct histogram_sum s = {0};
    histogram_sum_add(&a, &s, x, 1);
    histogram_sum_add(&a, &s, y, times);
    CHECK(!s.incompatible);
    return histogram_sum_value(&a, &s);
}

TEST(histogram_sums_take_the_coarser_schema)
{
    arena_init(&a, 1 << 20);
    double fine[] = {1, 2, 3, 4}, coarse[] = {10};
    struct histogram x = make(1, 1, fine, 4), y = make(0, 1, coarse, 1); /* both from 1 on */
    const struct histogram *s = add(&x, &y, 1), *t = add(&y, &x, 1);
    CHECK(histogram_equal(s, t));
    CHECK_INT(s->schema, 0);
    CHECK_INT(s->positive.offset, 1);
    CHECK_INT(s->positive.n, 2);
    CHECK(s->positive.counts[0] == 13 && s->positive.counts[1] == 7);
    arena_done(&a);
}

TEST(histogram_sums_widen_the_zero_bucket_to_whole_buckets)
{
    arena_init(&a, 1 << 20);
    double counts[] = {1, 2, 4}; /* (0.5,1] (1,2] (2,4] */
    struct histogram x = make(0, 0, counts, 3),
                     y = {.zero_threshold = 1.5, .zero_count = 8, .count = 8};
    const struct histogram *s = add(&x, &y, 1);
    CHECK(s->zero_threshold == 2);
    CHECK(s->zero_count == 11);
    CHECK_INT(s->positive.n, 1);
    CHECK(s->count == 15);
    arena_done(&a);
}

TEST(histogram_minus_itself_is_empty)
{
    arena_init(&a, 1 << 20);
    double counts[] = {1, 0, 2, 7};
    struct histogram x = make(3, -9, counts, 4);
    const struct histogram *s = add(&x, &x, -1);
    CHECK(s->count == 0);
    CHECK_INT(s->positive.n, 0);
    arena_done(&a);
}

TEST(histogram_custom_bounds_are_reconciled_to_the_common_ones)
{
    arena_init(&a, 1 << 20);
    double b1[] = {1, 5, 10}, b2[] = {5, 7}, c1[] = {1, 1, 1, 1}, c2[] = {2, 2, 2};
    struct histogram x = make(HISTOGRAM_CUSTOM, 0, c1, 4), y = make(HISTOGRAM_CUSTOM, 0, c2, 3);
    x.custom = b1, x.n_custom = 3, y.custom = b2, y.n_custom = 2;
    struct histogram_sum s = {0};
    histogram_sum_add(&a, &s, &x, 1);
    histogram_sum_add(&a, &s, &y, 1);
    const struct histogram *h = histogram_sum_value(&a, &s);
    CHECK(s.reconciled);
    CHECK_INT(h->n_custom, 1);
    CHECK(h->positive.counts[0] == 4 && h->positive.counts[1] == 6);
    struct histogram plain = {.count = 1};
    histogram_sum_add(&a, &s, &plain, 1);
    CHECK(s.incompatible);
    arena_done(&a);
}

TEST(histogram_resets_are_seen_in_any_bucket)
{
    arena_init(&a, 1 << 20);
    double before[] = {1, 2}, after[] = {1, 1, 9};
    struct histogram x = make(0, 0, before, 2), y = make(0, 0, after, 3);
    CHECK(histogram_is_reset(&a, &y, &x));
    y.hint = HINT_NOT_RESET;
    CHECK(!histogram_is_reset(&a, &y, &x));
    CHECK(!histogram_is_reset(&a, &x, &x));
    CHECK_INT(histogram_hint_after(&a, &x, &x), HINT_NOT_RESET);
    CHECK_INT(histogram_hint_after(&a, &x, NULL), HINT_UNKNOWN);
    arena_done(&a);
}

TEST(histogram_bounds_are_powers)
{
    CHECK(histogram_bound(0, 0) == 1 && histogram_bound(3, 0) == 8 &&
          histogram_bound(-1, 0) == 0.5);
    CHECK(histogram_bound(1, -2) == 16);
    CHECK_NEAR(histogram_bound(1, 1), 1.414213562373095, 0);
    CHECK_NEAR(histogram_bound(-1, 2), 0.8408964152537144, 0);
    CHECK_NEAR(histogram_bound(13, 4), 2 * 0.8781260801866495, 0);
    CHECK_NEAR(histogram_bound(1, 8), 1.0027112750502025, 0);
    CHECK(isfinite(histogram_bound(1 << 20, 8)) && histogram_bound(-(1 << 20), 8) == 0);
}
