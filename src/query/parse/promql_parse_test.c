#include <stdio.h>
#include <stdlib.h>

#include "base/json_in.h"
#include "base/num.h"
#include "query/parse/parse.h"
#include "testing/test.h"

static const struct promql_options all = {.experimental = true};

static void check_print(const char *query, const char *want)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct promql_expr *e;
    struct err err = {};
    if (promql_parse(&a, (str){query, strlen(query)}, all, &e, &err) != ST_OK)
        printf("%s: %s\n", query, err.msg);
    CHECK_STR(((str){err.msg, strlen(err.msg)}), S(""));
    struct buf b;
    buf_init(&b, 1 << 20);
    promql_print(&b, e);
    CHECK_STR(buf_str(&b), ((str){want, strlen(want)}));
    buf_done(&b);
    arena_done(&a);
}

static void check_error(const char *query, const char *want)
{
    struct arena a;
    arena_init(&a, 1 << 24);
    struct promql_expr *e;
    struct err err = {};
    CHECK_INT(promql_parse(&a, (str){query, strlen(query)}, all, &e, &err), ST_INVALID);
    struct buf b;
    buf_init(&b, 1 << 20);
    promql_place(&b, (str){query, strlen(query)}, err.pos);
    buf_printf(&b, ": parse error: %s", err.msg);
    CHECK_STR(buf_str(&b), ((str){want, strlen(want)}));
    buf_done(&b);
    arena_done(&a);
}

TEST(operators_bind_by_the_table)
{
    check_print("a+b*c^d^-e", "a + b * c ^ d ^ -e");
    check_print("-a^2 == bool -b", "-a ^ 2 == bool -b");
    check_print("a or b and c unless d", "a or b and c unless d");
}

TEST(selectors_take_their_modifiers_in_any_order)
{
    check_print("m{x='1', \"y.z\"!~`a|b`}[5m] offset -90s @ 12.5",
                "m{x=\"1\",\"y.z\"!~\"a|b\"}[5m] @ 12.500 offset -1m30s");
    check_print("rate(sum by(job)(m)[1h:30] @ end())", "rate(sum by (job) (m)[1h:30s] @ end())");
    check_print("{\"http.requests\", le=\"1\"}", "{__name__=\"http.requests\",le=\"1\"}");
}

TEST(matching_modifiers_print_as_prometheus_prints_them)
{
    check_print("a*on(x)group_left(y)b", "a * on (x) group_left (y) b");
    check_print("a>bool ignoring(x)b", "a > bool ignoring (x) b");
}

TEST(numbers_in_every_form)
{
    check_print("0x1F + 1_000 + 017 + .5e1 + inf + 1h30m", "31 + 1000 + 15 + 5 + +Inf + 1h30m");
}

TEST(errors_say_where)
{
    check_error("sum(\n  x[5q])", "2:5: parse error: bad number or duration syntax: \"5\"");
    check_error("rate(x)", "1:6: parse error: expected type range vector in call to function "
                           "\"rate\", got instant vector");
    check_error("a + ", "1:5: parse error: unexpected end of input");
    check_error("nope(x)", "1:1: parse error: unknown function with name \"nope\"");
    check_error("x{a=~\"(\"}",
                "1:3: parse error: error parsing regexp: missing closing parenthesis: `(`");
}

TEST(what_is_wrong_is_told_before_how_deep_it_is)
{
    static char wide[3 + 2000 * 5 + 1] = "-{}";
    for (size_t i = 0; i < 2000; i++) memcpy(wide + 3 + i * 5, "-1-{}", 6);
    check_error(wide,
                "1:2: parse error: vector selector must contain at least one non-empty matcher");
}

TEST(times_past_what_fits)
{
    check_error("foo @ 9223372036854775808", "1:1: parse error: timestamp out of bounds for @ "
                                             "modifier: 9223372036854775808.000000");
    check_error("foo @ -9223372036854775809", "1:1: parse error: timestamp out of bounds for @ "
                                              "modifier: -9223372036854775808.000000");
}

TEST(depth_is_bounded)
{
    char deep[4096];
    memset(deep, '(', sizeof deep);
    deep[sizeof deep - 1] = 0;
    check_error(deep, "1:201: parse error: expression is nested more than 200 deep");
    memset(deep, '-', sizeof deep - 2);
    check_error(deep, "1:201: parse error: expression is nested more than 200 deep");
}

TEST(every_prefix_of_a_query_ends_with_an_answer)
{
    static const char q[] = "sum by (a, \"b\") (rate(m{x=~\"a.*\",y!='\\u00e9'}[5m:1m] offset -3s "
                            "@ start())) / on(c) group_left 1e3";
    for (size_t n = 0; n < sizeof q; n++) {
        struct arena a;
        arena_init(&a, 1 << 24);
        struct promql_expr *e;
        (void)promql_parse(&a, (str){q, n}, all, &e, NULL);
        arena_done(&a);
    }
}

/* The cases: an array of flat objects with `expr`, and the first of `errors`. */
struct parse_case {
    str expr, error, string;
    bool valid, usable;
    int64_t start;
};

static void read_error(struct json_in *j, struct parse_case *c)
{
    bool first = c->error.ptr == NULL;
    str key = {0};
    if (j->token != JSON_OBJECT) return json_skip(j);
    unsigned depth = 1;
    while (depth && json_next(j) != JSON_END) {
        if (j->token == JSON_OBJECT || j->token == JSON_ARRAY) depth++;
        if (j->token == JSON_OBJECT_END || j->token == JSON_ARRAY_END) depth--;
        if (j->token == JSON_KEY) key = j->text;
        if (!first) continue;
        if (j->token == JSON_STRING && str_eq(key, S("err")) && !c->error.ptr) c->error = j->text;
        if (j->token == JSON_NUMBER && str_eq(key, S("start")) && c->start < 0)
            num_parse_i64(j->text, &c->start);
    }
}

static bool read_case(struct json_in *j, struct parse_case *c)
{
    if (json_next(j) != JSON_OBJECT) return false;
    *c = (struct parse_case){.start = -1};
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        json_next(j);
        if (str_eq(key, S("expr")) && j->token == JSON_STRING)
            c->expr = j->text, c->usable = true;
        else if (str_eq(key, S("string")) && j->token == JSON_STRING)
            c->string = j->text;
        else if (str_eq(key, S("valid")))
            c->valid = j->token == JSON_TRUE;
        else if (str_eq(key, S("errors")) && j->token == JSON_ARRAY)
            while (json_next(j) != JSON_ARRAY_END && j->token != JSON_END) read_error(j, c);
        else
            json_skip(j);
    }
    return true;
}

static void run_cases(const char *file, bool (*run)(struct arena *a, const struct parse_case *c),
                      unsigned floor)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/promql/cases/%s", dir, file);
    struct arena a;
    arena_init(&a, 1 << 28);
    str text = test_read_file(path);
    struct json_in j = json_read(text, &a);
    unsigned passed = 0, total = 0;
    json_next(&j);
    for (struct parse_case c; read_case(&j, &c);) {
        if (!c.usable) continue;
        total++;
        if (run(&a, &c)) passed++;
    }
    printf("%s: %u of %u\n", file, passed, total);
    CHECK(!j.bad);
    CHECK(passed >= floor);
    arena_done(&a);
    free((void *)text.ptr);
}

/* Two cases are patterns of a time past what fits: %f in the expression and in the message. */
static str with_time(struct arena *a, str pattern)
{
    const char *f = memmem(pattern.ptr, pattern.len, "%f", 2);
    if (!f) return pattern;
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add(&b, (str){pattern.ptr, (size_t)(f - pattern.ptr)});
    buf_add(&b, S("9223372036854775808.000000"));
    buf_add(&b, str_drop(pattern, (size_t)(f - pattern.ptr) + 2));
    str text = arena_str(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static bool parses_as_told(struct arena *a, const struct parse_case *raw)
{
    struct parse_case whole = *raw, *c = &whole;
    if (!c->valid) {
        c->expr = with_time(a, c->expr);
        c->error = with_time(a, c->error);
    }
    struct promql_expr *e;
    struct err err = {};
    status s = promql_parse(a, c->expr, all, &e, &err);
    str got = {err.msg, strlen(err.msg)};
    bool placed = c->start < 0 || err.pos == c->start; /* a case may not say where */
    bool ok = c->valid ? s == ST_OK : s != ST_OK && str_eq(got, c->error) && placed;
    if (!ok)
        printf("  %.*s\n    got  %u %s\n    want %lld " STR_FMT "\n",
               (int)(c->expr.len < 80 ? c->expr.len : 80), c->expr.ptr, err.pos, err.msg,
               (long long)c->start, STR_ARG(c->error));
    return ok;
}

TEST(conformance_parse_cases) { run_cases("parse.json", parses_as_told, 354); }

static bool prints_as_told(struct arena *a, const struct parse_case *c)
{
    if (!c->string.ptr) return true;
    struct promql_expr *e;
    struct err err = {};
    struct buf b;
    buf_init(&b, 1 << 20);
    if (promql_parse(a, c->expr, all, &e, &err) == ST_OK) promql_print(&b, e);
    bool ok = str_eq(buf_str(&b), c->string);
    if (!ok)
        printf("  %.*s\n    got  " STR_FMT " %s\n    want " STR_FMT "\n",
               (int)(c->expr.len < 80 ? c->expr.len : 80), c->expr.ptr, STR_ARG(buf_str(&b)),
               err.msg, STR_ARG(c->string));
    buf_done(&b);
    return ok;
}

TEST(conformance_string_cases) { run_cases("string_pretty.json", prints_as_told, 145); }

static void check_pretty(const char *query, const char *want)
{
    struct arena a;
    struct promql_expr *e;
    struct err err = {0};
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, 1 << 16);
    CHECK_INT(promql_parse(&a, (str){query, strlen(query)}, all, &e, &err), ST_OK);
    promql_pretty(&b, e);
    CHECK_STR(buf_str(&b), ((str){want, strlen(want)}));
    buf_done(&b);
    arena_done(&a);
}

#define LONG(name) name "{aaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\"" name "\",bbbbbbbbbbbbbbbbbbbbbbb=\"c\"}"

TEST(pretty_splits_what_is_longer_than_a_line)
{
    check_pretty("sum by(a)(x) +1", "sum by (a) (x) + 1");
    check_pretty(LONG("first") " + on(a) group_left " LONG("second"),
                 "  " LONG("first") "\n+ on (a) group_left ()\n  " LONG("second"));
    check_pretty("-topk by (a) (5, (" LONG("first") " or " LONG("second") "))",
                 "-topk by (a) (\n  5,\n  (\n      " LONG("first") "\n    or\n      " LONG(
                     "second") "\n  )\n)");
    check_pretty(
        "rate((" LONG("first") " - " LONG("second") ")[5m:1m])",
        "rate(\n  (\n      " LONG("first") "\n    -\n      " LONG("second") "\n  )[5m:1m]\n)");
}
