#include "base/map.h"

#include "testing/test.h"

TEST(map_finds_what_was_added_through_all_its_growth)
{
    enum { N = 5000 };
    struct arena a;
    arena_init(&a, 1 << 24);
    struct map m;
    map_init(&m, &a, 0);
    for (uint32_t i = 0; i < N; i++) map_add(&m, (uint64_t)i * 0x9e3779b97f4a7c15u, i);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t v;
        CHECK(map_find(&m, (uint64_t)i * 0x9e3779b97f4a7c15u, NULL, NULL, &v));
        CHECK_INT(v, i);
    }
    uint32_t v;
    CHECK(!map_find(&m, 12345, NULL, NULL, &v));
    CHECK_INT(m.count, N);
    arena_done(&a);
}

static bool is(const void *ctx, uint32_t value) { return *(const uint32_t *)ctx == value; }

TEST(map_tells_keys_of_one_hash_apart_by_asking)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct map m;
    map_init(&m, &a, 4);
    for (uint32_t i = 0; i < 100; i++) map_add(&m, 42, i);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t v;
        CHECK(map_find(&m, 42, is, &i, &v));
        CHECK_INT(v, i);
    }
    uint32_t none = 100, v;
    CHECK(!map_find(&m, 42, is, &none, &v));
    arena_done(&a);
}
