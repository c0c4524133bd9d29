#include "config/memory_limiter.h"

#include <stdio.h>

#include "testing/test.h"

static struct arena arena;
static struct config c;
static struct err err;

static status limiter(const char *options)
{
    char text[600];
    snprintf(text, sizeof text,
             "processors:\n  memory_limiter/a: %s\n"
             "service: {pipelines: {traces: {processors: [batch, memory_limiter/a]}}}\n",
             options);
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    config_defaults(&c, &arena);
    err = (struct err){};
    return config_read_yaml(&c, str_of(text), "w.yaml", &err);
}

TEST(memory_limiter_is_limits_of_the_process)
{
    static const struct {
        const char *options;
        uint64_t mib, hard, soft;
    } all[] = {
        {"", 0, 90, 80},
        {"{limit_mib: 400, spike_limit_mib: 100}", 400, 100, 75},
        {"{limit_mib: 400}", 400, 100, 80},
        {"{limit_percentage: 50, spike_limit_percentage: 20}", 0, 50, 30},
        {"{limit_percentage: 50}", 0, 50, 40},
        {"{spike_limit_percentage: 20}", 0, 90, 70},
        {"{limit_mib: 100, limit_percentage: 50}", 100, 100, 80},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_INT(limiter(all[i].options), ST_OK);
        CHECK_INT(c.memory_limit >> 20, all[i].mib);
        CHECK_INT(c.memory_hard, all[i].hard);
        CHECK_INT(c.memory_soft, all[i].soft);
    }
    CHECK_INT(limiter("{check_interval: 2s}"), ST_OK);
    CHECK_INT(c.memory_interval, 2 * NANOS_S);
}

TEST(memory_limiter_that_would_refuse_everything_is_refused)
{
    CHECK_INT(limiter("{limit_mib: 100, spike_limit_mib: 100}"), ST_INVALID);
    CHECK_STR(
        str_of(err.msg),
        S("w.yaml:2:55: processors.memory_limiter/a.spike_limit_mib: not less than the limit: "
          "requests would always be refused"));
    CHECK_INT(limiter("{limit_percentage: 101}"), ST_INVALID);
    CHECK_STR(str_of(err.msg), S("w.yaml:2:40: processors.memory_limiter/a.limit_percentage: 101 "
                                 "is not between 1 and 100"));
    CHECK_INT(limiter("{limit_mb: 1}"), ST_INVALID);
    CHECK_STR(str_of(err.msg), S("w.yaml:2:22: processors.memory_limiter/a.limit_mb: no such "
                                 "option; did you mean \"limit_mib\"?"));
}

TEST(memory_limiter_that_no_pipeline_names_changes_nothing)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    config_defaults(&c, &arena);
    CHECK_INT(config_read_yaml(&c, S("processors: {memory_limiter: {limit_mib: 400}}"), "w", &err),
              ST_OK);
    CHECK_INT(c.memory_limit, 0);
}
