#include "base/regex.h"

#include "base/buf.h"
#include "testing/test.h"

static bool matches(const char *pattern, enum regex_mode mode, const char *text)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex *r = NULL;
    struct err err;
    bool ok = regex_new(&a, (str){pattern, strlen(pattern)}, mode, &r, &err) == ST_OK &&
              regex_match(r, (str){text, strlen(text)});
    arena_done(&a);
    return ok;
}

static bool refused(const char *pattern)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex *r = NULL;
    struct err err;
    bool no = regex_new(&a, (str){pattern, strlen(pattern)}, REGEX_WHOLE, &r, &err) == ST_INVALID;
    arena_done(&a);
    return no;
}

TEST(regex_whole_matches_all_of_the_text_or_not)
{
    CHECK(matches("ab|cd", REGEX_WHOLE, "cd"));
    CHECK(!matches("ab|cd", REGEX_WHOLE, "abcd"));
    CHECK(!matches("ab", REGEX_WHOLE, "ab\n"));
    CHECK(matches("a.b", REGEX_WHOLE, "a\nb"));
    CHECK(matches("", REGEX_WHOLE, ""));
    CHECK(!matches(".+", REGEX_WHOLE, ""));
    CHECK(matches("(?i)AB", REGEX_WHOLE, "ab"));
}

TEST(regex_search_finds_anywhere_and_dot_stops_at_a_newline)
{
    CHECK(matches("b+c", REGEX_SEARCH, "abbbcd"));
    CHECK(!matches("a.b", REGEX_SEARCH, "a\nb"));
    CHECK(matches("(?s)a.b", REGEX_SEARCH, "a\nb"));
    CHECK(matches("(?i)\xc3\x8f", REGEX_SEARCH, "na\xc3\xafve"));
    CHECK(matches("x", REGEX_SEARCH, "\xff\xfe x")); /* not UTF-8 */
}

TEST(regex_refuses_what_re2_does_not_have)
{
    CHECK(refused("(?=a)b"));
    CHECK(refused("(?<!a)b"));
    CHECK(refused("(a)\\1"));
    CHECK(refused("a++"));
    CHECK(refused("(*UTF8)a"));
    CHECK(refused("(?R)"));
    CHECK(refused("(?>a)"));
    CHECK(refused("a("));
    CHECK(refused("["));
    CHECK(!refused("[(?=*+)]"));
    CHECK(!refused("(?P<x>a)(?:b)(?i)c\\Q(?=\\E"));
    CHECK(!refused("[[:alpha:]]+\\d{2,3}\\pL"));
}

TEST(regex_that_would_backtrack_for_ever_still_answers)
{
    CHECK(!matches("(a*)*b", REGEX_WHOLE,
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"));
    CHECK(
        matches("(a|aa)+", REGEX_WHOLE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    CHECK(matches("(a|aa)+b|.*z", REGEX_WHOLE,
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacz"));
}

TEST(regex_expand_fills_in_groups)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex *r = NULL;
    struct err err;
    CHECK(regex_new(&a, S("(.*):(?P<port>.*)"), REGEX_WHOLE, &r, &err) == ST_OK);
    struct buf b;
    buf_init(&b, 1000);
    CHECK(regex_expand(r, S("host:80"), S("$port-${1}x$$1$9$"), &b));
    CHECK_STR(buf_str(&b), S("80-hostx$1$"));
    CHECK(!regex_expand(r, S("host"), S("$1"), &b));
    buf_done(&b);
    arena_done(&a);
}

TEST(regex_find_gives_each_match_and_its_groups_by_name)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex *r = NULL;
    struct err err;
    CHECK(regex_new(&a, S("(?P<key>[a-z]+)=(?<value>\\d+)|(;)"), REGEX_SEARCH, &r, &err) == ST_OK);
    CHECK_INT(regex_group_count(r), 3);
    CHECK_STR(regex_group_name(r, 1), S("key"));
    CHECK_STR(regex_group_name(r, 2), S("value"));
    CHECK_STR(regex_group_name(r, 3), S(""));
    struct regex_scratch *s = regex_scratch_new();
    str found[4], text = S("a=1;bc=23");
    CHECK(regex_find(r, s, text, 0, found, 4));
    CHECK_STR(found[0], S("a=1"));
    CHECK(regex_find(r, s, text, 3, found, 4));
    CHECK(found[1].ptr == NULL && found[3].ptr == text.ptr + 3);
    CHECK(regex_find(r, s, text, 4, found, 4));
    CHECK_STR(found[1], S("bc"));
    CHECK_STR(found[2], S("23"));
    CHECK(!regex_find(r, s, text, text.len, found, 4));
    regex_scratch_free(s);
    arena_done(&a);
}

TEST(regex_find_that_would_backtrack_for_ever_finds_the_longest_match)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct regex *r = NULL;
    struct err err;
    CHECK(regex_new(&a, S("(a*)*b|zz*"), REGEX_SEARCH, &r, &err) == ST_OK);
    struct regex_scratch *s = regex_scratch_new();
    str found[2];
    CHECK(regex_find(r, s, S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaczzz"), 0, found, 2));
    CHECK_STR(found[0], S("zzz"));
    CHECK(found[1].ptr == NULL);
    regex_scratch_free(s);
    arena_done(&a);
}
