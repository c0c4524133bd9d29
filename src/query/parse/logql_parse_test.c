#include "query/parse/logql_parse.h"

#include <stdio.h>

#include "base/json_in.h"
#include "query/ir/logql_units.h"
#include "query/parse/logql_lex.h"
#include "testing/test.h"

static struct arena arena;

static str parsed(const char *query, struct err *err)
{
    arena_init(&arena, 8 << 20);
    static struct buf out;
    if (!out.max) buf_init(&out, 1 << 20);
    buf_clear(&out);
    struct logql_expr *e;
    status s = logql_parse(&arena, (str){query, strlen(query)}, &e, err);
    if (s == ST_OK)
        logql_print(&out, e);
    else
        buf_add(&out, (str){err->msg, strlen(err->msg)});
    arena_done(&arena);
    return buf_str(&out);
}

#define CHECK_PARSED(query, want)                   \
    do {                                            \
        struct err err_ = {};                       \
        CHECK_STR(parsed((query), &err_), S(want)); \
    } while (0)

TEST(logql_prints_the_form_loki_prints)
{
    CHECK_PARSED("{ app = \"x\" , env!~`a|b` }", "{app=\"x\", env!~\"a|b\"}");
    CHECK_PARSED("{app=\"x\"}|=\"a\" or `b` !~ \"c\" or \"d\"",
                 "{app=\"x\"} |= \"a\" or \"b\" !~ \"c\" !~ \"d\"");
    CHECK_PARSED("sum(rate({app=\"x\"}[5m])) by (a, b)", "sum by (a,b)(rate({app=\"x\"}[5m]))");
    CHECK_PARSED("SUM without () (Count_Over_Time({app=\"x\"} |= \"y\" [90s] offset 1d))",
                 "sum without ()(count_over_time({app=\"x\"} |= \"y\"[1m30s] offset 24h))");
    CHECK_PARSED("rate(({app=\"x\"} |= \"y\") [1m])", "rate({app=\"x\"} |= \"y\"[1m])");
    CHECK_PARSED("topk(3, rate({app=\"x\"}[1m])) > bool 2 * 3 ^ 2 ^ 1",
                 "(topk(3,rate({app=\"x\"}[1m])) > bool 18)");
    CHECK_PARSED("vector(1)+vector(-1)", "(vector(1) + vector(-1))");
    CHECK_PARSED("rate({a=\"b\"}[1m]) - ignoring (x) rate({a=\"c\"}[1m]) unless vector(1)",
                 "((rate({a=\"b\"}[1m]) - ignoring (x) rate({a=\"c\"}[1m])) unless vector(1))");
    CHECK_PARSED("label_replace(vector(1), \"a\", \"$1\", \"b\", \"(.*)\")",
                 "label_replace(vector(1),\"a\",\"$1\",\"b\",\"(.*)\")");
    CHECK_PARSED(
        "sum by (level, detected_level) (count_over_time({a=\"b\"} | drop __error__ [20s]))",
        "sum by (level,detected_level)(count_over_time({a=\"b\"} | drop __error__[20s]))");
}

TEST(logql_reads_label_filters_with_and_before_or)
{
    CHECK_PARSED("{a=\"b\"} | level=\"error\" or x>5 and y!=3",
                 "{a=\"b\"} | ( level=\"error\" or ( x>5 , y!=3 ) )");
    CHECK_PARSED("{a=\"b\"} | (l=~\"e.*\" or d>=1.5s), size<10MB z=\"\"",
                 "{a=\"b\"} | ( ( ( l=~\"e.*\" or d>=1.5s ) , size<10MB ) , z=\"\" )");
    CHECK_PARSED("{a=\"b\"} | duration > 1h | by = \"x\" | rate=\"y\" | n == -1",
                 "{a=\"b\"} | duration>1h | by=\"x\" | rate=\"y\" | n==-1");
}

TEST(logql_reserved_words_are_labels_where_a_label_stands)
{
    CHECK_PARSED("{on=\"x\", json=\"y\", rate=\"z\"}", "{on=\"x\", json=\"y\", rate=\"z\"}");
    CHECK_PARSED("sum by (by, rate, bytes, offset) (rate({a=\"b\"}[1m]))",
                 "sum by (by,rate,bytes,offset)(rate({a=\"b\"}[1m]))");
}

TEST(logql_errors_say_where)
{
    CHECK_PARSED("{a=\"b\"",
                 "parse error at line 1, col 7: syntax error: unexpected $end, expecting } or ,");
    CHECK_PARSED("{a=\"b\"}\n  foo",
                 "parse error at line 2, col 3: syntax error: unexpected IDENTIFIER");
    CHECK_PARSED("{\xc3\xa9=\"b\"}",
                 "parse error at line 1, col 2: syntax error: unexpected character \"\xc3\xa9\"");
    CHECK_PARSED("{a=\"b}", "parse error at line 1, col 4: literal not terminated");
    CHECK_PARSED("rate({a=\"b\"})",
                 "parse error at line 1, col 13: syntax error: unexpected ), expecting RANGE");
    CHECK_PARSED("rate({a=\"b\"}[5x])",
                 "parse error at line 1, col 13: unknown unit \"x\" in duration \"5x\"");
    CHECK_PARSED(
        "{a=~\"(\"}",
        "parse error at line 1, col 5: error parsing regexp: missing closing parenthesis: `(`");
    CHECK_PARSED("topk(0, rate({a=\"b\"}[1m]))",
                 "parse error : invalid parameter (must be greater than 0) topk(0,");
    CHECK_PARSED("1 + 41e308", "parse error at line 1, col 5: bad number \"41e308\"");
    CHECK_PARSED("", "parse error at line 1, col 1: syntax error: unexpected $end");
}

TEST(logql_names_what_it_does_not_support)
{
    CHECK_PARSED("{a=\"b\"} | json | x=\"y\"",
                 "parse error at line 1, col 11: | json is not supported by weir yet");
    CHECK_PARSED("sum_over_time({a=\"b\"} | unwrap c [1m])",
                 "parse error at line 1, col 1: sum_over_time is not supported by weir yet");
    CHECK_PARSED(
        "{a=\"b\"} |> \"<_>\"",
        "parse error at line 1, col 9: the pattern line filter is not supported by weir yet");
}

TEST(logql_needs_a_matcher_that_excludes_the_empty_value)
{
    struct err err = {};
    CHECK(parsed("{}", &err).len > 100);
    CHECK(parsed("{a!=\"x\"}", &err).len > 100);
    CHECK(parsed("{a=~\".*\"}", &err).len > 100);
    CHECK_PARSED("{a=~\".+\"}", "{a=~\".+\"}");
    CHECK_PARSED("{a!=\"\"}", "{a!=\"\"}");
}

TEST(logql_bounds_nesting_and_length)
{
    char deep[1000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    struct err err = {};
    CHECK(parsed(deep, &err).len > 0);
    CHECK(strstr(err.msg, "limit of 100"));
    static char wide[20000];
    for (size_t i = 0; i + 2 < sizeof wide; i += 2) memcpy(wide + i, "1+", 2);
    CHECK(parsed(wide, &err).len > 0);
    CHECK(strstr(err.msg, "limit of 1000"));
}

TEST(logql_strings_have_gos_escapes)
{
    CHECK_PARSED("{a=\"\\x41\\u00e9\\\\\\\"\\n\\101\"}", "{a=\"A\xc3\xa9\\\\\\\"\\nA\"}");
    CHECK_PARSED("{a=\"\\q\"}", "parse error at line 1, col 4: invalid char escape");
}

/* --- cases that are not in the repository --- */

static str conformance(const char *file)
{
    const char *dir = test_conformance_dir();
    if (!dir) return (str){0};
    char path[1024];
    snprintf(path, sizeof path, "%s/loki/cases/%s", dir, file);
    return test_read_file(path);
}

/* Reads the members of one case into `want`: strings and numbers as text, true/false as
 * "true"/"false"; nested values are stepped over unless `list` collects an array of strings. */
struct field {
    const char *name;
    str value;
};

static bool next_case(struct json_in *j, struct field *f, size_t n, str *list, size_t *n_list)
{
    for (size_t i = 0; i < n; i++) f[i].value = (str){0};
    if (n_list) *n_list = 0;
    if (json_next(j) != JSON_OBJECT) return false;
    while (json_next(j) == JSON_KEY) {
        struct field *hit = NULL;
        for (size_t i = 0; i < n; i++)
            if (str_eq(j->text, (str){f[i].name, strlen(f[i].name)})) hit = &f[i];
        bool tokens = list && str_eq(j->text, S("tokens"));
        json_next(j);
        if (tokens && j->token == JSON_ARRAY)
            while (json_next(j) == JSON_STRING) list[(*n_list)++] = j->text;
        else if (hit && j->token == JSON_TRUE)
            hit->value = S("true");
        else if (hit && j->token == JSON_FALSE)
            hit->value = S("false");
        else if (hit && j->token == JSON_OBJECT) {
            while (json_next(j) == JSON_KEY) {
                bool rendered = str_eq(j->text, S("rendered"));
                json_next(j);
                if (rendered) hit->value = j->text;
            }
        } else if (hit)
            hit->value = j->text;
        else
            json_skip(j);
    }
    return true;
}

TEST(logql_conformance_lex)
{
    str text = conformance("lex.json");
    if (!text.len) return;
    struct arena a;
    arena_init(&a, 64 << 20);
    struct json_in j = json_read(text, &a);
    json_next(&j);
    struct field f[] = {{"query", {0}}};
    str want[200];
    size_t n_want, cases = 0, pass = 0;
    while (next_case(&j, f, 1, want, &n_want)) {
        struct logql_lex l;
        logql_lex_init(&l, &a, f[0].value);
        size_t n = 0;
        bool ok = true;
        while (ok && logql_lex_next(&l, NULL) == ST_OK && l.token != LOGQL_T_END) {
            const char *id = logql_token_id(l.token);
            ok = n < n_want && str_eq(want[n], (str){id, strlen(id)});
            n++;
        }
        ok = ok && n == n_want;
        cases++;
        pass += ok;
        if (!ok) printf("lex: token %zu differs: %.*s\n", n, STR_ARG(f[0].value));
    }
    printf("conformance loki/lex: %zu of %zu\n", pass, cases);
    CHECK(pass >= 73);
    arena_done(&a);
}

/* "parse error at line 0, col 21: ...": upstream's line is 0 for ranges; the column counts. */
static bool same_error(str got, str want)
{
    if (str_eq(got, want)) return true;
    static const char zero[] = "parse error at line 0", one[] = "parse error at line 1";
    size_t n = sizeof zero - 1;
    return want.len > n && got.len == want.len && !memcmp(want.ptr, zero, n) &&
           !memcmp(got.ptr, one, n) && !memcmp(got.ptr + n, want.ptr + n, got.len - n);
}

TEST(logql_conformance_parse)
{
    str text = conformance("parse.json");
    if (!text.len) return;
    struct arena a;
    arena_init(&a, 64 << 20);
    struct json_in j = json_read(text, &a);
    json_next(&j);
    struct field f[] = {{"query", {0}}, {"valid", {0}}, {"error", {0}}, {"error_contains", {0}}};
    size_t cases = 0, pass = 0, unsupported = 0, refused = 0, text_differs = 0;
    while (next_case(&j, f, 4, NULL, NULL)) {
        struct logql_expr *e;
        struct err err = {};
        status s = logql_parse(&a, f[0].value, &e, &err);
        str got = {err.msg, strlen(err.msg)};
        bool valid = str_eq(f[1].value, S("true"));
        cases++;
        if (valid == (s == ST_OK)) {
            bool same = valid || !f[2].value.len || same_error(got, f[2].value);
            pass++;
            refused += !valid;
            text_differs += !same;
            if (!same) printf("parse: got  %s\n       want %.*s\n", err.msg, STR_ARG(f[2].value));
        } else if (s == ST_UNSUPPORTED) {
            unsupported++;
        } else {
            printf("parse: %s: %.*s\n       %s\n", valid ? "refused" : "accepted",
                   STR_ARG(f[0].value), err.msg);
        }
    }
    printf("conformance loki/parse: %zu of %zu (%zu refused as they should be, %zu of them in "
           "other words), "
           "%zu not supported yet\n",
           pass, cases, refused, text_differs, unsupported);
    CHECK(pass + unsupported == cases);
    arena_done(&a);
}

TEST(logql_conformance_matchers_and_durations)
{
    str text = conformance("parse_matchers.json");
    if (!text.len) return;
    struct arena a;
    arena_init(&a, 64 << 20);
    struct json_in j = json_read(text, &a);
    json_next(&j);
    struct field f[] = {{"selector", {0}}, {"valid", {0}}};
    size_t cases = 0, pass = 0;
    while (next_case(&j, f, 2, NULL, NULL)) {
        struct logql_matchers m;
        struct err err;
        pass += (logql_parse_matchers(&a, f[0].value, &m, &err) == ST_OK) ==
                str_eq(f[1].value, S("true"));
        cases++;
    }
    printf("conformance loki/parse_matchers: %zu of %zu\n", pass, cases);
    CHECK(pass == cases);

    j = json_read(conformance("durations.json"), &a);
    json_next(&j);
    struct field d[] = {{"text", {0}}, {"ns", {0}}};
    cases = pass = 0;
    while (next_case(&j, d, 2, NULL, NULL)) {
        nanos ns = 0;
        char got[32];
        bool whole = logql_duration_prefix(d[0].value, &ns) == d[0].value.len;
        int n = snprintf(got, sizeof got, "%lld", (long long)ns);
        pass += whole && str_eq((str){got, (size_t)n}, d[1].value);
        cases++;
    }
    printf("conformance loki/durations: %zu of %zu\n", pass, cases);
    CHECK(pass == cases);
    arena_done(&a);
}
