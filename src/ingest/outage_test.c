#include "ingest/outage.h"

#include "testing/test.h"

static const nanos at0 = 1000 * NANOS_S;

TEST(an_outage_is_told_when_it_begins_each_minute_and_when_it_is_over)
{
    struct outage o = {}, over;
    CHECK_INT(outage_failed(&o, at0), OUTAGE_BEGINS);
    for (int s = 1; s < 60; s++) CHECK_INT(outage_failed(&o, at0 + s * NANOS_S), OUTAGE_NOTHING);
    CHECK_INT(outage_failed(&o, at0 + 60 * NANOS_S), OUTAGE_LASTS);
    CHECK_INT(outage_failed(&o, at0 + 119 * NANOS_S), OUTAGE_NOTHING);
    CHECK_INT(outage_failed(&o, at0 + 120 * NANOS_S), OUTAGE_LASTS);
    CHECK_INT(outage_worked(&o, &over), OUTAGE_OVER);
    CHECK_INT(over.tries, 63);
    CHECK_INT(over.began, at0);
    CHECK_INT(outage_worked(&o, &over), OUTAGE_NOTHING);
}

TEST(a_destination_that_goes_and_comes_is_told_of_every_ten_seconds_at_most)
{
    struct outage o = {}, over;
    CHECK_INT(outage_failed(&o, at0), OUTAGE_BEGINS);
    CHECK_INT(outage_worked(&o, &over), OUTAGE_OVER);
    for (int s = 1; s < 10; s++) {
        CHECK_INT(outage_failed(&o, at0 + s * NANOS_S), OUTAGE_NOTHING);
        CHECK_INT(outage_worked(&o, &over), OUTAGE_NOTHING);
    }
    CHECK_INT(outage_failed(&o, at0 + 9 * NANOS_S + 1), OUTAGE_NOTHING);
    CHECK_INT(outage_failed(&o, at0 + 10 * NANOS_S), OUTAGE_BEGINS); /* late, and it is told */
    CHECK_INT(outage_worked(&o, &over), OUTAGE_OVER);
    CHECK_INT(over.tries, 2);
}
