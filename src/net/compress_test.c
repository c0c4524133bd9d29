#include "net/compress.h"

#include <stdlib.h>

#include "testing/test.h"

enum { BIG = 300000 };

static str noise(struct arena *a, size_t n)
{
    char *p = arena_alloc(a, n, 1);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (char)("abcdefgh"[x >> 29]);
    }
    return (str){p, n};
}

static status pack(enum payload_compression c, str in, struct buf *out)
{
    struct err err;
    return c == PAYLOAD_GZIP ? compress_gzip(in, 1, out, &err) : compress_zstd(in, 1, out, &err);
}

static void round_trip(enum payload_compression c)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    struct buf z;
    struct err err;
    buf_init(&z, 1 << 20);
    str in = noise(&a, BIG), got;
    CHECK_INT(pack(c, in, &z), ST_OK);
    CHECK_INT(decompress(&a, c, buf_str(&z), BIG, &got, &err), ST_OK);
    CHECK(str_eq(got, in));
    for (int i = 0; i < 64; i++)
        ((volatile char *)got.ptr)[got.len + (size_t)i] = 0; /* the slack */
    CHECK_INT(decompress(&a, c, buf_str(&z), BIG - 1, &got, &err), ST_LIMIT);

    buf_clear(&z);
    CHECK_INT(pack(c, (str){0}, &z), ST_OK);
    CHECK_INT(decompress(&a, c, buf_str(&z), 10, &got, &err), ST_OK);
    CHECK_INT(got.len, 0);

    buf_clear(&z); /* several members, or frames */
    CHECK_INT(pack(c, in, &z), ST_OK);
    CHECK_INT(pack(c, S("tail"), &z), ST_OK);
    CHECK_INT(decompress(&a, c, buf_str(&z), BIG + 100, &got, &err), ST_OK);
    CHECK_INT(got.len, BIG + 4);
    CHECK_STR(str_drop(got, BIG), S("tail"));
    CHECK_INT(decompress(&a, c, buf_str(&z), BIG + 3, &got, &err), ST_LIMIT);

    buf_clear(&z); /* every truncation of a short one */
    CHECK_INT(pack(c, S("hello hello hello hello"), &z), ST_OK);
    for (size_t n = 0; n < z.len; n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, z.ptr, n);
        CHECK_INT(decompress(&a, c, (str){cut, n}, 100, &got, &err), ST_INVALID);
        free(cut);
    }
    buf_add(&z, S("rubbish behind it, long enough"));
    CHECK_INT(decompress(&a, c, buf_str(&z), 100, &got, &err), ST_INVALID);
    buf_done(&z);
    arena_done(&a);
}

TEST(gzip_comes_back_and_is_bounded) { round_trip(PAYLOAD_GZIP); }
TEST(zstd_comes_back_and_is_bounded) { round_trip(PAYLOAD_ZSTD); }

static void bomb(enum payload_compression c)
{
    size_t n = 64u << 20, max = 1 << 20;
    char *zeros = calloc(1, n);
    struct buf z;
    buf_init(&z, 1 << 27);
    CHECK_INT(pack(c, (str){zeros, n}, &z), ST_OK);
    free(zeros);
    struct arena a;
    struct err err;
    str got;
    arena_init(&a, SIZE_MAX);
    CHECK_INT(decompress(&a, c, buf_str(&z), max, &got, &err), ST_LIMIT);
    CHECK_INT(a.used, 0); /* it says itself how large it is */
    struct buf two;       /* small ones around it, so that it does not */
    buf_init(&two, 1 << 27);
    char *more = calloc(1, n);
    CHECK_INT(pack(c, S("x"), &two), ST_OK);
    CHECK_INT(pack(c, (str){more, n}, &two), ST_OK);
    if (c == PAYLOAD_GZIP) CHECK_INT(pack(c, S("x"), &two), ST_OK);
    free(more);
    CHECK_INT(decompress(&a, c, buf_str(&two), max, &got, &err), ST_LIMIT);
    CHECK(a.used <= 2 * max);
    buf_done(&two);
    arena_done(&a);
    buf_done(&z);
}

TEST(gzip_bomb_allocates_no_more_than_the_bound) { bomb(PAYLOAD_GZIP); }
TEST(zstd_bomb_allocates_no_more_than_the_bound) { bomb(PAYLOAD_ZSTD); }

TEST(gzip_trailer_that_lies_about_its_size_is_not_believed)
{
    struct arena a;
    struct err err;
    struct buf z;
    str got;
    arena_init(&a, SIZE_MAX);
    buf_init(&z, 1 << 20);
    CHECK_INT(compress_gzip(S("small"), 1, &z, &err), ST_OK);
    memset(z.ptr + z.len - 4, 0x7f, 4);
    CHECK_INT(decompress(&a, PAYLOAD_GZIP, buf_str(&z), 1u << 30, &got, &err), ST_INVALID);
    CHECK(a.used < 1 << 20);
    arena_done(&a);
    buf_done(&z);
}

struct asked {
    size_t granted, limit;
};

static bool grant(void *ctx, size_t bytes)
{
    struct asked *k = ctx;
    if (bytes > k->limit - k->granted) return false;
    k->granted += bytes;
    return true;
}

static void asks(enum payload_compression c)
{
    struct arena a;
    struct err err;
    struct buf z;
    str got;
    arena_init(&a, SIZE_MAX);
    buf_init(&z, 1 << 22);
    str in = noise(&a, BIG);
    CHECK_INT(pack(c, in, &z), ST_OK);
    CHECK_INT(pack(c, S("tail"), &z), ST_OK); /* no stated size covers both */
    size_t used = a.used;
    for (size_t limit = 1000; limit < BIG; limit *= 2) {
        struct asked k = {.limit = limit};
        struct decompress_room room = {grant, &k};
        CHECK_INT(decompress_within(&a, c, buf_str(&z), 1 << 20, &room, &got, &err), ST_OVERLOADED);
        CHECK(a.used - used <= limit + 64 + 16);
        used = a.used;
    }
    struct asked k = {.limit = 4 * BIG};
    struct decompress_room room = {grant, &k};
    CHECK_INT(decompress_within(&a, c, buf_str(&z), 1 << 20, &room, &got, &err), ST_OK);
    CHECK(k.granted >= got.len && got.len == BIG + 4);
    arena_done(&a);
    buf_done(&z);
}

TEST(gzip_asks_before_it_allocates) { asks(PAYLOAD_GZIP); }
TEST(zstd_asks_before_it_allocates) { asks(PAYLOAD_ZSTD); }

TEST(identity_is_the_wire_itself)
{
    struct arena a;
    struct err err;
    str got, in = S("as it is");
    arena_init(&a, 1000);
    CHECK_INT(decompress(&a, PAYLOAD_IDENTITY, in, 100, &got, &err), ST_OK);
    CHECK(got.ptr == in.ptr);
    CHECK_INT(decompress(&a, PAYLOAD_IDENTITY, in, 3, &got, &err), ST_LIMIT);
    arena_done(&a);
}

TEST(snappy_comes_back)
{
    static const char text[] = "a run of text, a run of text, a run of text";
    struct arena a;
    struct buf out;
    struct err err = {0};
    str back;
    arena_init(&a, 1 << 20);
    buf_init(&out, 1 << 16);
    CHECK_INT(compress_snappy(S(text), &out, &err), ST_OK);
    CHECK(out.len < sizeof text);
    CHECK_INT(decompress(&a, PAYLOAD_SNAPPY, buf_str(&out), 1 << 16, &back, &err), ST_OK);
    CHECK_STR(back, S(text));
    buf_done(&out);
    buf_init(&out, 16);
    CHECK_INT(compress_snappy(S(text), &out, &err), ST_LIMIT);
    buf_done(&out);
    arena_done(&a);
}

TEST(gzip_of_pieces_can_be_read_as_one)
{
    struct gzip_stream *z = gzip_stream_new(3);
    struct buf out, want;
    buf_init(&out, 1 << 20);
    buf_init(&want, 1 << 20);
    for (int i = 0; i < 50; i++) {
        size_t from = want.len;
        for (int k = 0; k < i * i; k++) buf_printf(&want, "%d ", k * i);
        gzip_stream_add(z, str_drop(buf_str(&want), from), i == 49, &out);
    }
    gzip_stream_free(z);
    struct arena a;
    str back;
    arena_init(&a, 16 << 20);
    CHECK_INT(decompress(&a, PAYLOAD_GZIP, buf_str(&out), 1 << 20, &back, NULL), ST_OK);
    CHECK_STR(back, buf_str(&want));
    CHECK(out.len < want.len / 2);
    arena_done(&a);
    buf_done(&out);
    buf_done(&want);
}
