#include "query/plan/promql_written.h"

#include "testing/test.h"

static struct arena arena;
static const int64_t m = 60'000, day = 86'400'000;

/* Every five minutes of an hour after 10:00 of day 20000, written at `touched`. */
static struct written hour(int64_t touched, uint64_t rows_at_10_20)
{
    struct written w = {.arena = &arena, .now_ms = 20'000 * day + 12 * 60 * m, .table = 7};
    w.windows = arena_array(&arena, struct written_window, 12);
    for (int64_t i = 12; i > 0; i--) { /* in no order */
        int64_t end = 20'000 * day + 10 * 60 * m + i * 5 * m;
        uint64_t rows = i == 4 ? rows_at_10_20 : 10;
        w.windows[w.n++] = (struct written_window){
            .end_ms = end, .touched_ms = touched + i, .hash = (uint64_t)end * 31 + rows};
    }
    promql_written_end(&w);
    return w;
}

static uint64_t of(const struct written *w, int64_t from_min, int64_t to_min)
{
    int64_t ten = 20'000 * day + 10 * 60 * m;
    return promql_written_generation(w, ten + from_min * m, ten + to_min * m);
}

TEST(written_generation_is_of_the_windows_that_have_its_samples)
{
    arena_init(&arena, 1 << 20);
    struct written before = hour(1, 10), after = hour(1, 11); /* a row more in (10:15, 10:20] */
    CHECK(of(&before, 0, 15) == of(&after, 0, 15));
    CHECK(of(&before, 21, 40) == of(&after, 21, 40));
    CHECK(of(&before, 20, 40) != of(&after, 20, 40)); /* 10:20:00.000 is in that window */
    CHECK(of(&before, 0, 16) != of(&after, 0, 16));
    CHECK(of(&before, 17, 18) != of(&after, 17, 18));
    CHECK(of(&before, 0, 60) != of(&after, 0, 60));
    int64_t ten = 20'000 * day + 10 * 60 * m;
    CHECK_INT(promql_written_last(&before, ten, ten + 15 * m), 1 + 3);
    CHECK_INT(promql_written_last(&before, ten + 600 * m, ten + 601 * m), 0);
    arena_done(&arena);
}

TEST(written_generation_has_the_parts_of_days_that_are_over_only)
{
    arena_init(&arena, 1 << 20);
    struct written_day today[] = {{.start_ms = 20'000 * day, .parts = 1}},
                       merged[] = {{.start_ms = 20'000 * day, .parts = 2}};
    struct written a = hour(1, 10), b = hour(1, 10), none = hour(1, 10);
    a.days = today, b.days = merged;
    a.n_days = b.n_days = 1;
    CHECK(of(&a, 0, 15) == of(&b, 0, 15));
    CHECK(of(&a, 0, 15) != of(&none, 0, 15)); /* dropped */
    a.now_ms = b.now_ms = 20'002 * day;
    CHECK(of(&a, 0, 15) != of(&b, 0, 15));
    arena_done(&arena);
}

TEST(written_as_known_without_asking)
{
    arena_init(&arena, 1 << 20);
    struct written a = {.arena = &arena}, b = a, other = a;
    promql_written_window(&a, 600'000, 5, 1000);
    promql_written_window(&b, 600'000, 6, 1000);
    promql_written_window(&other, 600'000, 5, 1000);
    promql_written_known(&a, 9, 400, 5000);
    promql_written_known(&b, 9, 400, 5000);
    promql_written_known(&other, 8, 400, 5000); /* of another process */
    promql_written_end(&a);
    promql_written_end(&b);
    promql_written_end(&other);
    CHECK(promql_written_generation(&a, 0, 200'000) == promql_written_generation(&b, 0, 200'000));
    CHECK(promql_written_generation(&a, 0, 400'000) != promql_written_generation(&b, 0, 400'000));
    CHECK(promql_written_generation(&a, 0, 1) != promql_written_generation(&other, 0, 1));
    CHECK_INT(promql_written_last(&a, 0, 200'000), 400);
    CHECK_INT(promql_written_last(&a, 0, 400'000), 1000);
    arena_done(&arena);
}

TEST(written_as_sql)
{
    struct sql sql;
    arena_init(&arena, 1 << 20);
    sql_init(&sql, &arena);
    promql_plan_written(&sql, 1'700'000'000'000, 1'700'003'600'000, true);
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add(&b, buf_str(&sql.text));
    buf_char(&b, '\n');
    test_golden("src/query/plan/testdata/promql_written.sql", buf_str(&b));
    buf_done(&b);
    arena_done(&arena);
}
