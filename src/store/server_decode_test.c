#include "store/server_decode.h"

#include "base/buf.h"
#include "net/compress.h"
#include "testing/test.h"

static bool keep(void *ctx, str piece)
{
    buf_add(ctx, piece);
    return true;
}

static void make_text(struct buf *out, size_t bytes)
{
    buf_init(out, bytes + 64);
    for (unsigned i = 0; out->len < bytes; i++) buf_printf(out, "row %u of %u\n", i * 7919, i % 13);
}

static status pack(enum server_encoding e, str in, struct buf *out)
{
    struct err err = {};
    return e == SERVER_ZSTD ? compress_zstd(in, 1, out, &err) : compress_lz4(in, out, &err);
}

static void round_trip(enum server_encoding encoding, size_t piece)
{
    struct buf text, wire, got;
    struct err err = {};
    make_text(&text, 1 << 20);
    buf_init(&wire, 4 << 20);
    buf_init(&got, 4 << 20);
    for (int i = 0; i < 2; i++) CHECK_INT(pack(encoding, buf_str(&text), &wire), ST_OK);
    struct server_decoder *d = server_decoder_new(encoding);
    for (size_t at = 0; at < wire.len; at += piece) {
        size_t n = wire.len - at < piece ? wire.len - at : piece;
        CHECK_INT(server_decode(d, (str){wire.ptr + at, n}, keep, &got, &err), ST_OK);
    }
    CHECK(server_decoder_at_end(d));
    server_decoder_free(d);
    CHECK_INT(got.len, 2 * text.len);
    CHECK(memcmp(got.ptr, text.ptr, text.len) == 0);
    CHECK(memcmp(got.ptr + text.len, text.ptr, text.len) == 0);
    buf_done(&text);
    buf_done(&wire);
    buf_done(&got);
}

TEST(two_frames_in_pieces_of_any_size_are_what_was_packed)
{
    for (int e = SERVER_ZSTD; e <= SERVER_LZ4; e++) {
        round_trip((enum server_encoding)e, 1 << 22);
        round_trip((enum server_encoding)e, 65536);
        round_trip((enum server_encoding)e, 7);
    }
}

TEST(an_answer_that_is_cut_off_or_damaged_is_not_at_its_end)
{
    for (int e = SERVER_ZSTD; e <= SERVER_LZ4; e++) {
        struct buf wire, got;
        struct err err = {};
        buf_init(&wire, 1 << 16);
        buf_init(&got, 1 << 16);
        CHECK_INT(pack((enum server_encoding)e, S("0123456789012345678901234567890"), &wire),
                  ST_OK);
        for (size_t n = 1; n < wire.len; n++) {
            struct server_decoder *d = server_decoder_new((enum server_encoding)e);
            CHECK_INT(server_decode(d, (str){wire.ptr, n}, keep, &got, &err), ST_OK);
            CHECK(!server_decoder_at_end(d));
            server_decoder_free(d);
        }
        struct server_decoder *d = server_decoder_new((enum server_encoding)e);
        CHECK_INT(server_decode(d, S("neither of the two"), keep, &got, &err), ST_INVALID);
        server_decoder_free(d);
        buf_done(&wire);
        buf_done(&got);
    }
}

static bool refuse(void *, str) { return false; }

TEST(a_reader_that_has_enough_ends_the_decoding)
{
    struct buf wire;
    struct err err = {};
    buf_init(&wire, 1 << 16);
    CHECK_INT(compress_lz4(S("enough"), &wire, &err), ST_OK);
    struct server_decoder *d = server_decoder_new(SERVER_LZ4);
    CHECK_INT(server_decode(d, buf_str(&wire), refuse, NULL, &err), ST_CANCELLED);
    server_decoder_free(d);
    buf_done(&wire);
}
