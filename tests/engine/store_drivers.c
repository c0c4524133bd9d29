/* Both drivers against the real engine: the same claims, the same results. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"

ON_BOTH(statements_run_in_the_stores_database)
{
    CHECK_STR(engine_ask(s, "SELECT currentDatabase()"), S("weir"));
    CHECK(strncmp(store_version(s), "26.", 3) == 0);
}

ON_BOTH(tables_merge_many_parts_at_a_time_and_keep_texts_in_one_stream)
{
    CHECK_STR(engine_ask(s, "SELECT groupArray(value) FROM (SELECT value FROM"
                            " system.merge_tree_settings WHERE name IN ('merge_selector_base',"
                            " 'string_serialization_version') ORDER BY name)"),
              S("['16','single_stream']"));
}

ON_BOTH(a_native_block_is_stored_once_however_often_it_is_sent_with_one_token)
{
    struct err err = {};
    engine_do(s, "DROP TABLE IF EXISTS once SYNC");
    engine_do(s, "CREATE TABLE once (a UInt64, b String) ENGINE = MergeTree ORDER BY a"
                 " SETTINGS non_replicated_deduplication_window = 100");
    struct buf block;
    buf_init(&block, 1 << 20);
    struct store_query q = {.sql = S("SELECT number AS a, 'x' AS b FROM numbers(1000)")};
    WANT(store_query_buf(s, &q, &block, &err), ST_OK);
    str body[] = {{block.ptr, 100}, {block.ptr + 100, block.len - 100}};
    for (int i = 0; i < 3; i++)
        WANT(store_insert(s, S("once"), S("token 'one'\\"), body, 2, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count(), sum(a) FROM once"), S("1000\t499500"));
    WANT(store_insert(s, S("once"), S("two"), body, 2, &err), ST_OK);
    CHECK_STR(engine_ask(s, "SELECT count() FROM once"), S("2000"));
}

ON_BOTH(content_that_the_table_cannot_take_is_invalid_and_a_missing_table_unavailable)
{
    struct err err = {};
    engine_do(s, "DROP TABLE IF EXISTS narrow SYNC");
    engine_do(s, "CREATE TABLE narrow (a UInt64) ENGINE = MergeTree ORDER BY a PARTITION BY a");
    struct buf block;
    buf_init(&block, 1 << 20);
    struct store_query q = {.sql = S("SELECT 1::UInt64 AS a, 'x' AS b")};
    WANT(store_query_buf(s, &q, &block, &err), ST_OK);
    str body = buf_str(&block);
    WANT(store_insert(s, S("narrow"), S(""), &body, 1, &err), ST_INVALID);
    CHECK_INT(store_error_code((str){err.msg, strlen(err.msg)}), 117);
    WANT(store_insert(s, S("nowhere"), S(""), &body, 1, &err), ST_UNAVAILABLE);
    str half = {body.ptr, body.len - 1};
    WANT(store_insert(s, S("narrow"), S(""), &half, 1, &err), ST_INVALID);
    buf_clear(&block);
    q.sql = S("SELECT number AS a FROM numbers(200)");
    WANT(store_query_buf(s, &q, &block, &err), ST_OK);
    body = buf_str(&block);
    WANT(store_insert(s, S("narrow"), S(""), &body, 1, &err), ST_INVALID); /* 200 partitions */
    CHECK_STR(engine_ask(s, "SELECT count() FROM narrow"), S("0"));
}

ON_BOTH(errors_of_queries_carry_the_engines_text_and_code)
{
    struct err err = {};
    WANT(store_exec(s, S("SELECT * FROM nowhere"), &err), ST_INVALID);
    CHECK_INT(store_error_code((str){err.msg, strlen(err.msg)}), 60);
    WANT(store_exec(s, S("SELEC 1"), &err), ST_INVALID);
    WANT(store_exec(s, S("DROP TABLE nowhere"), &err), ST_INVALID);
    struct buf message;
    buf_init(&message, 1 << 20);
    struct store_query q = {.sql = S("SELECT throwIf(number = 2000000) FROM numbers(3000000)"),
                            .message = &message};
    struct buf out;
    buf_init(&out, 1 << 24);
    WANT(store_query_buf(s, &q, &out, &err), ST_EXECUTION);
    CHECK(message.len > 0 && memcmp(message.ptr, "Code: 395.", 10) == 0);
}

ON_BOTH(parameters_are_bound_whatever_they_contain)
{
    struct err err = {};
    struct store_param params[] = {{S("a"), S("it's\ta \\ {b:String}\n")},
                                   {S("b"), S("['q\\'r','s\\\\']")},
                                   {S("c"), S("")},
                                   {S("d"), S("18446744073709551615")}};
    struct buf out;
    buf_init(&out, 1 << 16);
    struct store_query q = {.sql = S("SELECT hex({a:String}), arrayMap(x -> hex(x), "
                                     "{b:Array(String)}), hex({c:String}), {d:UInt64}"),
                            .format = S("TabSeparatedRaw"),
                            .params = params,
                            .n_params = 4};
    WANT(store_query_buf(s, &q, &out, &err), ST_OK);
    CHECK_STR(
        buf_str(&out),
        S("697427730961205C207B623A537472696E677D0A\t['712772','735C']\t\t18446744073709551615\n"));
}

ON_BOTH(settings_hold_for_one_statement)
{
    struct err err = {};
    struct store_setting set[] = {{S("max_threads"), S("7")}, {S("async_insert"), S("1")}};
    struct buf out;
    for (int i = 0; i < 3; i++) {
        buf_init(&out, 1 << 16);
        struct store_query q = {
            .sql = S("SELECT getSetting('max_threads'), getSetting('async_insert')"),
            .format = S("TabSeparatedRaw"),
            .settings = set,
            .n_settings = 2};
        WANT(store_query_buf(s, &q, &out, &err), ST_OK);
        CHECK_STR(buf_str(&out), S("7\ttrue\n"));
        CHECK_STR(engine_ask(s, "SELECT getSetting('max_threads') = 7, getSetting('async_insert')"),
                  S("0\tfalse"));
        buf_done(&out);
    }
    struct store_setting bad = {S("no_such_setting"), S("7")};
    struct store_query q = {.sql = S("SELECT 1"), .settings = &bad, .n_settings = 1};
    WANT(store_query_buf(s, &q, &out, &err), ST_INVALID);
    bad.name = S("max_threads=1, x");
    WANT(store_query_buf(s, &q, &out, &err), ST_INVALID);
    engine_do(s, "SET max_threads = 9");
    CHECK_STR(engine_ask(s, "SELECT getSetting('max_threads') = 9"), S("0"));
}

struct canceller {
    atomic_bool flag;
    nanos at;
};

static void *cancel_soon(void *ctx)
{
    struct canceller *c = ctx;
    usleep(300000);
    c->at = clock_monotonic();
    atomic_store(&c->flag, true);
    return NULL;
}

ON_BOTH(a_cancelled_statement_ends_soon_and_the_next_one_is_safe)
{
    struct err err = {};
    const char *sql[] = {
        "SELECT sum(sleepEachRow(0.01)) FROM numbers(2000) SETTINGS max_block_size = 10, "
        "function_sleep_max_microseconds_per_block = 0",
        "INSERT INTO FUNCTION null('x UInt8') SELECT sum(sleepEachRow(0.01)) FROM numbers(2000) "
        "SETTINGS max_block_size = 10, function_sleep_max_microseconds_per_block = 0"};
    for (int i = 0; i < 2; i++) {
        struct canceller c = {};
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, cancel_soon, &c), 0);
        struct buf out;
        buf_init(&out, 1 << 16);
        struct store_query q = {.sql = {sql[i], strlen(sql[i])}, .cancel = &c.flag};
        WANT(store_query_buf(s, &q, &out, &err), ST_CANCELLED);
        nanos ended = clock_monotonic();
        pthread_join(thread, NULL);
        CHECK(ended - c.at < NANOS_S);
        for (int k = 0; k < 8; k++) CHECK_STR(engine_ask(s, "SELECT 1"), S("1"));
    }
}

ON_BOTH(time_and_size_limits_are_timeout_and_limit)
{
    struct err err = {};
    struct buf out;
    buf_init(&out, 1 << 30);
    struct store_query q = {
        .sql = S("SELECT sum(sleepEachRow(0.01)) FROM numbers(2000) SETTINGS max_block_size = 10, "
                 "function_sleep_max_microseconds_per_block = 0"),
        .timeout_ms = 300};
    WANT(store_query_buf(s, &q, &out, &err), ST_TIMEOUT);
    q = (struct store_query){.sql = S("SELECT number FROM numbers(100000000)"),
                             .max_bytes = 5000000};
    WANT(store_query_buf(s, &q, &out, &err), ST_LIMIT);
    nanos until =
        clock_monotonic() + 3 * NANOS_S; /* the server hears of it when the connection closes */
    while (!str_eq(engine_ask(s, "SELECT count() FROM system.processes"), S("1"))) {
        CHECK(clock_monotonic() < until);
        usleep(10000);
    }
    q = (struct store_query){.sql = S("SELECT number FROM numbers(10) ORDER BY number"),
                             .settings = &(struct store_setting){S("max_rows_to_read"), S("5")},
                             .n_settings = 1};
    WANT(store_query_buf(s, &q, &out, &err), ST_LIMIT);
}

static bool keep(void *, str) { return true; }

ON_BOTH(statistics_count_what_the_engine_read)
{
    struct err err = {};
    engine_do(s, "DROP TABLE IF EXISTS big SYNC");
    engine_do(s, "CREATE TABLE big (a UInt64) ENGINE = MergeTree ORDER BY a");
    engine_do(s, "INSERT INTO big SELECT number FROM numbers(1000000)");
    struct buf out;
    buf_init(&out, 1 << 30);
    struct store_stats stats = {};
    struct store_query q = {.sql = S("SELECT a FROM big")};
    WANT(store_query(s, &q, keep, NULL, &stats, &err), ST_OK);
    /* What is read after the last piece was made is not counted, nor what a server reads after it
     * sent its headers: how much that is depends on how fast the others of its threads are. */
    CHECK(stats.rows_read > 10000 && stats.rows_read <= 1000000);
    CHECK_INT(stats.bytes_read, stats.rows_read * 8);
    CHECK(stats.result_bytes > 8000000);
}

ON_BOTH(an_insert_can_come_in_pieces_of_any_format)
{
    struct err err = {};
    engine_do(s, "DROP TABLE IF EXISTS pieces SYNC");
    engine_do(s, "CREATE TABLE pieces (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    struct store_input *in = NULL;
    struct store_query q = {.sql = S("INSERT INTO pieces (a, b)"), .format = S("CSV")};
    WANT(store_input_begin(s, &q, &in, &err), ST_OK);
    WANT(store_input_append(in, S("1,\"a"), &err), ST_OK);
    WANT(store_input_append(in, S("b\"\n2,c\n"), &err), ST_OK);
    struct store_stats stats = {};
    WANT(store_input_end(in, &stats, &err), ST_OK);
    CHECK_INT(stats.rows_written, 2);
    CHECK_STR(engine_ask(s, "SELECT groupArray((a, b)) FROM pieces"), S("[(1,'ab'),(2,'c')]"));
    WANT(store_input_begin(s, &q, &in, &err), ST_OK);
    WANT(store_input_append(in, S("3,gone\n"), &err), ST_OK);
    store_input_abort(in);
    CHECK_STR(engine_ask(s, "SELECT count() FROM pieces"), S("2"));
    q.sql = S("INSERT INTO nowhere (a, b)");
    status st = store_input_begin(s, &q, &in, &err);
    if (st == ST_OK) st = store_input_end(in, &stats, &err);
    WANT(st, ST_UNAVAILABLE);
}
