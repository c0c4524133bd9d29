#include "query/loki_params.h"

#include <stdio.h>

#include "base/json_in.h"
#include "base/num.h"
#include "testing/test.h"

static const struct query_limits limits = {.max_entries = 5000};

static struct query_job job(const struct query_param *p, size_t n)
{
    return (struct query_job){.params = p, .n_params = n, .now = 3600 * NANOS_S, .limits = &limits};
}

static nanos time_of(str s)
{
    nanos t = -1;
    struct err err;
    return loki_time(s, &t, &err) == ST_OK ? t : -1;
}

TEST(loki_times_have_four_forms)
{
    CHECK_INT(time_of(S("1700000000")), 1700000000 * NANOS_S);
    CHECK_INT(time_of(S("1700000000123456789")), 1700000000123456789);
    CHECK_INT(time_of(S("4000000000")), 4000000000 * NANOS_S);
    CHECK_INT(time_of(S("1700000000.5")), 1700000000500000000);
    CHECK_INT(time_of(S("2024-02-29T12:00:00.25+02:00")), 1709200800250000000);
    CHECK_INT(time_of(S("2024-02-29T12:00:00 02:00")), 1709200800000000000);
    CHECK_INT(time_of(S("1969-12-31T23:59:59.5Z")), -500000000);
    CHECK_INT(time_of(S("2024-02-29 12:00:00Z")), -1);
    CHECK_INT(time_of(S("now")), -1);
    CHECK_INT(time_of(S("1e400.0")), -1);
}

TEST(loki_range_parameters_are_checked)
{
    struct loki_range_params r;
    struct err err;
    struct query_param p[] = {{S("start"), S("0")},      {S("end"), S("3600")},
                              {S("step"), S("15000ms")}, {S("direction"), S("FORWARD")},
                              {S("limit"), S("7")},      {S("interval"), S("1.5")}};
    struct query_job j = job(p, 6);
    CHECK(loki_range_params(&j, &r, &err) == ST_OK);
    CHECK(r.start == 0 && r.end == 3600 * NANOS_S && r.step == 15 * NANOS_S && r.forward &&
          r.limit == 7 && r.interval == 1500 * NANOS_MS);
    static const struct {
        struct query_param p;
        const char *error;
    } bad[] = {
        {{S("step"), S("0")}, "zero or negative"},
        {{S("step"), S("-1")}, "zero or negative"},
        {{S("limit"), S("0")}, "limit must be a positive"},
        {{S("limit"), S("x")}, "'limit'"},
        {{S("interval"), S("-1")}, "interval"},
        {{S("direction"), S("up")}, "invalid direction"},
        {{S("end"), S("0")}, "end timestamp"},
        {{S("step"), S("0.1")}, "11,000"},
        {{S("since"), S("soon")}, "'since'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct query_param q[] = {bad[i].p, {S("start"), S("0")}, {S("end"), S("3600")}};
        j = job(q, 3);
        CHECK(loki_range_params(&j, &r, &err) == ST_INVALID);
        CHECK(strstr(err.msg, bad[i].error));
    }
}

/* --- cases that are not in the repository --- */

struct http_case {
    str kind, value, request, want_ns, step, args, start, end;
    bool error;
    uint64_t start_s, end_s, want_s;
};

static bool next_case(struct json_in *j, struct http_case *c)
{
    *c = (struct http_case){0};
    if (json_next(j) != JSON_OBJECT) return false;
    while (json_next(j) == JSON_KEY) {
        str k = j->text;
        json_next(j);
        if (str_eq(k, S("kind"))) c->kind = j->text;
        if (str_eq(k, S("value"))) c->value = j->text;
        if (str_eq(k, S("request"))) c->request = j->text;
        if (str_eq(k, S("want_ns"))) c->want_ns = j->text;
        if (str_eq(k, S("step"))) c->step = j->text;
        if (str_eq(k, S("args_go"))) c->args = j->text;
        if (str_eq(k, S("start_go"))) c->start = j->text;
        if (str_eq(k, S("end_go"))) c->end = j->text;
        if (str_eq(k, S("error"))) c->error = j->token == JSON_TRUE;
        if (str_eq(k, S("start_s"))) (void)num_parse_u64(j->text, &c->start_s);
        if (str_eq(k, S("end_s"))) (void)num_parse_u64(j->text, &c->end_s);
        if (str_eq(k, S("want_s"))) (void)num_parse_u64(j->text, &c->want_s);
    }
    return true;
}

/* The parameters behind the ? of a request line. */
static size_t split(str request, struct query_param *p)
{
    size_t n = 0;
    const char *q = request.len ? memchr(request.ptr, '?', request.len) : NULL;
    str rest = q ? str_drop(request, (size_t)(q - request.ptr) + 1) : (str){0};
    while (rest.len && n < 16) {
        const char *amp = memchr(rest.ptr, '&', rest.len);
        str one = {rest.ptr, amp ? (size_t)(amp - rest.ptr) : rest.len};
        rest = str_drop(rest, one.len + 1);
        const char *eq = memchr(one.ptr, '=', one.len);
        size_t name = eq ? (size_t)(eq - one.ptr) : one.len;
        p[n++] = (struct query_param){{one.ptr, name}, str_drop(one, name + 1)};
    }
    return n;
}

/* "5 * time.Second", "5.5 * 1e9", "time.Unix(3600, 0)", "time.Date(2022, 12, 18, 0, 0, 0, 0,
 * time.UTC)" */
static nanos go_value(str s)
{
    char t[200];
    int n[6];
    double a, b, c;
    snprintf(t, sizeof t, "%.*s", STR_ARG(s));
    if (sscanf(t, "time.Unix(%d, 0)", &n[0]) == 1) return n[0] * NANOS_S;
    if (sscanf(t, "time.Date(%d, %d, %d, %d, %d, %d,", n, n + 1, n + 2, n + 3, n + 4, n + 5) == 6) {
        char iso[100];
        snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", n[0], n[1], n[2], n[3], n[4],
                 n[5]);
        return time_of((str){iso, strlen(iso)});
    }
    if (sscanf(t, "%lf * %lf * %lf * time.Second", &a, &b, &c) == 3)
        return (nanos)(a * b * c * 1e9);
    if (strstr(t, "time.Second") && sscanf(t, "%lf", &a) == 1) return (nanos)(a * 1e9);
    if (sscanf(t, "%lf * %lf", &a, &b) == 2) return (nanos)(a * b);
    return -1;
}

/* name: "value", of Go's arguments */
static str go_argument(str args, const char *name)
{
    const char *p = args.len ? memmem(args.ptr, args.len, name, strlen(name)) : NULL;
    const char *q = p ? strchr(p, '"') : NULL, *r = q ? strchr(q + 1, '"') : NULL;
    return r ? (str){q + 1, (size_t)(r - q - 1)} : (str){0};
}

static bool run_case(const struct http_case *c)
{
    struct query_param p[16];
    struct loki_range_params r;
    struct err err;
    nanos got = 0;
    uint64_t want = 0;
    (void)num_parse_u64(c->want_ns, &want);
    struct query_job j = job(p, split(c->request, p));
    if (str_eq(c->kind, S("interval"))) {
        bool ok = loki_range_params(&j, &r, &err) == ST_OK;
        return ok != c->error && (!ok || r.interval == (nanos)want);
    }
    if (str_eq(c->kind, S("timestamp"))) {
        bool ok = loki_time(c->value, &got, &err) == ST_OK;
        return ok != c->error && (!ok || got == (nanos)want);
    }
    if (str_eq(c->kind, S("range")))
        return loki_range_params(&j, &r, &err) == ST_OK && r.step == go_value(c->step) &&
               r.limit == 100 && !r.forward;
    if (str_eq(c->kind, S("default_step")))
        return loki_default_step((nanos)c->start_s * NANOS_S, (nanos)c->end_s * NANOS_S) ==
               (nanos)c->want_s * NANOS_S;
    p[0] = (struct query_param){S("start"), go_argument(c->args, "startString")};
    p[1] = (struct query_param){S("end"), go_argument(c->args, "endString")};
    p[2] = (struct query_param){S("since"), go_argument(c->args, "sinceString")};
    j.n_params = 3;
    const char *now = strstr(c->args.ptr, "now: ");
    j.now = now ? go_value((str){now + 5, c->args.len - 5}) : 0;
    nanos start, end;
    bool ok = loki_bounds(&j, &start, &end, &err) == ST_OK;
    return ok != c->error && (!ok || (start == go_value(c->start) && end == go_value(c->end)));
}

TEST(loki_conformance_http_parameters)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/loki/cases/http_params.json", dir);
    struct arena a;
    arena_init(&a, 16 << 20);
    struct json_in j = json_read(test_read_file(path), &a);
    struct http_case c;
    size_t cases = 0, pass = 0;
    json_next(&j);
    while (next_case(&j, &c)) {
        bool ok = run_case(&c);
        if (!ok)
            printf("http_params: %.*s %.*s%.*s\n", STR_ARG(c.kind), STR_ARG(c.request),
                   STR_ARG(c.args));
        cases++;
        pass += ok;
    }
    printf("conformance loki/http_params: %zu of %zu\n", pass, cases);
    CHECK(pass == cases);
    arena_done(&a);
}
