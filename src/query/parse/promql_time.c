/* Times as Prometheus' API takes them: seconds with a fraction, or RFC 3339. */
#include <math.h>

#include "base/num.h"
#include "query/parse/parse.h"

static bool digits(str *s, unsigned n, int64_t *ret)
{
    if (s->len < n) return false;
    int64_t v = 0;
    for (unsigned i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9') return false;
        v = v * 10 + (s->ptr[i] - '0');
    }
    *s = str_drop(*s, n);
    *ret = v;
    return true;
}

static bool skip(str *s, char c)
{
    if (!s->len || *s->ptr != c) return false;
    *s = str_drop(*s, 1);
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t day_number(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool rfc3339(str s, int64_t *ret)
{
    int64_t y, mo, d, h, mi, sec, ms = 0, zone_h = 0, zone_m = 0;
    if (!digits(&s, 4, &y) || !skip(&s, '-') || !digits(&s, 2, &mo) || !skip(&s, '-') ||
        !digits(&s, 2, &d))
        return false;
    if (!skip(&s, 'T') && !skip(&s, 't')) return false;
    if (!digits(&s, 2, &h) || !skip(&s, ':') || !digits(&s, 2, &mi) || !skip(&s, ':') ||
        !digits(&s, 2, &sec))
        return false;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 60) return false;
    if (skip(&s, '.')) {
        int64_t digit, scale = 100;
        if (!s.len || *s.ptr < '0' || *s.ptr > '9') return false;
        for (; digits(&s, 1, &digit); scale /= 10) ms += digit * scale;
    }
    if (!skip(&s, 'Z') && !skip(&s, 'z')) {
        bool minus = skip(&s, '-');
        if (!minus && !skip(&s, '+')) return false;
        if (!digits(&s, 2, &zone_h) || !skip(&s, ':') || !digits(&s, 2, &zone_m)) return false;
        if (minus) zone_h = -zone_h, zone_m = -zone_m;
    }
    if (s.len) return false;
    *ret = ((day_number(y, mo, d) * 24 + h - zone_h) * 60 + mi - zone_m) * 60000 + sec * 1000 + ms;
    return true;
}

status promql_parse_time(str text, int64_t *ret_ms, struct err *err)
{
    double v;
    if (num_parse_f64(text, &v) && isfinite(v) && fabs(v) < 9e15) {
        *ret_ms = (int64_t)round(v * 1000);
        return ST_OK;
    }
    if (rfc3339(text, ret_ms)) return ST_OK;
    /* what Prometheus' client library sends for "ever" */
    if (str_eq(text, S("-292273086-05-16T16:47:06Z"))) return *ret_ms = INT64_MIN / 4, ST_OK;
    if (str_eq(text, S("+292277025-08-18T07:12:54.999999999Z")))
        return *ret_ms = INT64_MAX / 4, ST_OK;
    return err_set(err, ST_INVALID, 0, "cannot parse \"" STR_FMT "\" to a valid timestamp",
                   STR_ARG(text));
}

status promql_parse_span(str text, int64_t *ret_ms, struct err *err)
{
    double v;
    if (num_parse_f64(text, &v)) {
        if (!(fabs(v) < 9.2e9))
            return err_set(err, ST_INVALID, 0,
                           "cannot parse \"" STR_FMT "\" to a valid duration. It overflows int64",
                           STR_ARG(text));
        *ret_ms = (int64_t)round(v * 1000);
        return ST_OK;
    }
    if (promql_parse_duration(text, ret_ms, NULL) == ST_OK) return ST_OK;
    return err_set(err, ST_INVALID, 0, "cannot parse \"" STR_FMT "\" to a valid duration",
                   STR_ARG(text));
}
