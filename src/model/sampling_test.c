#include "model/sampling.h"

#include "testing/test.h"

static struct arena arena;

static str written(str state, struct sampling_state s)
{
    arena_done(&arena);
    arena_init(&arena, 1 << 20);
    return sampling_write(&arena, state, &s);
}

TEST(sampling_reads_threshold_and_randomness_of_the_ot_entry)
{
    struct sampling_state s = sampling_read(S("a=th:1, ot=xx:1;th:c;rv:9b8233f7e3a151 ,b=2"));
    CHECK(s.has_threshold && s.threshold == 0xc0000000000000);
    CHECK(s.has_randomness && s.randomness == 0x9b8233f7e3a151);
    s = sampling_read(S("ot=th:;rv:9b82"));
    CHECK(!s.has_threshold && !s.has_randomness);
    s = sampling_read(S("ot=th:C"));
    CHECK(!s.has_threshold);
    s = sampling_read(S("vendor=ot=th:8"));
    CHECK(!s.has_threshold);
}

TEST(sampling_writes_the_ot_entry_in_front_and_keeps_the_rest)
{
    struct sampling_state s = {.has_threshold = true, .threshold = 0xe6660000000000};
    CHECK_STR(written(S(""), s), S("ot=th:e666"));
    CHECK_STR(written(S("a=1,ot=rv:9b8233f7e3a151;th:8;x:y,b=2"), s), S("ot=th:e666;x:y,a=1,b=2"));
    s.has_randomness = true;
    s.randomness = 0x1f;
    CHECK_STR(written(S("a=1"), s), S("ot=th:e666;rv:0000000000001f,a=1"));
    s = (struct sampling_state){0};
    CHECK_STR(written(S("ot=th:8,a=1"), s), S("a=1"));
    CHECK_STR(written(S("ot=th:8;k:v"), s), S("ot=k:v"));
    CHECK_STR(written(S("ot=th:8"), s), S(""));
}

TEST(sampling_threshold_of_nothing_dropped_is_one_zero)
{
    char text[SAMPLING_DIGITS];
    CHECK_STR(((str){text, sampling_threshold_text(0, text)}), S("0"));
    CHECK_STR(((str){text, sampling_threshold_text(1, text)}), S("00000000000001"));
}

TEST(sampling_threshold_is_rounded_as_the_specification_tabulates)
{
    static const struct {
        double n;
        str digits[3]; /* precision 3, 4, 5 */
    } table[] = {
        {1, {S("0"), S("0"), S("0")}},
        {2, {S("8"), S("8"), S("8")}},
        {3, {S("aab"), S("aaab"), S("aaaab")}},
        {5, {S("ccd"), S("cccd"), S("ccccd")}},
        {10, {S("e66"), S("e666"), S("e6666")}},
        {16, {S("f"), S("f"), S("f")}},
        {100, {S("fd71"), S("fd70a"), S("fd70a4")}},
        {1000, {S("ffbe7"), S("ffbe77"), S("ffbe76d")}},
        {100000, {S("ffff584"), S("ffff583a"), S("ffff583a5")}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (unsigned p = 3; p <= 5; p++) {
            char text[SAMPLING_DIGITS];
            size_t n = sampling_threshold_text(sampling_threshold(1 / table[i].n, p), text);
            CHECK_STR(((str){text, n}), table[i].digits[p - 3]);
        }
    CHECK(sampling_threshold(1e-30, 4) == SAMPLING_ALL);
}

TEST(sampling_count_is_one_over_the_probability)
{
    CHECK_NEAR(sampling_count(0), 1, 0);
    CHECK_NEAR(sampling_adjusted_count(S("ot=th:c")), 4, 0);
    CHECK_NEAR(sampling_adjusted_count(S("ot=rv:9b8233f7e3a151")), 1, 0);
}
