#include "query/render/exposition.h"

#include "testing/test.h"

static void check_text(const struct series_set *set, bool utf8, str want)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    uint32_t next = 0;
    CHECK(exposition_write(&b, set, utf8, &next, 1 << 20));
    CHECK_STR(buf_str(&b), want);
    buf_clear(&b);
    for (next = 0; !exposition_write(&b, set, utf8, &next, 1);) continue; /* one a call */
    CHECK_STR(buf_str(&b), want);
    buf_done(&b);
}

TEST(a_family_is_untyped_and_each_series_has_its_last_sample)
{
    struct label a[] = {{LABEL_NAME, S("up")},
                        {S("instance"), S("i1")},
                        {S("job"), S("a\"b\\c\nd")}},
                 b[] = {{LABEL_NAME, S("up")}, {S("job"), S("x")}}, c[] = {{LABEL_NAME, S("v")}};
    struct sample s[] = {{1000, 0}, {2500, 1.5}};
    struct raw_series list[] = {{.labels = {a, 3}, .samples = s, .n = 2},
                                {.labels = {b, 2}, .samples = s, .n = 1},
                                {.labels = {c, 1}, .samples = s, .n = 1}};
    check_text(&(struct series_set){list, 3}, false,
               S("# TYPE up untyped\n"
                 "up{instance=\"i1\",job=\"a\\\"b\\\\c\\nd\"} 1.5 2500\n"
                 "up{job=\"x\",instance=\"\"} 0 1000\n"
                 "# TYPE v untyped\n"
                 "v{instance=\"\"} 0 1000\n"));
}

TEST(names_beyond_the_classic_ones_are_quoted_or_escaped)
{
    struct label a[] = {{LABEL_NAME, S("http.rate")}, {S("a.b"), S("x")}};
    struct sample s[] = {{1000, 2}};
    struct raw_series one = {.labels = {a, 2}, .samples = s, .n = 1};
    check_text(&(struct series_set){&one, 1}, true,
               S("# TYPE \"http.rate\" untyped\n"
                 "{\"http.rate\",\"a.b\"=\"x\",instance=\"\"} 2 1000\n"));
    check_text(&(struct series_set){&one, 1}, false,
               S("# TYPE http_rate untyped\nhttp_rate{a_b=\"x\",instance=\"\"} 2 1000\n"));
}

TEST(a_native_histogram_has_its_count_and_sum)
{
    struct label a[] = {{LABEL_NAME, S("h")}, {S("instance"), S("i")}};
    struct histogram h = {.count = 4, .sum = 5.5};
    struct histogram_sample s[] = {{1000, &h, 0}};
    struct raw_series one = {.labels = {a, 2}, .histograms = s, .n_histograms = 1};
    check_text(&(struct series_set){&one, 1}, false,
               S("# TYPE h histogram\nh_bucket{instance=\"i\",le=\"+Inf\"} 4 1000\n"
                 "h_sum{instance=\"i\"} 5.5 1000\nh_count{instance=\"i\"} 4 1000\n"));
}
