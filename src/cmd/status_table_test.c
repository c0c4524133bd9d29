#include "cmd/status_table.h"

#include "testing/test.h"

static struct arena arena;

static str table(str json)
{
    static struct buf out;
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    buf_done(&out);
    buf_init(&out, 1 << 20);
    struct err err = {};
    CHECK_INT(status_table(&arena, json, &out, &err), ST_OK);
    return buf_str(&out);
}

TEST(status_table_shows_members_one_a_line_and_lists_of_objects_as_tables)
{
    CHECK_STR(table(S("{\"ready\":true,\"journal\":{\"bytes\":12,\"why\":null},"
                      "\"routes\":[{\"name\":\"traces>clickhouse\",\"stored\":5,\"by\":{\"a\":1}},"
                      "{\"name\":\"x\",\"stored\":12345}],\"notes\":[\"one\",2]}")),
              S("ready: yes\n"
                "\n"
                "journal\n"
                "  bytes: 12\n"
                "  why: -\n"
                "\n"
                "routes\n"
                "  name               stored  by\n"
                "  traces>clickhouse       5  a=1\n"
                "  x                   12345  \n"
                "\n"
                "notes\n"
                "  one\n"
                "  2\n"));
}

TEST(status_table_refuses_what_is_no_object)
{
    static const str bad[] = {S(""), S("[]"), S("{"), S("{\"a\":}"), S("{} x"), S("not found\n")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct buf out;
        buf_init(&out, 1 << 16);
        struct err err = {};
        CHECK_INT(status_table(&a, bad[i], &out, &err), ST_INVALID);
        buf_done(&out);
        arena_done(&a);
    }
}
