#include "query/serve/router.h"

#include "base/json_out.h"

static bool starts(str s, str with)
{
    return s.len >= with.len && memcmp(s.ptr, with.ptr, with.len) == 0;
}

static bool path_fits(str pattern, str path, str *segment)
{
    const char *hole = memmem(pattern.ptr, pattern.len, "{}", 2);
    *segment = (str){0};
    if (!hole) return str_eq(pattern, path);
    str before = {pattern.ptr, (size_t)(hole - pattern.ptr)};
    str after = str_drop(pattern, before.len + 2);
    if (path.len <= before.len + after.len || !starts(path, before)) return false;
    str mid = {path.ptr + before.len, path.len - before.len - after.len};
    if (!str_eq(str_drop(path, before.len + mid.len), after) || memchr(mid.ptr, '/', mid.len))
        return false;
    *segment = mid;
    return true;
}

/* Is `word` one of the space-separated words of `list`? */
static bool has_word(str list, str word)
{
    while (list.len > 0) {
        const char *space = memchr(list.ptr, ' ', list.len);
        str w = {list.ptr, space ? (size_t)(space - list.ptr) : list.len};
        if (str_eq(w, word)) return true;
        list = str_drop(list, w.len + 1);
    }
    return false;
}

enum route_answer route_find(const struct query_route *const *tables, str method, str path,
                             struct route_match *ret)
{
    *ret = (struct route_match){0};
    for (; *tables; tables++)
        for (const struct query_route *r = *tables; r->path; r++) {
            str segment;
            if (!path_fits(str_of(r->path), path, &segment)) continue;
            *ret = (struct route_match){.route = r, .segment = segment};
            if (has_word(str_of(r->method), method)) return ROUTE_FOUND;
        }
    return ret->route ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

void route_allow(const struct query_route *const *tables, str path, struct buf *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        struct route_match match;
        if (route_find(tables, str_of(methods[m]), path, &match) == ROUTE_FOUND) {
            buf_add(out, str_of(methods[m]));
            buf_add(out, S(", "));
        }
    }
    buf_add(out, S("OPTIONS"));
}

enum query_api route_guess_api(str path)
{
    if (starts(path, S("/loki/"))) return QUERY_LOKI;
    if (starts(path, S("/api/")) && !starts(path, S("/api/v1/"))) return QUERY_JAEGER;
    return QUERY_PROMETHEUS;
}

/* Prometheus' errorType for an HTTP status that no handler chose. */
static str prometheus_error_type(unsigned http_status)
{
    switch (http_status) {
    case 404: return S("not_found");
    case 413:
    case 422: return S("execution");
    case 499: return S("canceled");
    case 503: return S("unavailable");
    case 504: return S("timeout");
    default: return http_status < 500 ? S("bad_data") : S("internal");
    }
}

str route_error(enum query_api api, unsigned http_status, str msg, struct buf *out)
{
    struct json_out j = json_begin(out);
    switch (api) {
    case QUERY_LOKI: buf_add(out, msg); return S("text/plain; charset=utf-8");
    case QUERY_JAEGER:
        buf_add(out, S("{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,\"errors\":["));
        json_object(&j);
        json_key(&j, S("code"));
        json_u64(&j, http_status);
        json_key(&j, S("msg"));
        json_str(&j, msg);
        json_end(&j);
        buf_add(out, S("]}\n"));
        return S("application/json");
    case QUERY_PROMETHEUS:
        json_object(&j);
        json_key(&j, S("status"));
        json_str(&j, S("error"));
        json_key(&j, S("errorType"));
        json_str(&j, prometheus_error_type(http_status));
        json_key(&j, S("error"));
        json_str(&j, msg);
        json_end(&j);
        return S("application/json");
    }
    return S("text/plain; charset=utf-8");
}
