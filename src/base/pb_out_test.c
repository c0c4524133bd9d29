#include "base/pb_out.h"

#include "testing/test.h"

TEST(pb_out_writes_the_bytes_of_the_encoding)
{
    struct buf b;
    buf_init(&b, 1000);
    struct pb_out p = pb_begin_in(&b);
    pb_put_varint(&p, 1, 150);
    pb_put_str(&p, 2, S("testing"));
    pb_begin(&p, 3);
    pb_put_varint(&p, 1, 150);
    pb_end(&p);
    pb_put_sint(&p, 4, -2);
    pb_put_fixed32(&p, 16, 1);
    CHECK_STR(buf_str(&b),
              S("\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01\x20\x03\x85\x01\x01\0\0\0"));
    buf_done(&b);
}

TEST(pb_out_lengths_are_right_below_and_above_the_size_that_is_moved)
{
    for (size_t n = 16380; n < 16390; n++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        struct pb_out p = pb_begin_in(&b);
        pb_begin(&p, 1);
        for (size_t i = 0; i < n; i++) buf_char(&b, 'x');
        pb_end(&p);
        uint64_t len = 0;
        size_t at = 1;
        for (unsigned shift = 0;; shift += 7) {
            uint8_t c = (uint8_t)b.ptr[at++];
            len |= (uint64_t)(c & 0x7f) << shift;
            if (c < 0x80) break;
        }
        CHECK_INT(len, n);
        CHECK_INT(b.len - at, n);
        buf_done(&b);
    }
}

TEST(pb_out_past_the_ceiling_is_sticky)
{
    struct buf b;
    buf_init(&b, 30);
    struct pb_out p = pb_begin_in(&b);
    pb_begin(&p, 1);
    pb_begin(&p, 2);
    pb_put_str(&p, 1, S("longer than what is left in the buffer"));
    pb_end(&p);
    pb_end(&p);
    CHECK(b.over);
    buf_done(&b);
}
