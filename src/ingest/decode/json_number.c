#include "ingest/decode/json_number.h"

#include "base/num.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* digits[.digits][(e|E)[+|-]digits], no sign. */
static bool magnitude(str s, uint64_t *ret)
{
    if (num_parse_u64(s, ret)) return true;
    size_t i = 0;
    int64_t exponent = 0, zeros = 0; /* zeros: read, and not yet known to be trailing */
    uint64_t v = 0;
    bool point = false, any = false, whole = true;
    for (; i < s.len && (is_digit(s.ptr[i]) || (s.ptr[i] == '.' && !point)); i++) {
        if (s.ptr[i] == '.') {
            point = true;
            continue;
        }
        any = true;
        if (point) exponent--;
        if (s.ptr[i] == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0 && v; zeros--) whole &= !__builtin_mul_overflow(v, 10u, &v);
        zeros = 0;
        whole &= !__builtin_mul_overflow(v, 10u, &v);
        whole &= !__builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v);
    }
    if (!any || !whole) return false;
    exponent += zeros;
    if (i < s.len && (s.ptr[i] | 0x20) == 'e') {
        int64_t e;
        if (!num_parse_i64(str_drop(s, i + 1), &e) || e > 100000 || e < -100000) return false;
        exponent += e;
        i = s.len;
    }
    if (i != s.len) return false;
    if (v == 0) return *ret = 0, true;
    if (exponent < 0) return false;
    for (; exponent > 0; exponent--)
        if (__builtin_mul_overflow(v, 10u, &v)) return false;
    *ret = v;
    return true;
}

bool json_number_u64(str s, uint64_t *ret)
{
    bool minus = s.len && s.ptr[0] == '-';
    return magnitude(minus ? str_drop(s, 1) : s, ret) && (!minus || *ret == 0);
}

bool json_number_i64(str s, int64_t *ret)
{
    bool minus = s.len && s.ptr[0] == '-';
    uint64_t v;
    if (!magnitude(minus ? str_drop(s, 1) : s, &v) || v > (uint64_t)INT64_MAX + minus) return false;
    *ret = minus ? (int64_t)-v : (int64_t)v;
    return true;
}
