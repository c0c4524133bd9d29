#include "base/num_digits.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

enum { MOST_DIGITS = 17, LEAST_DIGITS = 15, POWERS = 28 };

/* 5^k: all that fit 64 bits. */
static const uint64_t pow5[POWERS] = {1,
                                      5,
                                      25,
                                      125,
                                      625,
                                      3125,
                                      15625,
                                      78125,
                                      390625,
                                      1953125,
                                      9765625,
                                      48828125,
                                      244140625,
                                      1220703125,
                                      6103515625,
                                      30517578125,
                                      152587890625,
                                      762939453125,
                                      3814697265625,
                                      19073486328125,
                                      95367431640625,
                                      476837158203125,
                                      2384185791015625,
                                      11920928955078125,
                                      59604644775390625,
                                      298023223876953125,
                                      1490116119384765625,
                                      7450580596923828125};

static uint64_t pow10_of(int n) { return pow5[n] << n; /* n <= 17 */ }

/* Without the zeros at the end. */
static size_t put_digits(uint64_t n, char digits[NUM_DIGITS_MAX])
{
    char tmp[20];
    size_t len = 0;
    while (n % 10 == 0) n /= 10;
    for (; n; n /= 10) tmp[len++] = (char)('0' + n % 10);
    for (size_t i = 0; i < len; i++) digits[i] = tmp[len - 1 - i];
    return len;
}

/* Of v = m * 2^e: v * 10^k is m * 5^k / 2^s, a whole number of 128 bits and a shift, so that all of
 * this is exact. */
struct scaled {
    u128 n;
    int s;
};

static struct scaled scale(uint64_t m, int e, int k)
{
    return (struct scaled){(u128)m * pow5[k], -(e + k)};
}

/* To the nearest, of two equally near the even one, as printf does; *ret_back: read as a decimal
 * number it is v again, being less than half a unit of v's last bit away from it. */
static uint64_t nearest(struct scaled x, int k, bool *ret_back)
{
    u128 unit = (u128)1 << x.s, rest = x.n & (unit - 1), half = unit >> 1;
    uint64_t whole = (uint64_t)(x.n >> x.s);
    bool up = rest > half || (rest == half && whole & 1);
    u128 away = up ? unit - rest : rest;
    *ret_back = 2 * away < pow5[k]; /* 5^k is odd */
    return whole + up;
}

/* False: `v` is too large or too small for 128 bits, or a power of two, whose neighbours are not
 * equally far. */
static bool exact_digits(double v, char digits[NUM_DIGITS_MAX], size_t *ret_n, int *ret_exp)
{
    if (!(v >= 1e-9 && v < 1e15)) return false;
    int e;
    uint64_t m = (uint64_t)(frexp(v, &e) * 9007199254740992.0); /* 2^53 */
    e -= DBL_MANT_DIG;
    if (m == (uint64_t)1 << (DBL_MANT_DIG - 1)) return false;
    int exp = (int)floor(log10(v));
    struct scaled x = scale(m, e, MOST_DIGITS - 1 - exp);
    if (x.s < 1) return false;
    uint64_t whole = (uint64_t)(x.n >> x.s); /* the logarithm may be one off */
    exp += (whole >= pow10_of(MOST_DIGITS)) - (whole < pow10_of(MOST_DIGITS - 1));
    for (int n = LEAST_DIGITS; n <= MOST_DIGITS; n++) {
        int k = n - 1 - exp;
        bool back;
        x = scale(m, e, k);
        if (x.s < 1) return false;
        whole = nearest(x, k, &back);
        if (!back && n < MOST_DIGITS) continue;
        *ret_exp = exp + (whole == pow10_of(n));
        *ret_n = put_digits(whole, digits);
        return true;
    }
    return false;
}

size_t num_digits_plain(double v, char digits[NUM_DIGITS_MAX], int *ret_exp)
{
    char text[40];
    for (int prec = v < DBL_MIN ? 0 : LEAST_DIGITS - 1; prec < MOST_DIGITS; prec++) {
        snprintf(text, sizeof text, "%.*e", prec, v);
        if (prec == MOST_DIGITS - 1 || strtod(text, NULL) == v) break;
    }
    size_t n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    *ret_exp = atoi(p + 1);
    while (n > 1 && digits[n - 1] == '0') n--;
    return n;
}

size_t num_digits(double v, char digits[NUM_DIGITS_MAX], int *ret_exp)
{
    size_t n;
    return exact_digits(v, digits, &n, ret_exp) ? n : num_digits_plain(v, digits, ret_exp);
}
