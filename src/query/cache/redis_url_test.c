#include "query/cache/redis_url.h"

#include "testing/test.h"

static struct arena arena;

static struct redis_place read_place(str text)
{
    struct redis_place p = {};
    CHECK_INT(redis_place_read(&arena, text, &p, NULL), ST_OK);
    return p;
}

static bool is(const char *got, const char *want)
{
    return got && want ? strcmp(got, want) == 0 : got == want;
}

TEST(redis_place_has_host_port_credentials_and_database)
{
    arena_init(&arena, 1 << 16);
    struct redis_place p = read_place(S("cache"));
    CHECK(is(p.host, "cache") && p.port == 6379 && !p.user && !p.password && p.database == 0);
    p = read_place(S("redis://127.0.0.1:6380/3"));
    CHECK(is(p.host, "127.0.0.1") && p.port == 6380 && p.database == 3);
    p = read_place(S("redis://:s%40cret@cache:6379"));
    CHECK(is(p.password, "s@cret") && !p.user && is(p.host, "cache"));
    p = read_place(S("redis://weir:p@ss@cache/"));
    CHECK(is(p.user, "weir") && is(p.password, "p@ss") && p.port == 6379 && p.database == 0);
    arena_done(&arena);
}

TEST(redis_place_refuses_what_it_cannot_reach)
{
    static const str bad[] = {{"", 0},        {"redis://", 8},       {"redis://:1", 10},
                              {"cache:0", 7}, {"cache:65536", 11},   {"cache:x", 7},
                              {"cache/x", 7}, {"rediss://cache", 14}};
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct redis_place p;
        struct err err = {};
        CHECK_INT(redis_place_read(&arena, bad[i], &p, &err), ST_INVALID);
        CHECK(strstr(err.msg, "redis://") || strstr(err.msg, "rediss://"));
    }
    arena_done(&arena);
}
