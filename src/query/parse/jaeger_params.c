#include "query/parse/jaeger_params.h"

#include "base/json_in.h"
#include "base/num.h"

enum { DEFAULT_LIMIT = 100, DEFAULT_LOOKBACK_HOURS = 48, DEFAULT_DEPENDENCY_HOURS = 24 };

static status bad_param(struct err *err, str name, str value, const char *want)
{
    int shown = value.len > 80 ? 80 : (int)value.len;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "unable to parse param '" STR_FMT "': %s, not \"%.*s\"", STR_ARG(name), want,
                   shown, value.ptr ? value.ptr : "");
}

/* --- durations */

/* Longer names first where one begins like another ("ms", "m"). */
static bool unit_scale(str *s, double *ret)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        {"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
        {"s", 1e9}, {"m", 60e9}, {"h", 3600e9},      {"d", 24 * 3600e9}, {"w", 7 * 24 * 3600e9}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].name);
        if (s->len < n || memcmp(s->ptr, units[i].name, n) != 0) continue;
        *s = str_drop(*s, n);
        *ret = units[i].ns;
        return true;
    }
    return false;
}

bool jaeger_duration(str s, int64_t *ret_ns)
{
    if (str_eq(s, S("0"))) {
        *ret_ns = 0;
        return true;
    }
    double total = 0;
    if (s.len == 0) return false;
    while (s.len > 0) {
        size_t n = 0;
        while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '.')) n++;
        double v, scale;
        if (n == 0 || !num_parse_f64((str){s.ptr, n}, &v)) return false;
        s = str_drop(s, n);
        if (!unit_scale(&s, &scale)) return false;
        total += v * scale;
    }
    if (!(total < 9.2e18)) return false;
    *ret_ns = (int64_t)(total + 0.5);
    return true;
}

static status duration_param(const struct query_job *j, str name, int64_t *ret, struct err *err)
{
    str v = job_param(j, name);
    if (v.len && !jaeger_duration(v, ret))
        return bad_param(err, name, v, "want a duration such as 1.2s or 100ms");
    return ST_OK;
}

/* --- times */

/* A whole number of `scale` ns. Before 1970 is 1970; too far is as far as can be. Absent: *ret
 * stays. */
static status time_param(const struct query_job *j, str name, int64_t scale, nanos *ret,
                         struct err *err)
{
    str v = job_param(j, name);
    if (!v.len) return ST_OK;
    int64_t n;
    if (!num_parse_i64(v, &n))
        return bad_param(err, name, v, scale == 1000 ? "want microseconds" : "want milliseconds");
    if (n < 0) n = 0;
    if (__builtin_mul_overflow(n, scale, ret)) *ret = INT64_MAX;
    return ST_OK;
}

static status search_range(const struct query_job *j, struct trace_search *q, struct err *err)
{
    int64_t lookback = DEFAULT_LOOKBACK_HOURS * NANOS_HOUR;
    q->end = j->now;
    TRY(time_param(j, S("end"), 1000, &q->end, err));
    q->start = q->end;
    TRY(time_param(j, S("start"), 1000, &q->start, err));
    if (!job_param(j, S("start")).len) { /* the UI sends lookback=custom beside a start */
        TRY(duration_param(j, S("lookback"), &lookback, err));
        q->start = q->end > lookback ? q->end - lookback : 0;
    }
    if (q->end < INT64_MAX - 999) q->end += 999; /* the whole last microsecond */
    return ST_OK;
}

status jaeger_hint(const struct query_job *j, struct jaeger_range *ret, struct err *err)
{
    *ret = (struct jaeger_range){INT64_MIN, INT64_MAX};
    TRY(time_param(j, S("start"), 1000, &ret->start, err));
    return time_param(j, S("end"), 1000, &ret->end, err);
}

status jaeger_dependency_range(const struct query_job *j, struct jaeger_range *ret, struct err *err)
{
    nanos lookback = DEFAULT_DEPENDENCY_HOURS * NANOS_HOUR;
    ret->end = j->now;
    TRY(time_param(j, S("endTs"), NANOS_MS, &ret->end, err));
    TRY(time_param(j, S("lookback"), NANOS_MS, &lookback, err));
    ret->start = ret->end > lookback ? ret->end - lookback : 0;
    return ST_OK;
}

status jaeger_flag(const struct query_job *j, str name, bool *ret, struct err *err)
{
    str v = job_param(j, name);
    *ret = str_eq(v, S("true")) || str_eq(v, S("1"));
    if (*ret || !v.len || str_eq(v, S("false")) || str_eq(v, S("0"))) return ST_OK;
    return bad_param(err, name, v, "want true or false");
}

/* --- tags */

struct tag_list {
    struct trace_tag *v;
    size_t n;
};

static status add_tag(struct tag_list *l, struct arena *a, str key, str value, struct err *err)
{
    if (l->n == JAEGER_TAGS_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS, "more than %d tags", (int)JAEGER_TAGS_MAX);
    if (!l->v) l->v = arena_array(a, struct trace_tag, JAEGER_TAGS_MAX);
    l->v[l->n++] = (struct trace_tag){key, value};
    return ST_OK;
}

static status add_tag_json(struct tag_list *l, struct arena *a, str text, struct err *err)
{
    struct json_in in = json_read(text, a);
    bool ok = json_next(&in) == JSON_OBJECT;
    while (ok && json_next(&in) == JSON_KEY) {
        str key = in.text;
        switch (json_next(&in)) {
        case JSON_STRING:
        case JSON_NUMBER: TRY(add_tag(l, a, key, in.text, err)); break;
        case JSON_TRUE: TRY(add_tag(l, a, key, S("true"), err)); break;
        case JSON_FALSE: TRY(add_tag(l, a, key, S("false"), err)); break;
        default: ok = false;
        }
    }
    if (ok && in.token == JSON_OBJECT_END && json_next(&in) == JSON_END && !in.bad) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS,
                   "malformed 'tags' parameter, want a JSON object of strings: %s",
                   in.bad ? in.why : "there is another value");
}

static status search_tags(const struct query_job *j, struct trace_search *q, struct err *err)
{
    struct tag_list l = {0};
    str v;
    for (size_t i = 0; (v = job_param_at(j, S("tag"), i)).ptr; i++) {
        const char *colon = memchr(v.ptr, ':', v.len);
        if (!colon)
            return err_set(err, ST_INVALID, ERR_NOPOS,
                           "malformed 'tag' parameter, expecting key:value, received: %.*s",
                           v.len > 80 ? 80 : (int)v.len, v.ptr);
        str key = {v.ptr, (size_t)(colon - v.ptr)};
        TRY(add_tag(&l, j->arena, key, str_drop(v, key.len + 1), err));
    }
    for (size_t i = 0; i <= JAEGER_TAGS_MAX && (v = job_param_at(j, S("tags"), i)).ptr; i++)
        if (v.len) TRY(add_tag_json(&l, j->arena, v, err));
    q->tags = l.v;
    q->n_tags = l.n;
    return ST_OK;
}

/* --- the whole */

static status search_limit(const struct query_job *j, struct trace_search *q, struct err *err)
{
    str v = job_param(j, S("limit"));
    q->limit = DEFAULT_LIMIT;
    if (!v.len) return ST_OK;
    if (!num_parse_u64(v, &q->limit))
        return bad_param(err, S("limit"), v, "want a number of traces");
    if (q->limit == 0) q->limit = DEFAULT_LIMIT;
    if (q->limit > j->limits->max_entries) q->limit = j->limits->max_entries;
    return ST_OK;
}

status jaeger_search(const struct query_job *j, struct trace_search *ret, struct err *err)
{
    struct trace_search q = {0};
    str service = job_param(j, S("service"));
    if (!service.len) return err_set(err, ST_INVALID, ERR_NOPOS, "parameter 'service' is required");
    q.service = trace_service_stored(service);
    str operation = job_param(j, S("operation"));
    if (operation.len) q.operation = operation;
    TRY(search_range(j, &q, err));
    TRY(search_limit(j, &q, err));
    TRY(duration_param(j, S("minDuration"), &q.min_duration, err));
    TRY(duration_param(j, S("maxDuration"), &q.max_duration, err));
    if (q.max_duration && q.min_duration > q.max_duration)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "'maxDuration' should be greater than 'minDuration'");
    TRY(search_tags(j, &q, err));
    *ret = q;
    return ST_OK;
}

status jaeger_trace_ids(const struct query_job *j, const struct trace_id **ret, size_t *ret_n,
                        struct err *err)
{
    size_t n = 0;
    while (n <= JAEGER_IDS_MAX && job_param_at(j, S("traceID"), n).ptr) n++;
    if (n > JAEGER_IDS_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS, "more than %d trace ids", (int)JAEGER_IDS_MAX);
    struct trace_id *ids = arena_array(j->arena, struct trace_id, n + 1);
    for (size_t i = 0; i < n; i++) {
        str v = job_param_at(j, S("traceID"), i);
        if (!trace_id_parse(v, &ids[i]))
            return bad_param(err, S("traceID"), v, "want up to 32 hex digits");
    }
    *ret = ids;
    *ret_n = n;
    return ST_OK;
}

/* --- rate, errors, durations */

static status red_services(const struct query_job *j, struct trace_red_query *q, struct err *err)
{
    size_t n = 0;
    while (n <= JAEGER_IDS_MAX && job_param_at(j, S("service"), n).ptr) n++;
    if (n == 0 || n > JAEGER_IDS_MAX)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "unable to parse param 'service': please provide at least one service name, "
                       "and at most %d",
                       (int)JAEGER_IDS_MAX);
    str *v = arena_array(j->arena, str, n);
    for (size_t i = 0; i < n; i++) v[i] = trace_service_stored(job_param_at(j, S("service"), i));
    q->services = v;
    q->n_services = n;
    return ST_OK;
}

static status red_kinds(const struct query_job *j, struct trace_red_query *q, struct err *err)
{
    str v;
    for (size_t i = 0; (v = job_param_at(j, S("spanKind"), i)).ptr; i++) {
        uint8_t kind = SPAN_KIND_UNSPECIFIED;
        bool known = str_eq(v, S("unspecified")) || (v.len && span_kind_parse(v, &kind));
        if (!known || q->n_kinds == sizeof q->kinds / sizeof *q->kinds)
            return bad_param(err, S("spanKind"), v,
                             "want unspecified, internal, server, client, producer or consumer, "
                             "each once");
        q->kinds[q->n_kinds++] = kind;
    }
    if (!q->n_kinds) q->kinds[q->n_kinds++] = SPAN_KIND_SERVER;
    return ST_OK;
}

/* Milliseconds above 0 as whole windows, in seconds. */
static status red_windows(const struct query_job *j, str name, int64_t *ret, struct err *err)
{
    static const int64_t window_ms = TRACE_RED_SECONDS * 1000, most = 10ll * 366 * 86400 * 1000;
    str v = job_param(j, name);
    int64_t ms = *ret * 1000;
    if (v.len && (!num_parse_i64(v, &ms) || ms <= 0 || ms > most))
        return bad_param(err, name, v, "want milliseconds, more than 0, at most ten years");
    *ret = (ms + window_ms - 1) / window_ms * TRACE_RED_SECONDS;
    return ST_OK;
}

static status red_times(const struct query_job *j, struct trace_red_query *q, struct err *err)
{
    nanos end = j->now;
    int64_t lookback = 3600, points;
    q->step = 5;
    q->rate_s = 600;
    TRY(time_param(j, S("endTs"), NANOS_MS, &end, err));
    TRY(red_windows(j, S("lookback"), &lookback, err));
    TRY(red_windows(j, S("step"), &q->step, err));
    TRY(red_windows(j, S("ratePer"), &q->rate_s, err));
    int64_t last = end / NANOS_S / TRACE_RED_SECONDS * TRACE_RED_SECONDS;
    points = lookback / q->step + 1;
    if (points > 11000)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "unable to parse param 'step': more than 11000 points; take a wider step");
    if (last > UINT32_MAX || last < lookback + q->rate_s)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "unable to parse param 'endTs': the range is not between 1970 and 2106");
    q->start = last - (points - 1) * q->step;
    q->n = (uint32_t)points;
    return ST_OK;
}

status jaeger_red_query(const struct query_job *j, struct trace_red_query *ret, struct err *err)
{
    static const str names[] = {
        [TRACE_RED_CALLS] = S("calls"),
        [TRACE_RED_ERRORS] = S("errors"),
        [TRACE_RED_LATENCIES] = S("latencies"),
    };
    size_t what = 0;
    while (what < 3 && !str_eq(names[what], j->segment)) what++;
    if (what == 3)
        return err_set(err, ST_NOT_FOUND, ERR_NOPOS,
                       "no such metric: want calls, errors, latencies or minstep");
    struct trace_red_query q = {.what = (enum trace_red_what)what};
    str quantile = job_param(j, S("quantile"));
    if (what == TRACE_RED_LATENCIES &&
        !(num_parse_f64(quantile, &q.quantile) && q.quantile >= 0 && q.quantile <= 1))
        return bad_param(err, S("quantile"), quantile, "want a number from 0 to 1");
    TRY(red_services(j, &q, err));
    TRY(red_kinds(j, &q, err));
    TRY(jaeger_flag(j, S("groupByOperation"), &q.by_operation, err));
    TRY(red_times(j, &q, err));
    *ret = q;
    return ST_OK;
}
