#include "cmd/memory_shares.h"

#include "testing/test.h"

enum { MIB = 1 << 20 };

static struct arena arena;
static struct config config;
static struct memory_shares shares;
static struct err err;

static status share(uint64_t found, bool embedded)
{
    return memory_shares_of(&config, found, embedded, &shares, &err);
}

static void begin(void)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    config_defaults(&config, &arena);
}

TEST(memory_shares_fit_into_the_hard_limit)
{
    begin();
    for (uint64_t mib = 650; mib < 65536; mib = mib * 5 / 4)
        for (int embedded = 0; embedded < 2; embedded++) {
            CHECK_INT(share(mib * MIB, embedded), ST_OK);
            CHECK(shares.soft < shares.hard && shares.hard < mib * MIB);
            uint64_t rest = (embedded ? 224u : 48u) * MIB;
            CHECK(rest + shares.engine + shares.inflight + config.query_threads * shares.query <=
                  shares.hard);
            CHECK(shares.inflight > 16 * MIB && shares.query > 4 * MIB);
            CHECK_INT(shares.engine > 0, embedded);
        }
}

TEST(memory_shares_keep_options_that_fit)
{
    begin();
    CHECK_INT(share(16384ull * MIB, true), ST_OK);
    CHECK_INT(shares.inflight, config.max_inflight);
    CHECK_INT(shares.query, config.query_memory);
    CHECK_INT(shares.hard / MIB, 16384 * 90 / 100);
    CHECK_INT(shares.soft / MIB, 16384 * 80 / 100);
    config.store_memory = 600 * MIB;
    CHECK_INT(share(8192ull * MIB, true), ST_OK);
    CHECK_INT(shares.engine, 600 * MIB);
}

TEST(memory_limit_takes_the_place_of_what_was_found)
{
    begin();
    config.memory_limit = 1000ull * MIB;
    config.memory_hard = 100;
    config.memory_soft = 75;
    CHECK_INT(share(99999ull * MIB, false), ST_OK);
    CHECK_INT(shares.there_is / MIB, 1000);
    CHECK_INT(shares.hard / MIB, 1000);
    CHECK_INT(shares.soft / MIB, 750);
}

TEST(memory_that_is_too_little_is_said_with_how_much_is_needed)
{
    begin();
    CHECK_INT(share(500ull * MIB, true), ST_INVALID);
    CHECK(strstr(err.msg, "memory.limit") && strstr(err.msg, "544 MiB"));
    CHECK_INT(share(200ull * MIB, false), ST_OK);
    config.store_memory = 900 * MIB;
    CHECK_INT(share(1000ull * MIB, true), ST_INVALID);
    CHECK(strstr(err.msg, "store.memory") != NULL);
    config.store_memory = 100 * MIB;
    CHECK_INT(share(1000ull * MIB, true), ST_INVALID);
    CHECK(strstr(err.msg, "store.memory") && strstr(err.msg, "192 MiB"));
    CHECK_INT(share(0, false), ST_INVALID);
}

TEST(memory_percentages_are_checked)
{
    begin();
    config.memory_hard = 101;
    CHECK_INT(share(1024ull * MIB, false), ST_INVALID);
    config.memory_hard = 70;
    CHECK_INT(share(1024ull * MIB, false), ST_INVALID);
    CHECK(strstr(err.msg, "memory.soft_percentage: 80") != NULL);
    config.memory_soft = 70;
    CHECK_INT(share(1024ull * MIB, false), ST_OK);
    config.memory_interval = 0;
    CHECK_INT(share(1024ull * MIB, false), ST_INVALID);
}
