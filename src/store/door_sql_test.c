#include "store/door_sql.h"

#include "testing/test.h"

static struct door_sql read_sql(str text, bool complete)
{
    struct door_sql sql = {};
    struct err err = {};
    CHECK_INT(door_sql_read(text, complete, &sql, &err), ST_OK);
    return sql;
}

TEST(door_a_select_is_whole_and_its_format_is_known)
{
    struct door_sql s =
        read_sql(S("SELECT 'FORMAT CSV', (SELECT 1) /* ; */ FROM t FORMAT JSON ; -- end"), true);
    CHECK_INT(s.kind, DOOR_SQL_WHOLE);
    CHECK_STR(s.statement, S("SELECT 'FORMAT CSV', (SELECT 1) /* ; */ FROM t FORMAT JSON"));
    CHECK_STR(s.format, S("JSON"));
    CHECK(s.reads_only);
    CHECK_INT(read_sql(S("SELECT 1"), false).kind, DOOR_SQL_MORE);
    CHECK(!read_sql(S("DROP TABLE t"), true).reads_only);
    CHECK_STR(read_sql(S("SELECT format('{}', 1)"), true).format, S(""));
}

TEST(door_an_inserts_data_begins_behind_its_format)
{
    str text = S("INSERT INTO t (a, format) FORMAT CSV\n1,2\n");
    struct door_sql s = read_sql(text, false);
    CHECK_INT(s.kind, DOOR_SQL_INSERT);
    CHECK_STR(s.statement, S("INSERT INTO t (a, format)"));
    CHECK_STR(s.format, S("CSV"));
    CHECK_STR(str_drop(text, s.data), S("1,2\n"));
    text = S("insert into t values (1)");
    s = read_sql(text, false);
    CHECK_STR(s.format, S("Values"));
    CHECK_STR(s.statement, S("insert into t"));
    CHECK_STR(str_drop(text, s.data), S(" (1)"));
    s = read_sql(S("INSERT INTO `FORMAT` SETTINGS a='VALUES' FORMAT Native"), true);
    CHECK_STR(s.format, S("Native"));
    CHECK_STR(s.statement, S("INSERT INTO `FORMAT` SETTINGS a='VALUES'"));
}

TEST(door_every_cut_of_an_insert_waits_or_knows_the_same)
{
    str text = S("/* x */ INSERT INTO t (a) SETTINGS b = 'it''s' FORMAT CSV\n1\n");
    size_t known = 0;
    for (size_t n = 0; n <= text.len; n++) {
        struct door_sql s = read_sql((str){text.ptr, n}, false);
        CHECK(s.kind == DOOR_SQL_MORE || s.kind == DOOR_SQL_INSERT);
        if (s.kind != DOOR_SQL_INSERT) {
            CHECK(!known);
            continue;
        }
        known++;
        CHECK_STR(s.format, S("CSV"));
        CHECK_STR(s.statement, S("/* x */ INSERT INTO t (a) SETTINGS b = 'it''s'"));
    }
    CHECK(known >= 3);
}

TEST(door_an_insert_that_selects_is_whole)
{
    struct door_sql s = read_sql(S("INSERT INTO t (a) SELECT 1"), true);
    CHECK_INT(s.kind, DOOR_SQL_WHOLE);
    CHECK(!s.reads_only);
    CHECK_INT(read_sql(S("INSERT INTO t (a) SELECT 1"), false).kind, DOOR_SQL_MORE);
}

TEST(door_nothing_is_empty)
{
    CHECK_INT(read_sql(S(" -- x\n/* y */"), true).kind, DOOR_SQL_EMPTY);
    CHECK_INT(read_sql(S(""), false).kind, DOOR_SQL_MORE);
}

TEST(door_files_and_second_statements_are_refused)
{
    const str bad[] = {S("SELECT 1; SELECT 2"), S("SELECT 1 INTO OUTFILE 'x'"),
                       S("INSERT INTO t FROM INFILE 'x' FORMAT CSV"),
                       S("select 1 into/**/outfile 'x'")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct door_sql sql = {};
        struct err err = {};
        CHECK_INT(door_sql_read(bad[i], true, &sql, &err), ST_INVALID);
    }
}

TEST(a_kill_by_id_is_known)
{
    str id = {0};
    bool wait = false;
    CHECK(door_sql_kill(S("KILL QUERY WHERE query_id = 'a-b'"), &id, &wait) && !wait);
    CHECK_STR(id, S("a-b"));
    CHECK(door_sql_kill(S("kill query where query_id='x' SYNC FORMAT JSON;"), &id, &wait) && wait);
    CHECK(door_sql_kill(S("KILL QUERY WHERE query_id='x' ASYNC"), &id, &wait) && !wait);
    CHECK(!door_sql_kill(S("KILL QUERY WHERE query_id = 'x' AND 1"), &id, &wait));
    CHECK(!door_sql_kill(S("KILL QUERY WHERE user = 'x'"), &id, &wait));
    CHECK(!door_sql_kill(S("KILL MUTATION WHERE query_id = 'x'"), &id, &wait));
    CHECK(!door_sql_kill(S("KILL QUERY WHERE query_id = 'x\\'y'"), &id, &wait));
    CHECK(!door_sql_kill(S("KILL QUERY WHERE query_id ="), &id, &wait));
}
