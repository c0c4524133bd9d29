#include "ingest/state.h"
#include "testing/test.h"

static const struct export_retry retry = {.enabled = true,
                                          .max_tries = 5,
                                          .initial_interval = NANOS_S,
                                          .max_interval = 30 * NANOS_S,
                                          .multiplier = 2,
                                          .randomization_factor = 0.5};

TEST(the_delay_doubles_up_to_its_ceiling)
{
    struct export_retry r = retry;
    r.randomization_factor = 0;
    const int seconds[] = {1, 2, 4, 8, 16, 30, 30};
    for (unsigned i = 0; i < 7; i++) CHECK_INT(retry_delay(&r, i + 1, 77, 0), seconds[i] * NANOS_S);
    CHECK_INT(retry_delay(&r, 4000000000u, 77, 0), 30 * NANOS_S);
    r.multiplier = 1;
    CHECK_INT(retry_delay(&r, 100, 0, 0), NANOS_S);
}

TEST(the_delay_is_spread_by_the_factor_and_never_shorter_than_asked)
{
    CHECK_INT(retry_delay(&retry, 2, 0, 0), NANOS_S);
    CHECK_INT(retry_delay(&retry, 2, UINT32_MAX, 0), 3 * NANOS_S);
    CHECK_INT(retry_delay(&retry, 2, 0, 7000), 7 * NANOS_S);
    CHECK_INT(retry_delay(&retry, 6, UINT32_MAX, 7000), 45 * NANOS_S);
}
