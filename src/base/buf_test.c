#include "base/buf.h"

#include "testing/test.h"

TEST(buf_grows_to_its_ceiling_and_not_past_it)
{
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++) buf_add(&b, S("0123456789"));
    CHECK_INT(b.len, 1000);
    CHECK(!b.over);
    buf_char(&b, 'x');
    CHECK(b.over);
    CHECK_INT(b.len, 1000);
    buf_clear(&b);
    CHECK(!b.over && b.len == 0);
    buf_done(&b);
}

TEST(buf_with_a_small_ceiling_keeps_it)
{
    struct buf b;
    buf_init(&b, 10);
    buf_add(&b, S("0123456789"));
    CHECK(!b.over);
    buf_add(&b, S("0"));
    CHECK(b.over);
    CHECK_STR(buf_str(&b), S("0123456789"));
    buf_done(&b);
}

TEST(buf_printf_appends_or_says_that_it_did_not_fit)
{
    struct buf b;
    buf_init(&b, 32);
    buf_printf(&b, "%d-%s", 12, "ab");
    buf_printf(&b, "%s", "");
    CHECK_STR(buf_str(&b), S("12-ab"));
    buf_printf(&b, "%040d", 1);
    CHECK(b.over);
    CHECK_STR(buf_str(&b), S("12-ab"));
    buf_done(&b);
}
