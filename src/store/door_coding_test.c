/* Both directions of every coding: what is encoded in pieces can be decoded however it is cut. */
#include <stdlib.h>

#include "store/door_encode.h"
#include "store/door_frames.h"
#include "testing/test.h"

enum { MANY = 3 << 20 };

static str content(void)
{
    static char *b;
    uint32_t x = 7;
    if (!b) {
        b = malloc(MANY);
        for (size_t i = 0; i < MANY; i++) {
            x = x * 1664525u + 1013904223u;
            b[i] = (char)(i % 3 ? 'a' + (x >> 29) : x >> 24);
        }
    }
    return (str){b, MANY};
}

static struct buf encode(enum door_coding c, str text, size_t piece)
{
    struct buf out;
    buf_init(&out, 1 << 28);
    struct door_encoder *e = door_encoder_new(c);
    for (; text.len > piece; text = str_drop(text, piece))
        door_encode(e, (str){text.ptr, piece}, false, &out);
    door_encode(e, text, true, &out);
    door_encoder_free(e);
    CHECK(!out.over);
    return out;
}

/* Empty `ret` and a status when it cannot be decoded. */
static status decode(enum door_coding c, str wire, size_t cut, struct buf *ret)
{
    struct err err = {};
    struct door_decoder *d = door_decoder_new(c);
    status s = ST_OK;
    buf_init(ret, 1 << 28);
    while (wire.len && s == ST_OK) {
        str in = {wire.ptr, wire.len < cut ? wire.len : cut}, piece = {};
        wire = str_drop(wire, in.len);
        do {
            s = door_decode(d, &in, &piece, &err);
            if (s == ST_OK) buf_add(ret, piece);
        } while (s == ST_OK && (in.len || piece.len));
    }
    if (s == ST_OK && !door_decoder_whole(d)) s = ST_INVALID;
    door_decoder_free(d);
    return s;
}

TEST(every_coding_gives_back_what_it_was_given)
{
    static const size_t cuts[] = {1000, 65536, SIZE_MAX};
    for (int c = DOOR_IDENTITY; c < DOOR_CODINGS; c++)
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            struct buf wire = encode((enum door_coding)c, content(), 700000), back;
            CHECK_INT(decode((enum door_coding)c, buf_str(&wire), cuts[i], &back), ST_OK);
            CHECK_STR(buf_str(&back), content());
            buf_done(&wire);
            buf_done(&back);
        }
}

TEST(a_body_may_come_byte_by_byte)
{
    for (int c = DOOR_IDENTITY; c < DOOR_CODINGS; c++) {
        str text = {content().ptr, 5000};
        struct buf wire = encode((enum door_coding)c, text, 1000), back;
        CHECK_INT(decode((enum door_coding)c, buf_str(&wire), 1, &back), ST_OK);
        CHECK_STR(buf_str(&back), text);
        buf_done(&wire);
        buf_done(&back);
    }
}

TEST(a_cut_or_damaged_body_is_refused)
{
    for (int c = DOOR_GZIP; c < DOOR_CODINGS; c++) {
        str text = {content().ptr, 5000};
        struct buf wire = encode((enum door_coding)c, text, 5000), back;
        CHECK(decode((enum door_coding)c, (str){wire.ptr, wire.len - 3}, 999, &back) != ST_OK);
        buf_done(&back);
        wire.ptr[0] ^= 0x55;
        CHECK(decode((enum door_coding)c, buf_str(&wire), SIZE_MAX, &back) != ST_OK);
        buf_done(&back);
        buf_done(&wire);
    }
}

TEST(gzip_members_may_follow_each_other)
{
    struct buf one = encode(DOOR_GZIP, S("one,"), 100), two = encode(DOOR_GZIP, S("two"), 100),
               back;
    buf_add(&one, buf_str(&two));
    CHECK_INT(decode(DOOR_GZIP, buf_str(&one), 3, &back), ST_OK);
    CHECK_STR(buf_str(&back), S("one,two"));
    buf_done(&one);
    buf_done(&two);
    buf_done(&back);
}

TEST(a_frame_that_is_none_says_so)
{
    struct err err = {};
    struct buf out;
    size_t n = 0;
    CHECK_INT(door_frame_length(S("INSERT INTO t VALUES (1, 2)"), &n, &err), ST_LIMIT);
    CHECK(strstr(err.msg, "is the body compressed?"));
    struct buf frame = encode(DOOR_FRAMES, S("hello hello hello"), 100);
    buf_init(&out, 1 << 20);
    frame.ptr[frame.len - 1] ^= 1;
    CHECK_INT(door_frame_read(buf_str(&frame), &out, &err), ST_INVALID);
    CHECK(strstr(err.msg, "Checksum doesn't match"));
    buf_done(&frame);
    buf_done(&out);
}

TEST(the_best_accepted_coding_is_taken)
{
    CHECK_INT(door_coding_accepted(S("gzip, deflate, br, zstd")), DOOR_ZSTD);
    CHECK_INT(door_coding_accepted(S("gzip;q=1.0, deflate")), DOOR_GZIP);
    CHECK_INT(door_coding_accepted(S("br;q=0, GZIP;q=0.5")), DOOR_GZIP);
    CHECK_INT(door_coding_accepted(S("identity, x")), DOOR_IDENTITY);
    CHECK_INT(door_coding_accepted(S("")), DOOR_IDENTITY);
    enum door_coding c;
    CHECK(door_coding_of(S("X-GZIP"), &c) && c == DOOR_GZIP);
    CHECK(!door_coding_of(S("snappy"), &c));
}
