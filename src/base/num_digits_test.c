#include "base/num_digits.h"

#include <math.h>
#include <stdint.h>

#include "testing/test.h"

static void check_plain(double v)
{
    char got[NUM_DIGITS_MAX], want[NUM_DIGITS_MAX];
    int exp, want_exp;
    if (!(v > 0) || isinf(v)) return;
    size_t n = num_digits(v, got, &exp), want_n = num_digits_plain(v, want, &want_exp);
    CHECK_STR(((str){got, n}), ((str){want, want_n}));
    CHECK_INT(exp, want_exp);
}

static void check_near(double v)
{
    check_plain(v);
    check_plain(nextafter(v, INFINITY));
    check_plain(nextafter(v, 0));
}

TEST(num_digits_are_those_that_the_c_library_prints)
{
    uint64_t bits = 1;
    for (int i = 0; i < 15000; i++) {
        double v;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&v, &bits, sizeof v);
        check_plain(fabs(v));
        double part = (double)(bits >> 11) / 9007199254740992.0;
        check_plain(part * pow(10, i % 28 - 11)); /* all digits, of the sizes that are made here */
        check_plain(round(part * 1e6) / pow(10, i % 12));      /* few digits */
        check_plain(round(part * 1e5) / (double)(i % 97 + 1)); /* as rates are */
    }
}

TEST(num_digits_at_the_powers_of_two_and_ten)
{
    for (int i = -60; i < 60; i++) check_near(ldexp(1, i));
    for (int i = -18; i < 22; i++) {
        check_near(pow(10, i));
        check_near(pow(10, i) * 0.9999999999999995);
        check_near(pow(10, i) * 5);
    }
}
