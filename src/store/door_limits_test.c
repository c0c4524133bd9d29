#include "store/door_limits.h"

#include "testing/test.h"

static const struct door_user limited = {
    .name = S("u"), .memory = 1000, .rows = 50, .time = 1500000000};

/* The code of the refusal, 0 for none; the settings one by one as "name=value ". */
static int apply(const struct door_user *u, str sql, const struct store_setting *given, size_t n,
                 struct buf *ret)
{
    struct arena a;
    struct err err = {};
    const struct store_setting *all = NULL;
    size_t count = 0;
    int code = 0;
    arena_init(&a, 1 << 20);
    buf_init(ret, 4096);
    status s = door_limits_apply(&a, u, sql, given, n, &all, &count, &code, &err);
    CHECK((s == ST_OK) == (code == 0));
    for (size_t i = 0; i < count; i++)
        buf_printf(ret, STR_FMT "=" STR_FMT " ", STR_ARG(all[i].name), STR_ARG(all[i].value));
    arena_done(&a);
    return code;
}

TEST(a_users_limits_become_settings)
{
    struct buf got;
    struct store_setting one = {S("max_threads"), S("2")};
    CHECK_INT(apply(&limited, S("SELECT 1"), &one, 1, &got), 0);
    CHECK_STR(buf_str(&got), S("max_threads=2 max_memory_usage=1000 max_execution_time=1.500 "
                               "max_rows_to_read=50 "));
    buf_done(&got);
    const struct door_user free_user = {.name = S("f")};
    CHECK_INT(apply(&free_user, S("SELECT 1 SETTINGS max_memory_usage=9"), NULL, 0, &got), 0);
    CHECK_INT(got.len, 0);
    buf_done(&got);
}

TEST(a_setting_may_be_lower_than_the_users_limit_but_not_higher)
{
    static const struct {
        str value;
        int code;
    } cases[] = {{S("999"), 0},  {S("1000"), 0}, {S("1001"), 452}, {S("0"), 452},
                 {S("-1"), 452}, {S("x"), 452},  {S("nan"), 452}};
    struct buf got;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store_setting one = {S("max_memory_usage"), cases[i].value};
        CHECK_INT(apply(&limited, S("SELECT 1"), &one, 1, &got), cases[i].code);
        buf_done(&got);
    }
}

TEST(a_limit_cannot_be_lifted_in_the_statement)
{
    static const char *const no[] = {
        "SELECT 1 SETTINGS max_memory_usage = 1",
        "SELECT 1 settings max_threads = 1, max_execution_time=9",
        "SELECT * FROM (SELECT 1 SETTINGS `max_rows_to_read` = 0)",
        "SELECT 1 SETTINGS \"max\\x5fmemory_usage\" = 1",
        "SET max_memory_usage = 1",
        "SELECT 1 SETTINGS /* max */ max_memory_usage /* = */ = 1",
    };
    static const char *const yes[] = {
        "SELECT 1 SETTINGS max_threads = 2",
        "SELECT 'SETTINGS max_memory_usage = 1'",
        "SELECT * FROM t WHERE max_memory_usage = 1",
        "SELECT 1 -- SETTINGS max_memory_usage = 1",
    };
    struct buf got;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        CHECK_INT(apply(&limited, str_of(no[i]), NULL, 0, &got), 452);
        buf_done(&got);
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        CHECK_INT(apply(&limited, str_of(yes[i]), NULL, 0, &got), 0);
        buf_done(&got);
    }
}
