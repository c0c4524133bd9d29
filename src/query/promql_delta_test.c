#include "query/promql_delta.h"

#include <math.h>

#include "testing/test.h"

static struct arena arena;
static const int64_t hour = 1'700'002'800'000; /* a full hour */

static struct output of_samples(struct sample *list, uint32_t n)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    return (struct output){.samples = list, .n = n};
}

TEST(a_full_hour_ends_with_itself)
{
    CHECK_INT(delta_hour(hour), hour - 3'600'000);
    CHECK_INT(delta_hour(hour + 1), hour);
    CHECK_INT(delta_hour(0), -3'600'000);
}

TEST(deltas_add_up_from_the_full_hour_on)
{
    struct sample list[] = {{hour - 60'000, 5}, {hour, 2},          {hour + 30'000, 9},
                            {hour + 60'000, 1}, {hour + 90'000, 0}, {hour + 120'000, 4}};
    list[4].v = stale_nan();
    struct output o = of_samples(list, 6);
    const int64_t *starts;
    delta_accumulate(&arena, &o, &starts);
    const double want[] = {5, 7, 9, 10, NAN, 14};
    for (int i = 0; i < 6; i++)
        if (i != 4) CHECK_NEAR(list[i].v, want[i], 0);
    CHECK(is_stale(list[4].v));
    CHECK_INT(starts[0], hour - 3'600'000); /* nothing is known of what was before */
    CHECK_INT(starts[1], hour - 3'600'000);
    CHECK_INT(starts[2], hour);
    CHECK_INT(starts[5], hour);
}

/* The first sample of an hour brings what came since the one before it. */
TEST(a_counter_of_an_hour_begins_where_the_one_before_ended)
{
    struct sample list[] = {{hour - 20'000, 5}, {hour + 10'000, 9}, {hour + 8'000'000, 1}};
    struct output o = of_samples(list, 3);
    const int64_t *starts;
    delta_accumulate(&arena, &o, &starts);
    CHECK_INT(starts[1], hour - 20'000);
    CHECK_INT(starts[2], hour + 7'200'000); /* too long ago */
}

TEST(where_reading_begins_changes_no_sample_but_of_the_first_hour)
{
    struct sample all[8], some[8];
    for (int i = 0; i < 8; i++)
        all[i] = some[i] = (struct sample){hour - 1'000'000 + i * 600'000, i + 1};
    const int64_t *starts, *other;
    struct output x = of_samples(all, 8), y = {.samples = some + 2, .n = 6};
    delta_accumulate(&arena, &x, &starts);
    delta_accumulate(&arena, &y, &other);
    for (int i = 2; i < 8; i++) CHECK_NEAR(all[i].v, some[i].v, 0);
}

static struct histogram of_counts(int32_t schema, const double *counts, uint32_t n, double count)
{
    return (struct histogram){.schema = schema,
                              .zero_threshold = 1e-128,
                              .count = count,
                              .sum = count,
                              .positive = histogram_side_trimmed(1, counts, n)};
}

TEST(histograms_add_up_at_the_coarser_scale_and_say_where_they_begin)
{
    static const double one[] = {1, 2}, two[] = {3};
    struct histogram a = of_counts(1, one, 2, 3), b = of_counts(0, two, 1, 3),
                     c = of_counts(0, two, 1, 3);
    struct histogram_sample list[] = {
        {.t = hour - 5, .h = &a}, {.t = hour - 4, .h = &b}, {.t = hour + 1, .h = &c}};
    struct output o = of_samples(NULL, 0);
    const int64_t *starts;
    o.histograms = list;
    o.n_h = 3;
    delta_accumulate(&arena, &o, &starts);
    CHECK_NEAR(list[1].h->count, 6, 0);
    CHECK_INT(list[1].h->schema, 0);
    CHECK_INT(list[1].h->hint, HINT_NOT_RESET);
    CHECK_NEAR(list[2].h->count, 3, 0);
    CHECK_INT(list[2].h->hint, HINT_RESET);
    CHECK_INT(list[2].start, hour - 4);
    CHECK_NEAR(a.count, 3, 0); /* what was read stays */
}

TEST(windows_go_on_from_each_other_within_an_hour)
{
    struct rolled list[] = {
        {.end = hour, .known = ROLLED_ALL, .first.v = 2, .last.v = 1, .increase = 5},
        {.end = hour + 300'000, .known = ROLLED_ALL, .first.v = 3, .last.v = 3, .increase = 7},
        {.end = hour + 600'000, .known = ROLLED_LAST, .first.v = 1, .last.v = 1, .increase = 1}};
    struct output o = of_samples(NULL, 0);
    const int64_t *starts;
    o.rolled = list;
    o.n_rolled = 3;
    delta_accumulate(&arena, &o, &starts);
    CHECK_NEAR(list[0].last.v, 5, 0);
    CHECK_NEAR(list[0].increase, 3, 0);
    CHECK_INT(list[1].start, hour);
    CHECK_NEAR(list[1].first.v, 3, 0);
    CHECK_NEAR(list[2].first.v, 8, 0);
    CHECK_NEAR(list[2].last.v, 8, 0);
    CHECK_NEAR(list[2].increase, 0, 0);
    CHECK_INT(list[1].known, ROLLED_COUNTER);
    arena_done(&arena);
    arena = (struct arena){0};
}
