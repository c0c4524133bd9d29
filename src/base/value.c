#include "base/value.h"

#include <math.h>

#include "base/num.h"
#include "base/utf8.h"

/* Splits a leading decimal number off *s. */
static bool take_number(str *s, double *ret)
{
    size_t n = 0;
    while (n < s->len && ((s->ptr[n] >= '0' && s->ptr[n] <= '9') || s->ptr[n] == '.')) n++;
    if (n == 0 || !num_parse_f64((str){s->ptr, n}, ret)) return false;
    *s = str_drop(*s, n);
    return true;
}

status value_size(str s, uint64_t *ret, struct err *err)
{
    static const struct {
        str name;
        double factor;
    } units[] = {
        {S(""), 1},
        {S("B"), 1},
        {S("KiB"), 1024},
        {S("MiB"), 1048576},
        {S("GiB"), 1073741824},
        {S("TiB"), 0x1p40},
        {S("KB"), 1e3},
        {S("MB"), 1e6},
        {S("GB"), 1e9},
        {S("TB"), 1e12},
    };
    str rest = s;
    double v;
    if (take_number(&rest, &v))
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (str_eq(rest, units[i].name) && v * units[i].factor < 0x1p62) {
                *ret = (uint64_t)(v * units[i].factor);
                return ST_OK;
            }
    return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is not a size such as 64MiB",
                   STR_ARG(s));
}

static const struct {
    str name;
    nanos ns;
} time_units[] = {
    {S("y"), 365 * NANOS_DAY}, {S("w"), 7 * NANOS_DAY}, {S("d"), NANOS_DAY},
    {S("h"), NANOS_HOUR},      {S("m"), 60 * NANOS_S},  {S("s"), NANOS_S},
    {S("ms"), NANOS_MS},       {S("us"), 1000},         {S("ns"), 1},
};
enum { TIME_UNITS = sizeof time_units / sizeof *time_units };

status value_time(str s, nanos *ret, struct err *err)
{
    if (str_eq(s, S("0"))) {
        *ret = 0;
        return ST_OK;
    }
    double total = 0;
    bool ok = s.len > 0;
    for (str rest = s; ok && rest.len > 0;) {
        double v;
        ok = take_number(&rest, &v);
        size_t n = 0;
        while (n < rest.len && rest.ptr[n] >= 'a' && rest.ptr[n] <= 'z') n++;
        size_t u = 0;
        while (u < TIME_UNITS && !str_eq((str){rest.ptr, n}, time_units[u].name)) u++;
        ok = ok && u < TIME_UNITS;
        if (ok) total += v * (double)time_units[u].ns;
        rest = str_drop(rest, n);
    }
    if (!ok || total >= 0x1p62)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "\"" STR_FMT "\" is not a duration such as 10s, 1h30m or 30d", STR_ARG(s));
    *ret = (nanos)llround(total);
    return ST_OK;
}

status value_choice(str s, const char *list, uint32_t *ret, struct err *err)
{
    uint32_t i = 0;
    for (const char *at = list; at; i++) {
        const char *bar = strchr(at, '|');
        str one = {at, bar ? (size_t)(bar - at) : strlen(at)};
        if (str_eq(s, one)) {
            *ret = i;
            return ST_OK;
        }
        at = bar ? bar + 1 : NULL;
    }
    return err_set(err, ST_INVALID, ERR_NOPOS, "\"" STR_FMT "\" is not one of %s", STR_ARG(s),
                   list);
}

void value_print_size(struct buf *out, uint64_t v)
{
    static const char *const names[] = {"", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    while (u < 4 && v && v % 1024 == 0) {
        v /= 1024;
        u++;
    }
    buf_printf(out, "%llu%s", (unsigned long long)v, names[u]);
}

void value_print_time(struct buf *out, nanos v)
{
    for (size_t u = 2; u < TIME_UNITS; u++)
        if (v && v % time_units[u].ns == 0) {
            buf_printf(out, "%lld" STR_FMT, (long long)(v / time_units[u].ns),
                       STR_ARG(time_units[u].name));
            return;
        }
    buf_char(out, '0');
}

/* Characters of YAML that a quoted text cannot hold as they are, or would not give back. */
static const char *escape_of(str c)
{
    static const struct {
        str c;
        const char *escape;
    } odd[] = {
        {S("\xe2\x80\xa8"), "\\u2028"}, {S("\xe2\x80\xa9"), "\\u2029"},
        {S("\xef\xbb\xbf"), "\\ufeff"}, {S("\xef\xbf\xbe"), "\\ufffe"},
        {S("\xef\xbf\xbf"), "\\uffff"},
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (str_eq(c, odd[i].c)) return odd[i].escape;
    return NULL;
}

void value_print_text(struct buf *out, str s)
{
    buf_char(out, '"');
    while (s.len) {
        size_t n = utf8_length(s.ptr, s.len);
        str c = {s.ptr, n ? n : 1};
        uint8_t first = (uint8_t)s.ptr[0], last = (uint8_t)s.ptr[c.len - 1];
        const char *escape = escape_of(c);
        if (n == 0)
            buf_add(out, S("\xef\xbf\xbd"));
        else if (escape)
            buf_add(out, (str){escape, strlen(escape)});
        else if (first < 0x20 || first == 0x7f || (first == 0xc2 && last < 0xa0))
            buf_printf(out, "\\x%02x", last);
        else if (first == '"' || first == '\\')
            buf_char(out, '\\'), buf_char(out, s.ptr[0]);
        else
            buf_add(out, c);
        s = str_drop(s, c.len);
    }
    buf_char(out, '"');
}
