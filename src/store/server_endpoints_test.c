#include "store/server_endpoints.h"

#include "testing/test.h"

static struct server_endpoints *open_three(bool round_robin)
{
    struct server_endpoints *e = NULL;
    struct err err = {};
    CHECK_INT(server_endpoints_new(S("http://a:1, http://b:2/,https://c:3"), round_robin, &e, &err),
              ST_OK);
    return e;
}

static const nanos now = 1000 * NANOS_S;

TEST(urls_are_split_at_commas_and_their_slashes_cut)
{
    struct server_endpoints *e = open_three(false);
    CHECK_INT(server_endpoints_count(e), 3);
    CHECK_STR(str_of(server_endpoints_url(e, 1)), S("http://b:2"));
    CHECK(!server_endpoints_loopback(e));
    server_endpoints_free(e);

    struct err err = {};
    const str bad[] = {S(""),
                       S("http://a,"),
                       S("http://a,,http://b"),
                       S("http://a, http://a/"),
                       S("http://a,b:8123"),
                       S("http://a http://b")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(server_endpoints_new(bad[i], false, &e, &err), ST_INVALID);
    CHECK_INT(server_endpoints_new(S("http://127.0.0.1:1,http://localhost"), false, &e, &err),
              ST_OK);
    CHECK(server_endpoints_loopback(e));
    server_endpoints_free(e);
}

TEST(the_first_is_asked_until_it_fails_and_again_when_it_works)
{
    struct server_endpoints *e = open_three(false);
    for (int i = 0; i < 3; i++) CHECK_INT(server_endpoints_pick(e, 0, now), 0);
    server_endpoints_failed(e, 0, now, "gone");
    CHECK_INT(server_endpoints_pick(e, 0, now + NANOS_S - 1), 1);
    CHECK_INT(server_endpoints_pick(e, 2, now + NANOS_S - 1), 2);
    CHECK_INT(server_endpoints_pick(e, 0, now + NANOS_S), 0); /* one finds out */
    CHECK_INT(server_endpoints_pick(e, 0, now + NANOS_S), 1); /* the others need not */
    server_endpoints_worked(e, 0);
    CHECK_INT(server_endpoints_pick(e, 0, now + NANOS_S), 0);
    server_endpoints_free(e);
}

TEST(round_robin_takes_turns_and_leaves_out_who_rests)
{
    struct server_endpoints *e = open_three(true);
    for (int i = 0; i < 6; i++) CHECK_INT(server_endpoints_pick(e, 0, now), i % 3);
    server_endpoints_failed(e, 1, now, "gone");
    int seen[3] = {};
    for (int i = 0; i < 30; i++) seen[server_endpoints_pick(e, 0, now)]++;
    CHECK_INT(seen[1], 0);
    CHECK(seen[0] && seen[2]);
    server_endpoints_free(e);
}

TEST(the_rest_doubles_to_thirty_seconds_and_failures_under_way_count_once)
{
    struct server_endpoints *e = open_three(false);
    nanos t = now;
    const int seconds[] = {1, 2, 4, 8, 16, 30, 30};
    for (unsigned i = 0; i < 7; i++) {
        CHECK_INT(server_endpoints_pick(e, 0, t), 0);
        for (int k = 0; k < 8; k++) server_endpoints_failed(e, 0, t, "gone");
        CHECK_INT(server_endpoints_pick(e, 0, t + seconds[i] * NANOS_S - 1), 1);
        t += seconds[i] * NANOS_S;
    }
    server_endpoints_free(e);
}

TEST(when_all_rest_the_one_whose_rest_ends_first_is_asked)
{
    struct server_endpoints *e = open_three(false);
    server_endpoints_failed(e, 2, now, "gone");
    server_endpoints_failed(e, 0, now + 1, "gone");
    server_endpoints_failed(e, 1, now + 2, "gone");
    CHECK_INT(server_endpoints_pick(e, 0, now + 3), 2);
    CHECK_INT(server_endpoints_pick(e, 1 << 2, now + 3), 0);
    CHECK_INT(server_endpoints_pick(e, 1 << 2 | 1, now + 3), 1);
    CHECK_INT(server_endpoints_pick(e, 7, now + 3), -1);
    server_endpoints_free(e);
}
