#include "query/loki_params.h"

#include <math.h>

#include "base/num.h"
#include "query/ir/logql_units.h"

static bool digits(str s, size_t at, size_t n, int *ret)
{
    int v = 0;
    if (at + n > s.len) return false;
    for (size_t i = at; i < at + n; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        v = v * 10 + (s.ptr[i] - '0');
    }
    *ret = v;
    return true;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant's civil-from-days, the
 * other way). */
static int64_t days_of(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* 2006-01-02T15:04:05.999999999Z, or +07:00 (a form's decoding may have made the plus a space). */
static bool rfc3339(str s, nanos *ret)
{
    int y, mo, d, h, mi, sec, oh = 0, om = 0;
    if (s.len < 20 || !digits(s, 0, 4, &y) || !digits(s, 5, 2, &mo) || !digits(s, 8, 2, &d) ||
        !digits(s, 11, 2, &h) || !digits(s, 14, 2, &mi) || !digits(s, 17, 2, &sec))
        return false;
    if (s.ptr[4] != '-' || s.ptr[7] != '-' || (s.ptr[10] | 0x20) != 't' || s.ptr[13] != ':' ||
        s.ptr[16] != ':')
        return false;
    if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 60 || y < 1678 ||
        y > 2261)
        return false;
    size_t at = 19;
    int64_t ns = 0;
    if (s.ptr[at] == '.') {
        int64_t unit = 100000000;
        size_t from = ++at;
        while (at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9') {
            ns += unit * (s.ptr[at++] - '0');
            unit /= 10;
        }
        if (at == from) return false;
    }
    if (at == s.len) return false;
    char zone = s.ptr[at];
    if ((zone | 0x20) == 'z') {
        if (at + 1 != s.len) return false;
    } else {
        if (zone != '+' && zone != '-' && zone != ' ') return false;
        if (at + 6 != s.len || s.ptr[at + 3] != ':' || !digits(s, at + 1, 2, &oh) ||
            !digits(s, at + 4, 2, &om))
            return false;
    }
    int64_t offset = (oh * 60 + om) * 60 * (zone == '-' ? -1 : 1);
    *ret = (days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - offset) * NANOS_S + ns;
    return true;
}

status loki_time(str s, nanos *ret, struct err *err)
{
    int64_t i;
    double f;
    if (memchr(s.ptr ? s.ptr : "", '.', s.len) && num_parse_f64(s, &f) && fabs(f) < 9e9) {
        *ret = (int64_t)floor(f) * NANOS_S + llround((f - floor(f)) * 1000) * NANOS_MS;
        return ST_OK;
    }
    if (num_parse_i64(s, &i)) {
        *ret = s.len <= 10 ? i * NANOS_S : i;
        return ST_OK;
    }
    if (rfc3339(s, ret)) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "cannot parse \"%.*s\" as a time",
                   (int)(s.len < 60 ? s.len : 60), s.ptr ? s.ptr : "");
}

status loki_duration(str s, nanos *ret, struct err *err)
{
    double f;
    if (num_parse_f64(s, &f)) {
        if (fabs(f) < 9e9) {
            *ret = (nanos)llround(f * (double)NANOS_S);
            return ST_OK;
        }
    } else if (s.len && logql_duration_prefix(s, ret) == s.len) {
        return ST_OK;
    }
    return err_set(err, ST_INVALID, ERR_NOPOS, "cannot parse \"%.*s\" to a valid duration",
                   (int)(s.len < 60 ? s.len : 60), s.ptr ? s.ptr : "");
}

static status time_param(const struct query_job *j, str name, nanos otherwise, nanos *ret,
                         struct err *err)
{
    str v = job_param(j, name);
    *ret = otherwise;
    if (!v.len) return ST_OK;
    status s = loki_time(v, ret, err);
    return s == ST_OK
               ? s
               : err_wrap(err, s, "could not parse '%.*s' parameter", (int)name.len, name.ptr);
}

static status duration_param(const struct query_job *j, str name, nanos otherwise, nanos *ret,
                             struct err *err)
{
    str v = job_param(j, name);
    *ret = otherwise;
    if (!v.len) return ST_OK;
    status s = loki_duration(v, ret, err);
    return s == ST_OK
               ? s
               : err_wrap(err, s, "could not parse '%.*s' parameter", (int)name.len, name.ptr);
}

status loki_bounds(const struct query_job *j, nanos *ret_start, nanos *ret_end, struct err *err)
{
    nanos since, end, start;
    TRY(duration_param(j, S("since"), NANOS_HOUR, &since, err));
    TRY(time_param(j, S("end"), j->now, &end, err));
    nanos from = end > j->now ? j->now : end; /* an end in the future: the last hour until now */
    TRY(time_param(j, S("start"), from - since, &start, err));
    *ret_start = start;
    *ret_end = end;
    return ST_OK;
}

status loki_limit(const struct query_job *j, uint64_t *ret, struct err *err)
{
    str v = job_param(j, S("limit"));
    int64_t n = 100;
    if (v.len && !num_parse_i64(v, &n))
        return err_set(err, ST_INVALID, ERR_NOPOS, "could not parse 'limit' parameter: \"%.*s\"",
                       (int)(v.len < 60 ? v.len : 60), v.ptr);
    if (n <= 0) return err_set(err, ST_INVALID, ERR_NOPOS, "limit must be a positive value");
    *ret = (uint64_t)n;
    return ST_OK;
}

status loki_direction(const struct query_job *j, bool *ret_forward, struct err *err)
{
    str v = job_param(j, S("direction"));
    *ret_forward = str_eq_fold(v, S("forward"));
    if (!v.len || *ret_forward || str_eq_fold(v, S("backward"))) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "invalid direction '%.*s'",
                   (int)(v.len < 60 ? v.len : 60), v.ptr);
}

nanos loki_default_step(nanos start, nanos end)
{
    double seconds = floor((double)(end - start) / (double)NANOS_S / 250);
    return (seconds < 1 ? 1 : (nanos)seconds) * NANOS_S;
}

status loki_range_params(const struct query_job *j, struct loki_range_params *ret, struct err *err)
{
    struct loki_range_params p;
    TRY(loki_bounds(j, &p.start, &p.end, err));
    TRY(duration_param(j, S("step"), loki_default_step(p.start, p.end), &p.step, err));
    TRY(duration_param(j, S("interval"), 0, &p.interval, err));
    TRY(loki_limit(j, &p.limit, err));
    TRY(loki_direction(j, &p.forward, err));
    if (p.end <= p.start)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "end timestamp must not be before or equal to start time");
    if (p.step <= 0)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "zero or negative query resolution step widths are not accepted. Try a "
                       "positive integer");
    if (p.interval < 0) return err_set(err, ST_INVALID, ERR_NOPOS, "interval must be >= 0");
    if ((p.end - p.start) / p.step > 11000)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "exceeded maximum resolution of 11,000 points per time series. Try "
                       "increasing the value of "
                       "the step parameter");
    *ret = p;
    return ST_OK;
}
