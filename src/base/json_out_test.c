#include "base/json_out.h"

#include <math.h>

#include "testing/test.h"

TEST(json_out_puts_commas_and_quotes)
{
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_begin(&b);
    json_object(&j);
    json_key(&j, S("a"));
    json_array(&j);
    json_i64(&j, INT64_MIN);
    json_u64(&j, UINT64_MAX);
    json_object(&j);
    json_end(&j);
    json_array(&j);
    json_end(&j);
    json_null(&j);
    json_end(&j);
    json_key(&j, S("b\"c"));
    json_bool(&j, true);
    json_key(&j, S("d"));
    json_raw(&j, S("[1]"));
    json_key(&j, S("e"));
    json_str(&j, S(""));
    json_end(&j);
    CHECK_STR(buf_str(&b), S("{\"a\":[-9223372036854775808,18446744073709551615,{},[],null],"
                             "\"b\\\"c\":true,\"d\":[1],\"e\":\"\"}"));
    buf_done(&b);
}

static void quoted(str in, str want)
{
    struct buf b;
    buf_init(&b, 1000);
    json_quote(&b, in);
    CHECK_STR(buf_str(&b), want);
    buf_done(&b);
}

TEST(json_out_escapes_controls_and_repairs_utf8)
{
    quoted((str){0}, S("\"\"")); /* no pointer to count from */
    quoted(S("a\"\\\n\t\r\x01\x7f"), S("\"a\\\"\\\\\\n\\t\\r\\u0001\x7f\""));
    quoted(S("\xc3\xa9\xf0\x9f\x98\x80"), S("\"\xc3\xa9\xf0\x9f\x98\x80\""));
    quoted(S("a\xff\xc3z"), S("\"a\xef\xbf\xbd\xef\xbf\xbdz\""));
    quoted(S("\xed\xa0\x80"), S("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
    quoted(S(""), S("\"\""));
}

TEST(json_out_numbers_are_shortest_and_what_is_no_number_is_quoted)
{
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_begin(&b);
    json_array(&j);
    json_f64(&j, 0.1);
    json_f64(&j, -3);
    json_f64(&j, 1e21);
    json_f64(&j, NAN);
    json_f64(&j, -INFINITY);
    json_end(&j);
    CHECK_STR(buf_str(&b), S("[0.1,-3,1e+21,\"NaN\",\"-Infinity\"]"));
    buf_done(&b);
}

TEST(json_out_past_the_ceiling_is_sticky)
{
    struct buf b;
    buf_init(&b, 10);
    struct json_out j = json_begin(&b);
    json_array(&j);
    for (int i = 0; i < 100; i++) json_i64(&j, i);
    json_end(&j);
    CHECK(b.over);
    CHECK(b.len <= 10);
    buf_done(&b);
}
