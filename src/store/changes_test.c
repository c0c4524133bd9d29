#include "store/changes.h"

#include <pthread.h>

#include "native/writer.h"
#include "testing/test.h"

TEST(reading_and_tables_without_samples_change_nothing)
{
    static const char *const none[] = {
        "SELECT 1",
        "(SELECT 1)",
        "with x AS (SELECT 1) SELECT * FROM x",
        "FROM t SELECT a",
        "EXPLAIN SELECT 1",
        "SYSTEM DROP MARK CACHE",
        "SET x = 1",
        "BACKUP TABLE t TO Null",
        "INSERT INTO otel_logs (body)",
        "insert into table weir.otel_metrics_5m SELECT 1",
        "INSERT INTO `weir`.`otel_traces` SELECT 1",
        "INSERT /* x */ INTO \"otel_logs\" FORMAT TSV",
        "INSERT INTO weir_rollup_touched SELECT 1",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK_INT(change_of_sql(str_of(none[i])), CHANGE_NONE);
    CHECK_INT(change_of_table(S("otel_logs")), CHANGE_NONE);
    CHECK_INT(change_of_table(S("otel_metric_series")), CHANGE_SERIES); /* before its samples */
}

TEST(statements_that_are_not_known_change_everything)
{
    static const char *const rows[] = {
        "INSERT INTO otel_metrics",
        "INSERT INTO weir.otel_metric_targets SELECT 1",
        "INSERT INTO otel_metric_series",
        "INSERT INTO mine SELECT 1",
        "INSERT INTO",
        "INSERT INTO `otel_logs",
        "INSERT INTO FUNCTION remote('x', otel_logs) SELECT 1",
        "INSERT INTO otel_logs.mine SELECT 1",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
    };
    static const char *const any[] = {
        "",
        "ALTER TABLE otel_metrics DELETE WHERE 1",
        "DELETE FROM otel_metrics WHERE 1",
        "DROP TABLE x",
        "TRUNCATE TABLE x",
        "OPTIMIZE TABLE x FINAL",
        "RESTORE TABLE x FROM y",
        "CREATE MATERIALIZED VIEW x TO otel_metrics AS SELECT 1",
        "/* SELECT",
        "EXCHANGE TABLES a AND b",
        "INSERT INTO otel_logs SELECT 1 PARALLEL WITH INSERT INTO otel_metrics SELECT 1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(change_of_sql(str_of(rows[i])), CHANGE_ROWS);
    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        CHECK_INT(change_of_sql(str_of(any[i])), CHANGE_ANY);
    CHECK_INT(change_of_table(S("mine")), CHANGE_ROWS);
    CHECK_INT(change_of_table(S("otel_metrics")), CHANGE_SAMPLES);
    CHECK_INT(change_of_table(S("otel_metric_targets")), CHANGE_SAMPLES);
}

/* A body of otel_metrics as far as it matters. */
static void put_times(struct buf *b, const char *type, const int64_t *ms, size_t n)
{
    native_put_block(b, 1, n);
    native_put_column(b, S("timestamp"), str_of(type));
    for (size_t i = 0; i < n; i++) buf_add(b, (str){(const char *)&ms[i], 8});
}

static void inserted(struct changes *c, const int64_t *ms, size_t n)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    put_times(&b, "DateTime64(3, 'UTC')", ms, n);
    changes_inserted(c, &(str){b.ptr, b.len}, 1);
    buf_done(&b);
}

static struct changes *settled(void)
{
    struct changes *c = changes_new();
    changes_settle(c, 1, false);
    return c;
}

static struct store_changes of(struct changes *c, struct arena *a, int64_t from, int64_t to)
{
    struct store_changes ret;
    uint64_t unsure;
    CHECK_INT(changes_read(c, a, from, to, &ret, &unsure), CHANGES_SETTLED);
    return ret;
}

TEST(an_insert_changes_the_windows_of_its_samples)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct changes *c = settled();
    uint64_t epoch = of(c, &a, 0, 1'000'000).epoch;
    inserted(c, (const int64_t[]){900'000, 300'001, 600'000, 300'000, 900'001}, 5);
    struct store_changes s = of(c, &a, 300'000, 900'000); /* (0, 300 s], ..., (600 s, 900 s] */
    CHECK_INT(s.n, 3);
    CHECK_INT(s.windows[0].end_ms, 300'000);
    CHECK_INT(s.windows[2].end_ms, 900'000);
    CHECK(s.epoch == epoch);
    CHECK_INT(of(c, &a, 900'001, 5'000'000).n, 1);
    CHECK_INT(of(c, &a, 1'200'001, 5'000'000).n, 0);
    uint64_t before = s.windows[1].change, other = s.windows[2].change;
    inserted(c, (const int64_t[]){400'000}, 1);
    s = of(c, &a, 300'000, 900'000);
    CHECK(s.windows[1].change != before && s.windows[2].change == other);
    CHECK(s.windows[1].touched_ms > 0);
    inserted(c, (const int64_t[]){-1, 0}, 2);
    CHECK_INT(of(c, &a, -1000, 0).n, 1);
    changes_free(c);
    arena_done(&a);
}

TEST(an_insert_of_series_is_counted_by_itself)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct changes *c = settled();
    struct store_changes before = of(c, &a, 0, 1);
    inserted(c, (const int64_t[]){1}, 1);
    CHECK(of(c, &a, 0, 1).series == before.series);
    changes_series(c);
    CHECK(of(c, &a, 0, 1).series != before.series);
    CHECK(of(c, &a, 0, 1).epoch == before.epoch);
    changes_free(c);
    arena_done(&a);
}

TEST(an_insert_that_cannot_be_read_and_other_statements_begin_an_epoch)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    struct changes *c = settled(), *other = settled();
    uint64_t epoch = of(c, &a, 0, 1).epoch;
    CHECK(of(other, &a, 0, 1).epoch != epoch); /* as in another process */
    put_times(&b, "DateTime", (const int64_t[]){1}, 1);
    changes_inserted(c, &(str){b.ptr, b.len}, 1);
    CHECK(of(c, &a, 0, 1).epoch != epoch);
    epoch = of(c, &a, 0, 1).epoch;
    changes_inserted(c, &(str){b.ptr, b.len - 1}, 1);
    CHECK(of(c, &a, 0, 1).epoch != epoch);
    epoch = of(c, &a, 0, 1).epoch;
    changes_begin(c, CHANGE_NONE);
    changes_end(c, CHANGE_NONE);
    CHECK(of(c, &a, 0, 1).epoch == epoch);
    inserted(c, (const int64_t[]){1}, 1);
    changes_begin(c, CHANGE_ROWS);
    struct store_changes s;
    uint64_t unsure;
    CHECK_INT(changes_read(c, &a, 0, 1, &s, &unsure), CHANGES_UNDER_WAY);
    changes_end(c, CHANGE_ROWS);
    CHECK(of(c, &a, 0, 1).epoch != epoch);
    CHECK(of(c, &a, 0, 1).epoch_ms > 0);
    changes_free(c);
    changes_free(other);
    buf_done(&b);
    arena_done(&a);
}

TEST(what_may_go_on_is_asked_after_by_one_at_a_time)
{
    struct arena a;
    struct store_changes s;
    uint64_t unsure, later;
    arena_init(&a, 1 << 20);
    struct changes *c = changes_new(); /* the process before may have left something */
    CHECK_INT(changes_read(c, &a, 0, 1, &s, &unsure), CHANGES_UNSURE);
    CHECK_INT(changes_read(c, &a, 0, 1, &s, &later), CHANGES_UNDER_WAY);
    changes_begin(c, CHANGE_ANY);
    changes_end(c, CHANGE_ANY);
    changes_settle(c, unsure, false); /* of what was before that */
    CHECK_INT(changes_read(c, &a, 0, 1, &s, &later), CHANGES_UNSURE);
    changes_settle(c, later, true);
    CHECK_INT(changes_read(c, &a, 0, 1, &s, &unsure), CHANGES_SETTLED);
    CHECK(changes_are_foreign(c));
    changes_free(c);
    arena_done(&a);
}

TEST(too_many_windows_begin_an_epoch)
{
    struct arena a;
    arena_init(&a, 64 << 20);
    struct changes *c = settled();
    uint64_t epoch = of(c, &a, 0, 1).epoch;
    enum { AT_ONCE = 1000 };
    int64_t ms[AT_ONCE], next = 0;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < AT_ONCE; i++) ms[i] = next += 300'000;
        inserted(c, ms, AT_ONCE);
    }
    CHECK_INT(of(c, &a, 0, next).n, 200 * AT_ONCE);
    CHECK(of(c, &a, 0, 1).epoch == epoch);
    inserted(c, (const int64_t[]){next + 1}, 1);
    CHECK(of(c, &a, 0, 1).epoch != epoch);
    CHECK_INT(of(c, &a, 0, next).n, 0);
    changes_free(c);
    arena_done(&a);
}

enum { THREADS = 4, INSERTS = 200 };

static void *insert_many(void *ctx)
{
    for (int64_t i = 0; i < INSERTS; i++) inserted(ctx, &(int64_t){(i % 7) * 300'000}, 1);
    return NULL;
}

TEST(threads_insert_at_the_same_time)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct changes *c = settled();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, insert_many, c);
    uint64_t before = 0;
    for (int i = 0; i < INSERTS; i++) {
        struct arena_mark mark = arena_mark(&a);
        struct store_changes s = of(c, &a, 0, 10'000'000);
        uint64_t last = 0;
        for (uint32_t k = 0; k < s.n; k++)
            if (s.windows[k].change > last) last = s.windows[k].change;
        CHECK(last >= before);
        before = last;
        arena_rewind(&a, mark);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK_INT(of(c, &a, 0, 10'000'000).n, 7);
    changes_free(c);
    arena_done(&a);
}
