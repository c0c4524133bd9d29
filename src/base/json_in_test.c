#include "base/json_in.h"

#include "base/utf8.h"
#include "testing/test.h"

static struct arena arena;

static bool valid(str text)
{
    arena_init(&arena, 1 << 20);
    struct json_in j = json_read(text, &arena);
    while (json_next(&j) != JSON_END) continue;
    arena_done(&arena);
    return !j.bad;
}

static str text_of(const char *s) { return (str){s, strlen(s)}; }

TEST(json_in_hands_out_the_tokens_in_order)
{
    static const enum json_token want[] = {JSON_OBJECT,     JSON_KEY,       JSON_ARRAY, JSON_NUMBER,
                                           JSON_TRUE,       JSON_FALSE,     JSON_NULL,  JSON_OBJECT,
                                           JSON_OBJECT_END, JSON_ARRAY_END, JSON_KEY,   JSON_STRING,
                                           JSON_OBJECT_END, JSON_END};
    arena_init(&arena, 1 << 20);
    struct json_in j =
        json_read(S(" {\"a\" : [ -1.5e+3 ,true,false,null,{} ],\"b\":\"c\"} "), &arena);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        CHECK_INT(json_next(&j), want[i]);
        if (i == 1) CHECK_STR(j.text, S("a"));
        if (i == 3) CHECK_STR(j.text, S("-1.5e+3"));
        if (i == 11) CHECK_STR(j.text, S("c"));
    }
    CHECK(!j.bad);
    arena_done(&arena);
}

TEST(json_in_unescapes_strings)
{
    static const struct {
        const char *in;
        str want;
    } cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", S("\"\\/\b\f\n\r\t")},
        {"\"a\\u0041b\"", S("aAb")},
        {"\"\\u00e9\\u20AC\"", S("\xc3\xa9\xe2\x82\xac")},
        {"\"\\ud83d\\ude00\"", S("\xf0\x9f\x98\x80")},
        {"\"\\ud83d\"", S("\xef\xbf\xbd")}, /* half a pair */
        {"\"\\ude00x\"", S("\xef\xbf\xbdx")},
        {"\"\\ud83d\\u0041\"", S("\xef\xbf\xbd"
                                 "A")},
        {"\"\\u0000\"", S("\0")},
        {"\"\xc3\xa9\"", S("\xc3\xa9")},
        {"\"\"", S("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arena_init(&arena, 1 << 20);
        struct json_in j = json_read(text_of(cases[i].in), &arena);
        CHECK_INT(json_next(&j), JSON_STRING);
        CHECK_STR(j.text, cases[i].want);
        CHECK_INT(json_next(&j), JSON_END);
        CHECK(!j.bad);
        arena_done(&arena);
    }
}

TEST(json_in_takes_what_rfc_8259_says_and_nothing_else)
{
    static const char *const good[] = {
        "0",  "-0",   "1.0",  "1e5",   "1E-5",          "[]",
        "{}", "[[]]", "null", "\"x\"", "\t[1 , 2]\r\n", "{\"\":{\"\":[]}}"};
    static const char *const bad[] = {
        "",
        " ",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "-",
        "--1",
        "0x1",
        "NaN",
        "Infinity",
        "tru",
        "nul",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "[",
        "{",
        "]",
        "}",
        "[}",
        "{]",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\x01\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "1 1",
        "{}{}",
        "[]x",
        "'a'",
        "// c\n1",
        "\xef\xbb\xbf{}",
        "{\"a\":1 \"b\":2}",
        "[\"a\":1]",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) CHECK(valid(text_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!valid(text_of(bad[i])));
    CHECK(!valid(S("1\0")));
}

TEST(json_in_depth_is_bounded)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    CHECK(!valid((str){text, sizeof text}));
    CHECK(valid((str){text + 1, sizeof text - 2}));
}

TEST(json_in_skip_steps_over_one_value)
{
    arena_init(&arena, 1 << 20);
    struct json_in j = json_read(S("{\"a\":[1,{\"b\":[]}],\"c\":{},\"d\":7}"), &arena);
    CHECK_INT(json_next(&j), JSON_OBJECT);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(json_next(&j), JSON_KEY);
        CHECK_STR(j.text, ((str){&"acd"[i], 1}));
        json_skip(&j);
    }
    CHECK_INT(json_next(&j), JSON_OBJECT_END);
    CHECK_INT(json_next(&j), JSON_END);
    CHECK(!j.bad);
    arena_done(&arena);
}

TEST(json_in_says_where_and_stays_bad)
{
    arena_init(&arena, 1 << 20);
    struct json_in j = json_read(S("[1, x]"), &arena);
    while (json_next(&j) != JSON_END) continue;
    CHECK(j.bad);
    CHECK_INT(j.at, 4);
    CHECK(j.why != NULL);
    CHECK_INT(json_next(&j), JSON_END);
    arena_done(&arena);
}

TEST(json_in_every_truncation_is_bad)
{
    str whole = S("{\"a\":[1.5e3,\"x\\n\\u00e9\",true,null],\"b\":{\"c\":false}}");
    for (size_t n = 0; n < whole.len; n++) CHECK(!valid((str){whole.ptr, n}));
    CHECK(valid(whole));
}
