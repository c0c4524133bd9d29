#include "query/ir/logql_units.h"

#include <math.h>

#include "base/num.h"

static size_t decimal(str s, double *ret)
{
    size_t n = 0, dots = 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || (s.ptr[n] == '.' && dots == 0)))
        dots += s.ptr[n++] == '.';
    if (n == dots || n > 40) return 0;
    return num_parse_f64((str){s.ptr, n}, ret) ? n : 0;
}

struct unit {
    const char *text;
    double size;
};

/* The longest unit at the front of `s`. */
static const struct unit *unit_of(const struct unit *u, size_t n, str s)
{
    const struct unit *best = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(u[i].text);
        if (len <= s.len && memcmp(u[i].text, s.ptr, len) == 0 &&
            (!best || len > strlen(best->text)))
            best = &u[i];
    }
    return best;
}

size_t logql_duration_prefix(str s, nanos *ret)
{
    static const struct unit units[] = {
        {"ns", 1},      {"us", 1e3},     {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
        {"ms", 1e6},    {"s", 1e9},      {"m", 60e9},        {"h", 3600e9},
        {"d", 86400e9}, {"w", 604800e9}, {"y", 31536000e9},
    };
    size_t at = s.len && s.ptr[0] == '-' ? 1 : 0;
    bool negative = at == 1;
    long double sum = 0;
    bool any = false;
    while (at < s.len) {
        double v;
        size_t n = decimal(str_drop(s, at), &v);
        if (!n) break;
        const struct unit *u = unit_of(units, sizeof units / sizeof *units, str_drop(s, at + n));
        if (!u) break;
        at += n + strlen(u->text);
        sum += (long double)v * (long double)u->size;
        any = true;
    }
    /* Letters behind it: not a duration but something else ("5minutes", "1GB"). */
    if (!any || sum > 9.2e18L) return 0;
    if (at < s.len) {
        char c = s.ptr[at];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
            return 0;
    }
    *ret = (nanos)(sum + 0.5L) * (negative ? -1 : 1);
    return at;
}

size_t logql_bytes_prefix(str s, double *ret)
{
    double v;
    size_t n = decimal(s, &v);
    if (!n) return 0;
    str rest = str_drop(s, n);
    static const char prefixes[] = "kmgtpe";
    double size = 1;
    size_t at = 0;
    if (rest.len && rest.ptr[0] != 'b' && rest.ptr[0] != 'B') {
        const char *p = strchr(prefixes, rest.ptr[0] | 0x20);
        if (!p || !*p) return 0;
        bool binary = rest.len > 1 && (rest.ptr[1] | 0x20) == 'i';
        size = pow(binary ? 1024 : 1000, (double)(p - prefixes + 1));
        at = binary ? 2 : 1;
    }
    if (at >= rest.len || (rest.ptr[at] | 0x20) != 'b') return 0;
    at++;
    if (at < rest.len) {
        char c = rest.ptr[at];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
            return 0;
    }
    *ret = v * size;
    return n + at;
}
