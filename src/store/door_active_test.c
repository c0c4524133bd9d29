#include "store/door_active.h"

#include "testing/test.h"

static const struct door_user ann = {.name = S("ann"), .concurrent = 2},
                              bob = {.name = S("bob"), .read_only = true}, eve = {.name = S("eve")};

TEST(an_id_is_used_once_at_a_time_and_a_user_has_its_number)
{
    struct door_active *a = door_active_new();
    struct door_active_entry *one = NULL, *two = NULL, *more = NULL;
    atomic_bool cancel = false;
    struct err err = {};
    int code = 0;
    CHECK_INT(door_active_begin(a, S("1"), &ann, &cancel, &one, &code, &err), ST_OK);
    CHECK_INT(door_active_begin(a, S("1"), &eve, &cancel, &more, &code, &err), ST_INVALID);
    CHECK_INT(code, 216);
    CHECK_INT(door_active_begin(a, S("2"), &ann, &cancel, &two, &code, &err), ST_OK);
    CHECK_INT(door_active_begin(a, S("3"), &ann, &cancel, &more, &code, &err), ST_OVERLOADED);
    CHECK_INT(code, 202);
    CHECK(strstr(err.msg, "for user ann. Current: 2, maximum: 2"));
    door_active_end(a, one);
    CHECK_INT(door_active_begin(a, S("1"), &ann, &cancel, &one, &code, &err), ST_OK);
    door_active_end(a, two);
    door_active_end(a, one);
    door_active_end(a, NULL);
    door_active_free(a);
}

TEST(a_reader_kills_its_own_and_a_writer_any)
{
    struct door_active *a = door_active_new();
    struct door_active_entry *e = NULL;
    atomic_bool cancel = false, never = false, now = true;
    struct err err = {};
    struct arena arena;
    struct door_killed killed = {};
    int code = 0;
    arena_init(&arena, 1 << 20);
    CHECK_INT(door_active_begin(a, S("q"), &ann, &cancel, &e, &code, &err), ST_OK);
    door_active_describe(a, e, S("SELECT sleep(3)"));
    CHECK(!door_active_kill(a, S("q"), &bob, false, &never, &arena, &killed) && !cancel);
    CHECK(!door_active_kill(a, S("p"), &eve, false, &never, &arena, &killed) && !cancel);
    CHECK(door_active_kill(a, S("q"), &eve, false, &never, &arena, &killed) && cancel);
    CHECK_STR(killed.user, S("ann"));
    CHECK_STR(killed.sql, S("SELECT sleep(3)"));
    cancel = false;
    CHECK(door_active_kill(a, S("q"), &ann, true, &now, &arena, &killed) && cancel);
    door_active_end(a, e);
    arena_done(&arena);
    door_active_free(a);
}
