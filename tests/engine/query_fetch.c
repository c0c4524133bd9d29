/* The fetcher over the real engine: bound values arrive as they are, limits hold, early ends are no
 * errors. */
#include "query/fetch/fetch.h"

#include <pthread.h>
#include <unistd.h>

#include "engine/engine.h"

static struct query_limits limits;
static struct arena arena;
static struct query_job job;
static struct store_fetcher fetcher;
static struct sql sql;

static void begin(void)
{
    engine_store();
    limits = (struct query_limits){
        .max_rows = 1'000'000, .max_bytes = 64 << 20, .max_series = 1000, .timeout_ms = 30'000};
    arena_init(&arena, limits.max_bytes);
    job = (struct query_job){
        .arena = &arena, .limits = &limits, .deadline = clock_monotonic() + 30 * NANOS_S};
    store_fetcher_init(&fetcher, engine_store(), &job);
    sql_init(&sql, &arena);
}

static struct {
    uint64_t blocks, rows, sum;
    str strs[64];
    size_t n;
    uint64_t stop_after; /* rows; 0: never */
} got;

static status collect(void *, const struct native_block *b, struct err *)
{
    got.blocks++;
    got.rows += b->rows;
    const struct native_column *s = native_find(b, S("s")), *n = native_find(b, S("n"));
    for (uint64_t i = 0; s && i < b->rows && got.n < 64; i++)
        got.strs[got.n++] = arena_str(&arena, native_str(s, i));
    for (uint64_t i = 0; n && i < b->rows; i++) got.sum += native_u64(n, i);
    return got.stop_after && got.rows >= got.stop_after ? ST_CANCELLED : ST_OK;
}

static status run(struct err *err)
{
    memset(&got, 0, sizeof got - sizeof got.stop_after);
    return fetch_rows(job.fetcher, &sql, collect, NULL, err);
}

static const str awkward[] = {
    S("plain"),        S(""),          S("a\nb\tc\rd\be\ff"), S("back\\slash \\n \\N \\0"),
    S("it's \"q\" `"), S("nul\0here"), S("{p0:String}"),      S("\xc3\xa4\xf0\x9f\x98\x80"),
    S("\\N"),          S("a,b]['x'"),  S("--\n; DROP"),       S("\xff\xfe not UTF-8"),
};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

TEST(strings_arrive_as_they_are)
{
    for (size_t i = 0; i < AWKWARD; i++) {
        begin();
        struct err err = {};
        sql_add(&sql, S("SELECT "));
        sql_bind_str(&sql, awkward[i]);
        sql_add(&sql, S(" AS s, length(s) AS n"));
        WANT(run(&err), ST_OK);
        CHECK_INT(got.rows, 1);
        CHECK_STR(got.strs[0], awkward[i]);
        CHECK_INT(got.sum, awkward[i].len);
        arena_done(&arena);
    }
}

TEST(arrays_of_strings_arrive_as_they_are)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("SELECT arrayJoin("));
    sql_bind_strs(&sql, awkward, AWKWARD);
    sql_add(&sql, S(") AS s"));
    WANT(run(&err), ST_OK);
    CHECK_INT(got.rows, AWKWARD);
    for (size_t i = 0; i < AWKWARD; i++) CHECK_STR(got.strs[i], awkward[i]);
    arena_done(&arena);
}

TEST(numbers_and_times_are_bound)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("SELECT toString("));
    sql_bind_time_ns(&sql, 1'700'000'000'123'456'789);
    sql_add(&sql, S(") || ' ' || toString("));
    sql_bind_time_ms(&sql, 1'700'000'000'123);
    sql_add(&sql, S(") || ' ' || toString("));
    sql_bind_i64(&sql, -5);
    sql_add(&sql, S(") || ' ' || toString("));
    sql_bind_f64(&sql, 1e-7);
    sql_add(&sql, S(") || ' ' || toString(arraySum("));
    sql_bind_u64s(&sql, (const uint64_t[]){1, 2, 3}, 3);
    sql_add(&sql, S(")) AS s"));
    WANT(run(&err), ST_OK);
    CHECK_STR(got.strs[0], S("2023-11-14 22:13:20.123456789 2023-11-14 22:13:20.123 -5 1e-7 6"));
    arena_done(&arena);
}

TEST(blocks_stream_and_are_counted)
{
    begin();
    struct err err = {};
    engine_do(engine_store(),
              "CREATE TABLE many ENGINE = MergeTree ORDER BY n AS SELECT number AS n "
              "FROM numbers(300000)");
    sql_add(&sql, S("SELECT n, toString(n) AS text FROM many"));
    WANT(run(&err), ST_OK);
    CHECK_INT(got.rows, 300000);
    CHECK(got.blocks > 1);
    CHECK_INT(got.sum, 299999ull * 300000 / 2);
    CHECK_INT(fetcher.rows, 300000);
    CHECK(fetcher.rows_read >= 300000);
    arena_done(&arena);
}

TEST(a_stage_that_has_enough_ends_the_statement)
{
    begin();
    struct err err = {};
    got.stop_after = 100000;
    sql_add(&sql, S("SELECT number AS n FROM system.numbers"));
    WANT(run(&err), ST_OK);
    CHECK(got.rows >= 100000 && got.rows < 400000);
    got.stop_after = 0;
    arena_done(&arena);
}

TEST(limits_of_rows_and_bytes_hold)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("SELECT number AS n FROM system.numbers"));
    WANT(run(&err), ST_EXECUTION);
    CHECK(strstr(err.msg, "more than its limit of 1000000 rows") != NULL);
    arena_done(&arena);

    begin();
    limits.max_bytes = 1 << 20;
    sql_add(&sql, S("SELECT repeat('x', 1000) AS s FROM numbers(100000)"));
    WANT(run(&err), ST_EXECUTION);
    CHECK(strstr(err.msg, "larger than its limit of 1048576 bytes") != NULL);
    arena_done(&arena);
}

TEST(the_engine_is_told_the_memory_limit)
{
    begin();
    struct err err = {};
    limits.max_bytes = 8 << 20;
    sql_add(&sql, S("SELECT length(groupArray(number)) AS n FROM numbers(50000000)"));
    WANT(run(&err), ST_EXECUTION);
    arena_done(&arena);
}

TEST(statements_may_not_write)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("CREATE TABLE must_not_be (a UInt8) ENGINE = Memory"));
    CHECK(run(&err) != ST_OK);
    CHECK_STR(engine_ask(engine_store(), "EXISTS must_not_be"), S("0"));
    arena_done(&arena);
}

TEST(the_deadline_ends_a_statement)
{
    begin();
    struct err err = {};
    job.deadline = clock_monotonic() + 300 * NANOS_MS;
    sql_add(&sql, S("SELECT sum(sipHash64(number)) AS n FROM numbers(100000000000)"));
    nanos from = clock_monotonic();
    WANT(run(&err), ST_TIMEOUT);
    CHECK(clock_monotonic() - from < 10 * NANOS_S);
    WANT(run(&err), ST_TIMEOUT); /* and nothing more is asked */
    arena_done(&arena);
}

static void *cancel_soon(void *)
{
    usleep(200'000);
    atomic_store(&job.cancelled, true);
    return NULL;
}

TEST(a_client_that_leaves_ends_a_statement)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("SELECT sum(sipHash64(number)) AS n FROM numbers(100000000000)"));
    pthread_t t;
    CHECK(pthread_create(&t, NULL, cancel_soon, NULL) == 0);
    nanos from = clock_monotonic();
    WANT(run(&err), ST_CANCELLED);
    CHECK(clock_monotonic() - from < 10 * NANOS_S);
    pthread_join(t, NULL);
    arena_done(&arena);
}

TEST(bad_sql_is_our_fault)
{
    begin();
    struct err err = {};
    sql_add(&sql, S("SELECT no_such_column FROM numbers(1)"));
    WANT(run(&err), ST_INTERNAL);
    CHECK(strstr(err.msg, "Code: 47") != NULL);
    arena_done(&arena);
}
