#include "query/fetch/kept.h"

#include <stdio.h>

#include "testing/test.h"

static const struct kept_mark now = {.epoch = 7, .series = 3};

static bool has(struct kept *k, const char *question, struct kept_mark mark, const char *answer)
{
    const struct kept_answer *a = kept_find(k, str_of(question), mark);
    if (!a) return false;
    bool same = str_eq(kept_bytes(a), str_of(answer));
    kept_done(k, a);
    return same;
}

TEST(an_answer_is_kept_until_series_or_anything_else_changed)
{
    struct kept *k = kept_new(1 << 20);
    CHECK(!has(k, "q", now, "a"));
    kept_put(k, S("q"), now, S("a"));
    kept_put(k, S("r"), now, S(""));
    CHECK(has(k, "q", now, "a") && has(k, "r", now, ""));
    kept_put(k, S("q"), now, S("newer"));
    CHECK(has(k, "q", now, "newer"));
    CHECK(!has(k, "q", (struct kept_mark){.epoch = 7, .series = 4}, "newer"));
    CHECK(!has(k, "q", now, "newer")); /* it went */
    CHECK(!has(k, "r", (struct kept_mark){.epoch = 8, .series = 3}, ""));
    kept_free(k);
}

TEST(an_answer_may_hold_for_a_time)
{
    struct kept *k = kept_new(1 << 20);
    struct kept_mark mark = now;
    mark.until = clock_monotonic() + 3600 * NANOS_S;
    kept_put(k, S("q"), mark, S("a"));
    CHECK(has(k, "q", now, "a"));
    mark.until = clock_monotonic() - 1;
    kept_put(k, S("q"), mark, S("a"));
    CHECK(!has(k, "q", now, "a"));
    kept_free(k);
}

TEST(what_was_used_longest_ago_goes_first_and_what_is_in_use_stays)
{
    char question[16];
    struct kept *k = kept_new(1000);
    kept_put(k, S("first"), now, S("0123456789012345678901234567890123456789"));
    kept_put(k, S("large"), now, (str){(char[200]){}, 200}); /* an eighth at most */
    CHECK(!kept_find(k, S("large"), now));
    const struct kept_answer *held = kept_find(k, S("first"), now);
    for (int i = 0; i < 500; i++) {
        snprintf(question, sizeof question, "q%03d", i);
        kept_put(k, str_of(question), now, S("0123456789012345678901234567890123456789"));
        CHECK(has(k, "q000", now, "0123456789012345678901234567890123456789"));
    }
    CHECK(!kept_find(k, S("first"), now) && !kept_find(k, S("q100"), now));
    CHECK(has(k, "q499", now, "0123456789012345678901234567890123456789"));
    CHECK_STR(kept_bytes(held), S("0123456789012345678901234567890123456789"));
    kept_done(k, held);
    kept_free(k);
}
