#include "ingest/turns.h"

#include "testing/test.h"

enum { EVERY = 500, AT_ONCE = 8 };

TEST(turns_come_a_few_at_once_and_then_one_each_time)
{
    atomic_int_fast64_t free_at = 0;
    nanos now = 1000000;
    for (int i = 0; i < AT_ONCE; i++) CHECK_INT(turn_take(&free_at, now, EVERY, AT_ONCE), 0);
    for (int i = 1; i <= 20; i++) CHECK_INT(turn_take(&free_at, now, EVERY, AT_ONCE), i * EVERY);
    now += 28 * EVERY; /* all have gone, and as much again is free */
    for (int i = 0; i < AT_ONCE; i++) CHECK_INT(turn_take(&free_at, now, EVERY, AT_ONCE), 0);
    CHECK_INT(turn_take(&free_at, now, EVERY, AT_ONCE), EVERY);
}

/* Whoever waits as told keeps the bound over every stretch of time. */
TEST(turns_taken_at_random_times_keep_the_bound)
{
    enum { N = 20000 };
    static nanos at[N];
    atomic_int_fast64_t free_at = 0;
    nanos now = 1000000;
    unsigned random = 3;
    for (int i = 0; i < N; i++) {
        random = random * 1103515245 + 12345;
        if ((random >> 16) % 50 == 0) now += (random >> 8) % 20000;
        now += (random >> 20) % 400;
        at[i] = now + turn_take(&free_at, now, EVERY, AT_ONCE);
        int first = i >= 100 ? i - 100 : 0;
        for (int k = first; k <= i - AT_ONCE; k++)
            CHECK(at[i] - at[k] >= (i - k - AT_ONCE + 1) * EVERY);
    }
}

TEST(inserts_of_wide_blocks_need_no_turn_nor_what_they_say_to_side_tables)
{
    struct encoded_insert in[] = {{.table = S("otel_metric_targets"), .rows = 20},
                                  {.table = S("otel_metrics"), .rows = WIDE_ROWS},
                                  {.table = S("otel_metrics"), .rows = WIDE_ROWS, .part = 1}};
    struct encoded_block b = {.n = 3, .inserts = in};
    for (size_t i = 0; i < b.n; i++) CHECK(!needs_turn(&b, &in[i]));
    in[2].rows--; /* rows of many days: narrow inserts */
    CHECK(needs_turn(&b, &in[0]));
    CHECK(!needs_turn(&b, &in[1]));
    CHECK(needs_turn(&b, &in[2]));
    b.n = 1;
    CHECK(needs_turn(&b, &in[0]));
}
