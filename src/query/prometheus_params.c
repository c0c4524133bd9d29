#include "query/prometheus_params.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/utf8.h"
#include "query/parse/parse.h"

static status invalid(str name, status s, struct err *err)
{
    return s == ST_OK ? s : err_wrap(err, s, "invalid parameter \"" STR_FMT "\"", STR_ARG(name));
}

status prometheus_time_needed(const struct query_job *j, str name, int64_t *ret_ms, struct err *err)
{
    return invalid(name, promql_parse_time(job_param(j, name), ret_ms, err), err);
}

status prometheus_span_needed(const struct query_job *j, str name, int64_t *ret_ms, struct err *err)
{
    return invalid(name, promql_parse_span(job_param(j, name), ret_ms, err), err);
}

status prometheus_time_param(const struct query_job *j, str name, int64_t fallback, int64_t *ret_ms,
                             struct err *err)
{
    *ret_ms = fallback;
    return job_param(j, name).len ? prometheus_time_needed(j, name, ret_ms, err) : ST_OK;
}

status prometheus_span_param(const struct query_job *j, str name, int64_t fallback, int64_t *ret_ms,
                             struct err *err)
{
    *ret_ms = fallback;
    return job_param(j, name).len ? prometheus_span_needed(j, name, ret_ms, err) : ST_OK;
}

status prometheus_number_param(const struct query_job *j, str name, int64_t *ret, struct err *err)
{
    str text = job_param(j, name);
    int64_t v = -1;
    if (text.len && !num_parse_i64(text, &v))
        return err_set(err, ST_INVALID, 0, "" STR_FMT " must be a number", STR_ARG(name));
    *ret = v;
    return ST_OK;
}

status prometheus_limit(const struct query_job *j, uint64_t *ret, struct err *err)
{
    str text = job_param(j, S("limit"));
    int64_t v = 0;
    if (text.len && !num_parse_i64(text, &v))
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"limit\": cannot parse \"" STR_FMT "\" to a valid limit",
                       STR_ARG(text));
    if (v < 0)
        return err_set(err, ST_INVALID, 0,
                       "invalid parameter \"limit\": limit must be non-negative");
    *ret = (uint64_t)v;
    return ST_OK;
}

status prometheus_timeout(struct query_job *j, struct err *err)
{
    int64_t ms;
    TRY(prometheus_span_param(j, S("timeout"), -1, &ms, err));
    if (ms < 0) return ST_OK;
    if (ms > 86400000) ms = 86400000;
    nanos until = clock_monotonic() + ms * NANOS_MS;
    if (until < j->deadline) j->deadline = until;
    return ST_OK;
}

status prometheus_matches(const struct query_job *j, struct selector **ret, uint32_t *ret_n,
                          struct err *err)
{
    uint32_t n = 0;
    while (job_param_at(j, S("match[]"), n).ptr) n++;
    struct selector *list = arena_array(j->arena, struct selector, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        str text = job_param_at(j, S("match[]"), i);
        struct promql_expr *e;
        status s = promql_parse_selector(j->arena, text, &e, err);
        if (s != ST_OK) {
            struct buf b;
            buf_init(&b, 64);
            promql_place(&b, text, err->pos);
            s = err_wrap(err, s, "invalid parameter \"match[]\": " STR_FMT ": parse error",
                         STR_ARG(buf_str(&b)));
            buf_done(&b);
            return s;
        }
        list[i] = (struct selector){e->selector.matchers, e->selector.n_matchers};
    }
    *ret = list;
    *ret_n = n;
    return ST_OK;
}

/* U__http_2e_method: __ is _, _hex_ is a character. Text that is not such a form stays as it is. */
static str unescape(struct arena *a, str s)
{
    if (s.len < 3 || memcmp(s.ptr, "U__", 3) != 0) return s;
    char *out = arena_alloc(a, s.len * 4, 1);
    size_t n = 0;
    for (size_t i = 3; i < s.len;) {
        if (s.ptr[i] != '_') {
            out[n++] = s.ptr[i++];
            continue;
        }
        if (i + 1 < s.len && s.ptr[i + 1] == '_') {
            out[n++] = '_';
            i += 2;
            continue;
        }
        uint32_t code = 0;
        size_t k = i + 1;
        for (; k < s.len && hex_digit(s.ptr[k]) >= 0 && k - i <= 6; k++)
            code = code * 16 + (uint32_t)hex_digit(s.ptr[k]);
        if (k == i + 1 || k >= s.len || s.ptr[k] != '_') return s;
        n += utf8_put(code, out + n);
        i = k + 1;
    }
    return (str){out, n};
}

status prometheus_segment_label(const struct query_job *j, str *ret, struct err *err)
{
    str name = unescape(j->arena, j->segment);
    if (!name.len || !utf8_valid(name))
        return err_set(err, ST_INVALID, 0, "invalid label name: \"" STR_FMT "\"", STR_ARG(name));
    *ret = name;
    return ST_OK;
}

static int by_text(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

uint32_t prometheus_sort_names(str *names, uint32_t n)
{
    if (n) qsort(names, n, sizeof *names, by_text);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!kept || !str_eq(names[kept - 1], names[i])) names[kept++] = names[i];
    return kept;
}
