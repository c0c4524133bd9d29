#include "store/sql_text.h"

#include "testing/test.h"

static str made_by(void (*make)(struct buf *, str), str in)
{
    static struct buf out;
    buf_done(&out);
    buf_init(&out, 1 << 16);
    make(&out, in);
    return buf_str(&out);
}

TEST(strings_and_names_are_quoted)
{
    CHECK_STR(made_by(sql_string, S("it's a \\ \0!")), S("'it\\'s a \\\\ \\0!'"));
    CHECK_STR(made_by(sql_name, S("a`b")), S("`a\\`b`"));
    CHECK_STR(made_by(sql_tsv, S("a\tb\n\\\r\0'\xff")), S("a\\tb\\n\\\\\\r\\0'\xff"));
}

TEST(the_first_word_is_found_past_comments_and_parentheses)
{
    CHECK_STR(sql_first_word(S("SELECT 1")), S("SELECT"));
    CHECK_STR(sql_first_word(S(" \n/* select */ -- x\n# y\n((with(x")), S("with"));
    CHECK_STR(sql_first_word(S("/* never closed")), S(""));
    CHECK_STR(sql_first_word(S("--")), S(""));
    CHECK_STR(sql_first_word(S("")), S(""));
    CHECK_STR(sql_first_word(S("/")), S(""));
    CHECK(sql_word_is(S("Select"), "SELECT"));
    CHECK(!sql_word_is(S("SELECTS"), "SELECT"));
}

TEST(a_word_is_found_only_whole)
{
    CHECK(sql_has_word(S("create temporary table x"), "TEMPORARY"));
    CHECK(!sql_has_word(S("create table temporary_x"), "TEMPORARY"));
    CHECK(!sql_has_word(S(""), "TEMPORARY"));
}

TEST(a_parameters_type_is_read_from_the_statement)
{
    str sql = S("SELECT {a:String}, { ab : Array(String) }, {\"x\":1}, {c:Map(String, UInt8)}, {d");
    CHECK_STR(sql_param_type(sql, S("a")), S("String"));
    CHECK_STR(sql_param_type(sql, S("ab")), S("Array(String) "));
    CHECK_STR(sql_param_type(sql, S("b")), S(""));
    CHECK_STR(sql_param_type(sql, S("d")), S(""));
}

TEST(only_scalar_parameters_are_escaped)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    sql_param_value(&out, S("SELECT {a:String}"), S("a"), S("x\ty"));
    CHECK_STR(buf_str(&out), S("x\\ty"));
    buf_clear(&out);
    sql_param_value(&out, S("SELECT {a:Array(String)}"), S("a"), S("['x\\ty']"));
    CHECK_STR(buf_str(&out), S("['x\\ty']"));
    buf_done(&out);
}

TEST(names_are_letters_digits_underscores_and_dots)
{
    CHECK(sql_is_name(S("max_threads")));
    CHECK(sql_is_name(S("a.b1")));
    CHECK(!sql_is_name(S("1a")));
    CHECK(!sql_is_name(S("a=1, b")));
    CHECK(!sql_is_name(S("")));
}
