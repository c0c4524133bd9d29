#include "base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/num_digits.h"

size_t num_format_u64(uint64_t v, char *out)
{
    char tmp[20];
    size_t n = 0;
    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++) out[i] = tmp[n - 1 - i];
    return n;
}

size_t num_format_i64(int64_t v, char *out)
{
    if (v >= 0) return num_format_u64((uint64_t)v, out);
    *out = '-';
    return 1 + num_format_u64(-(uint64_t)v, out + 1);
}

static size_t put_str(char *out, const char *s)
{
    size_t n = strlen(s);
    memcpy(out, s, n);
    return n;
}

static size_t put_plain(char *out, const char *digits, size_t n, int exp)
{
    char *p = out;
    if (exp < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > exp; i--) *p++ = '0';
        memcpy(p, digits, n);
        return (size_t)(p + n - out);
    }
    for (size_t i = 0; i < n || (int)i <= exp; i++) {
        if (i == (size_t)exp + 1) *p++ = '.';
        *p++ = i < n ? digits[i] : '0';
    }
    return (size_t)(p - out);
}

static size_t put_exponent(char *out, const char *digits, size_t n, int exp, int min_digits)
{
    char *p = out;
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, n - 1);
        p += n - 1;
    }
    return (size_t)(p - out) +
           (size_t)snprintf(p, 8, "e%c%0*d", exp < 0 ? '-' : '+', min_digits, exp < 0 ? -exp : exp);
}

static size_t format(double v, char *out, bool exponent, int min_digits)
{
    if (v == 0) return put_str(out, signbit(v) ? "-0" : "0");
    char *p = out;
    if (v < 0) {
        *p++ = '-';
        v = -v;
    }
    if (v < 1e15 && v == (double)(uint64_t)v)
        return (size_t)(p - out) + num_format_u64((uint64_t)v, p);
    char digits[NUM_DIGITS_MAX];
    int exp;
    size_t n = num_digits(v, digits, &exp);
    p += exponent && (v < 1e-6 || v >= 1e21) ? put_exponent(p, digits, n, exp, min_digits)
                                             : put_plain(p, digits, n, exp);
    return (size_t)(p - out);
}

static size_t special(double v, char *out)
{
    return put_str(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

size_t num_format_prometheus(double v, char *out)
{
    return isfinite(v) ? format(v, out, true, 2) : special(v, out);
}

size_t num_format_go(double v, char *out)
{
    if (!isfinite(v)) return special(v, out);
    double abs = v < 0 ? -v : v;
    if (v == 0 || (abs >= 1e-4 && abs < 1e6)) return format(v, out, false, 2);
    char *p = out, digits[NUM_DIGITS_MAX];
    int exp;
    if (v < 0) *p++ = '-';
    size_t n = num_digits(abs, digits, &exp);
    return (size_t)(p - out) + put_exponent(p, digits, n, exp, 2);
}

size_t num_format_f(double v, char *out)
{
    return isfinite(v) ? format(v, out, false, 2) : special(v, out);
}

size_t num_format_json(double v, char *out)
{
    if (isfinite(v)) return format(v, out, true, 1);
    return put_str(out, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

bool num_parse_u64(str s, uint64_t *ret)
{
    if (s.len == 0) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
            return false;
    }
    *ret = v;
    return true;
}

bool num_parse_i64(str s, int64_t *ret)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    if (minus || (s.len > 0 && s.ptr[0] == '+')) s = str_drop(s, 1);
    uint64_t v;
    if (!num_parse_u64(s, &v) || v > (uint64_t)INT64_MAX + minus) return false;
    *ret = minus ? (int64_t)-v : (int64_t)v;
    return true;
}

bool num_parse_f64(str s, double *ret)
{
    char text[512];
    if (s.len == 0 || s.len >= sizeof text) return false;
    size_t sign = s.ptr[0] == '-' || s.ptr[0] == '+';
    str bare = str_drop(s, sign);
    bool minus = sign && s.ptr[0] == '-';
    if ((bare.len == 3 && strncasecmp(bare.ptr, "inf", 3) == 0) ||
        (bare.len == 8 && strncasecmp(bare.ptr, "infinity", 8) == 0)) {
        *ret = minus ? -INFINITY : INFINITY;
        return true;
    }
    if (bare.len == 3 && strncasecmp(bare.ptr, "nan", 3) == 0) {
        *ret = NAN;
        return true;
    }
    for (size_t i = 0; i < bare.len; i++) {
        char c = bare.ptr[i];
        if ((c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-')
            return false;
    }
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    char *end;
    double v = strtod(text, &end);
    if (end != text + s.len || end == text) return false;
    *ret = v;
    return true;
}
