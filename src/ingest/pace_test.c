#include "ingest/pace.h"

#include "testing/test.h"

static struct pace_load load(unsigned requests, uint64_t each, unsigned connections)
{
    return (struct pace_load){requests, requests * each, connections};
}

TEST(many_small_requests_over_many_connections_are_taken_a_score_at_a_time)
{
    struct pace_load few = load(20, 9000, 500), some = load(50, 9000, 500),
                     more = load(67, 9000, 500), many = load(1000, 9000, 500);
    CHECK_INT(pace_of(&few, 0), 40);
    CHECK_INT(pace_of(&some, 0), 40);
    CHECK_INT(pace_of(&more, 0), 30);
    CHECK_INT(pace_of(&many, 0), 20);
}

TEST(few_requests_few_connections_and_large_requests_have_no_pace)
{
    struct pace_load seldom = load(19, 9000, 500), few = load(1000, 9000, 63),
                     large = load(1000, 40000, 500), nothing = load(0, 0, 500);
    CHECK_INT(pace_of(&seldom, 0), 0);
    CHECK_INT(pace_of(&few, 20), 0);
    CHECK_INT(pace_of(&large, 20), 0);
    CHECK_INT(pace_of(&nothing, 40), 0);
}

TEST(a_pace_ends_when_requests_are_half_as_many_as_began_it)
{
    struct pace_load fewer = load(10, 9000, 500), too_few = load(9, 9000, 500);
    CHECK_INT(pace_of(&fewer, 40), 40);
    CHECK_INT(pace_of(&too_few, 40), 0);
}
