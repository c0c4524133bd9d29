#include "base/num.h"

#include <math.h>

#include "testing/test.h"

static void formats(double v, const char *prometheus, const char *f, const char *json)
{
    char out[NUM_MAX];
    CHECK_STR(((str){out, num_format_prometheus(v, out)}), ((str){prometheus, strlen(prometheus)}));
    if (f) CHECK_STR(((str){out, num_format_f(v, out)}), ((str){f, strlen(f)}));
    CHECK_STR(((str){out, num_format_json(v, out)}), ((str){json, strlen(json)}));
}

TEST(num_formats_are_those_of_go)
{
    formats(0, "0", "0", "0");
    formats(-0.0, "-0", "-0", "-0");
    formats(1, "1", "1", "1");
    formats(0.1, "0.1", "0.1", "0.1");
    formats(-2.5, "-2.5", "-2.5", "-2.5");
    formats(1e15, "1000000000000000", "1000000000000000", "1000000000000000");
    formats(123456789012345680, "123456789012345680", "123456789012345680", "123456789012345680");
    formats(1e20, "100000000000000000000", "100000000000000000000", "100000000000000000000");
    formats(1e21, "1e+21", "1000000000000000000000", "1e+21");
    formats(1.5e300, "1.5e+300", NULL, "1.5e+300");
    formats(1e-6, "0.000001", "0.000001", "0.000001");
    formats(1.5e-7, "1.5e-07", "0.00000015", "1.5e-7");
    formats(1.0 / 3, "0.3333333333333333", "0.3333333333333333", "0.3333333333333333");
    formats(5e-324, "5e-324", NULL, "5e-324");
    formats(NAN, "NaN", "NaN", "NaN");
    formats(INFINITY, "+Inf", "+Inf", "Infinity");
    formats(-INFINITY, "-Inf", "-Inf", "-Infinity");
}

TEST(num_formatted_doubles_read_back_as_themselves)
{
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        double v, back;
        memcpy(&v, &bits, 8);
        if (!isfinite(v)) continue;
        char out[NUM_MAX];
        CHECK(num_parse_f64((str){out, num_format_prometheus(v, out)}, &back) && back == v);
        CHECK(num_parse_f64((str){out, num_format_json(v, out)}, &back) && back == v);
        size_t n = num_format_f(v, out);
        CHECK(n <= NUM_MAX);
        CHECK(num_parse_f64((str){out, n}, &back) && back == v);
    }
}

TEST(num_formats_integers_to_their_ends)
{
    char out[NUM_MAX];
    CHECK_STR(((str){out, num_format_i64(INT64_MIN, out)}), S("-9223372036854775808"));
    CHECK_STR(((str){out, num_format_i64(0, out)}), S("0"));
    CHECK_STR(((str){out, num_format_u64(UINT64_MAX, out)}), S("18446744073709551615"));
}

TEST(num_parse_of_integers_is_the_whole_text_and_in_range)
{
    static const struct {
        const char *text;
        bool i64, u64;
    } cases[] = {
        {"0", true, true},
        {"-1", true, false},
        {"+1", true, false},
        {"9223372036854775807", true, true},
        {"9223372036854775808", false, true},
        {"-9223372036854775808", true, false},
        {"-9223372036854775809", false, false},
        {"18446744073709551615", false, true},
        {"18446744073709551616", false, false},
        {"", false, false},
        {"-", false, false},
        {"1 ", false, false},
        {" 1", false, false},
        {"1.0", false, false},
        {"0x1", false, false},
        {"--1", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        str s = {cases[i].text, strlen(cases[i].text)};
        int64_t v;
        uint64_t u;
        CHECK_INT(num_parse_i64(s, &v), cases[i].i64);
        CHECK_INT(num_parse_u64(s, &u), cases[i].u64);
    }
}

TEST(num_parse_of_doubles_takes_the_words_and_no_other_forms)
{
    double v;
    CHECK(num_parse_f64(S("1.5e3"), &v) && v == 1500);
    CHECK(num_parse_f64(S("-.5"), &v) && v == -0.5);
    CHECK(num_parse_f64(S("NaN"), &v) && isnan(v));
    CHECK(num_parse_f64(S("+Inf"), &v) && v == INFINITY);
    CHECK(num_parse_f64(S("-infinity"), &v) && v == -INFINITY);
    static const char *const bad[] = {"",   "x",   "1x",    "0x1p3", " 1", "1 ",
                                      "1e", "--1", "1.2.3", "nano",  "."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!num_parse_f64((str){bad[i], strlen(bad[i])}, &v));
}

static void check_go(double v, const char *want)
{
    char out[NUM_MAX];
    CHECK_STR(((str){out, num_format_go(v, out)}), ((str){want, strlen(want)}));
}

TEST(numbers_as_go_prints_them_by_g)
{
    check_go(0.0001, "0.0001");
    check_go(0.00005, "5e-05");
    check_go(999999.5, "999999.5");
    check_go(1e6, "1e+06");
    check_go(-1234567.5, "-1.2345675e+06");
    check_go(0, "0");
    check_go(INFINITY, "+Inf");
    check_go(NAN, "NaN");
}
