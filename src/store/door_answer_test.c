#include "store/door_answer.h"

#include "testing/test.h"

static str error_text(str message, status s, const char *own, int *code)
{
    static struct buf out;
    buf_done(&out);
    buf_init(&out, 1 << 16);
    struct err err = {};
    err_set(&err, s, ERR_NOPOS, "%s", own);
    door_error_text(&out, message, s, &err, "26.7", code);
    return buf_str(&out);
}

TEST(door_errors_are_worded_as_clickhouse_does)
{
    int code = 0;
    CHECK_STR(
        error_text(S("Code: 60. DB::Exception: no t. (UNKNOWN_TABLE)\n"), ST_INVALID, "cut", &code),
        S("Code: 60. DB::Exception: no t. (UNKNOWN_TABLE) (version 26.7)\n"));
    CHECK_INT(code, 60);
    code = 0;
    CHECK_STR(error_text(S("Code: 6. DB::Exception: x (CANNOT_PARSE_TEXT) (version 26.7.2.1)"),
                         ST_INVALID, "", &code),
              S("Code: 6. DB::Exception: x (CANNOT_PARSE_TEXT) (version 26.7.2.1)\n"));
    code = 0;
    CHECK_STR(
        error_text(S(""), ST_OVERLOADED, "all busy", &code),
        S("Code: 202. DB::Exception: all busy. (TOO_MANY_SIMULTANEOUS_QUERIES) (version 26.7)\n"));
    CHECK_INT(code, 202);
    code = 62;
    CHECK_STR(error_text(S(""), ST_INVALID, "Empty query", &code),
              S("Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR) (version 26.7)\n"));
}

TEST(door_content_types_follow_the_format)
{
    CHECK_STR(door_content_type(S("JSONEachRow")), S("application/x-ndjson; charset=UTF-8"));
    CHECK_STR(door_content_type(S("JSON")), S("application/json; charset=UTF-8"));
    CHECK_STR(door_content_type(S("Native")), S("application/octet-stream"));
    CHECK_STR(door_content_type(S("")), S("application/octet-stream"));
}

TEST(an_exception_in_mid_stream_stands_between_marks)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    door_exception_block(&out, S("boom\n"), S("abcdefghijklmnop"));
    CHECK_STR(buf_str(&out), S("\r\n__exception__\r\nabcdefghijklmnop\r\nboom\n"
                               "5 abcdefghijklmnop\r\n__exception__\r\n"));
    buf_done(&out);
}
