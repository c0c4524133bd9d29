#include "store/door_encode.h"

#include <assert.h>
#include <brotli/encode.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "store/door_frames.h"

enum {
    LEVEL = 3,
    BROTLI_LEVEL = 3,
    CHUNK = 1 << 20,
    ROOM = 64 << 10,
    GZIP_BITS = 15 + 16,
    ZLIB_BITS = 15
};

struct door_encoder {
    enum door_coding coding;
    bool begun;
    union {
        z_stream z;
        ZSTD_CCtx *zstd;
        LZ4F_cctx *lz4;
        BrotliEncoderState *brotli;
    };
};

struct door_encoder *door_encoder_new(enum door_coding c)
{
    struct door_encoder *e = calloc(1, sizeof *e);
    if (!e) abort();
    e->coding = c;
    bool ok = true;
    switch (c) {
    case DOOR_GZIP:
    case DOOR_DEFLATE:
        ok = deflateInit2(&e->z, LEVEL, Z_DEFLATED, c == DOOR_GZIP ? GZIP_BITS : ZLIB_BITS, 8,
                          Z_DEFAULT_STRATEGY) == Z_OK;
        break;
    case DOOR_ZSTD: ok = (e->zstd = ZSTD_createCCtx()) != NULL; break;
    case DOOR_LZ4: ok = !LZ4F_isError(LZ4F_createCompressionContext(&e->lz4, LZ4F_VERSION)); break;
    case DOOR_BROTLI:
        ok = (e->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL)) != NULL &&
             BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_QUALITY, BROTLI_LEVEL);
        break;
    default: break;
    }
    if (!ok) abort();
    return e;
}

void door_encoder_free(struct door_encoder *e)
{
    if (!e) return;
    switch (e->coding) {
    case DOOR_GZIP:
    case DOOR_DEFLATE: deflateEnd(&e->z); break;
    case DOOR_ZSTD: ZSTD_freeCCtx(e->zstd); break;
    case DOOR_LZ4: LZ4F_freeCompressionContext(e->lz4); break;
    case DOOR_BROTLI: BrotliEncoderDestroyInstance(e->brotli); break;
    default: break;
    }
    free(e);
}

static void deflate_all(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    e->z.next_in = (Bytef *)(uintptr_t)piece.ptr;
    e->z.avail_in = (uInt)piece.len;
    do {
        if (!buf_reserve(out, ROOM)) return;
        e->z.next_out = (Bytef *)out->ptr + out->len;
        e->z.avail_out = ROOM;
        deflate(&e->z, end ? Z_FINISH : Z_SYNC_FLUSH);
        out->len += ROOM - e->z.avail_out;
    } while (e->z.avail_out == 0);
}

static void zstd_all(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    ZSTD_inBuffer from = {piece.ptr, piece.len, 0};
    size_t left = 1;
    while (left) {
        if (!buf_reserve(out, ROOM)) return;
        ZSTD_outBuffer to = {out->ptr + out->len, ROOM, 0};
        left = ZSTD_compressStream2(e->zstd, &to, &from, end ? ZSTD_e_end : ZSTD_e_flush);
        if (ZSTD_isError(left)) abort(); /* there is no input that could fail */
        out->len += to.pos;
    }
}

static void lz4_all(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    if (!buf_reserve(out, LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(piece.len, NULL) + ROOM))
        return;
    size_t room = out->cap - out->len, n = 0;
    char *to = out->ptr + out->len;
    if (!e->begun) n += LZ4F_compressBegin(e->lz4, to, room, NULL);
    if (piece.len) n += LZ4F_compressUpdate(e->lz4, to + n, room - n, piece.ptr, piece.len, NULL);
    n += end ? LZ4F_compressEnd(e->lz4, to + n, room - n, NULL)
             : LZ4F_flush(e->lz4, to + n, room - n, NULL);
    if (n > room) abort(); /* one of them has failed */
    out->len += n;
}

static void brotli_all(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    size_t left = piece.len;
    const uint8_t *from = (const uint8_t *)piece.ptr;
    do {
        if (!buf_reserve(out, ROOM)) return;
        size_t room = ROOM;
        uint8_t *to = (uint8_t *)out->ptr + out->len;
        if (!BrotliEncoderCompressStream(e->brotli,
                                         end ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH,
                                         &left, &from, &room, &to, NULL))
            abort();
        out->len += ROOM - room;
    } while (left || BrotliEncoderHasMoreOutput(e->brotli));
}

static void encode_some(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    switch (e->coding) {
    case DOOR_IDENTITY: buf_add(out, piece); break;
    case DOOR_GZIP:
    case DOOR_DEFLATE: deflate_all(e, piece, end, out); break;
    case DOOR_ZSTD: zstd_all(e, piece, end, out); break;
    case DOOR_LZ4: lz4_all(e, piece, end, out); break;
    case DOOR_BROTLI: brotli_all(e, piece, end, out); break;
    case DOOR_FRAMES: door_frames_write(piece, out); break;
    case DOOR_CODINGS: break;
    }
    e->begun = true;
}

void door_encode(struct door_encoder *e, str piece, bool end, struct buf *out)
{
    while (piece.len > CHUNK) {
        encode_some(e, (str){piece.ptr, CHUNK}, false, out);
        piece = str_drop(piece, CHUNK);
    }
    if (piece.len || end) encode_some(e, piece, end, out);
}

/* Is `name` in the list, and not with q=0? */
static bool names_it(str header, str name)
{
    while (header.len) {
        const char *comma = memchr(header.ptr, ',', header.len);
        str one = {header.ptr, comma ? (size_t)(comma - header.ptr) : header.len};
        header = str_drop(header, one.len + 1);
        while (one.len && one.ptr[0] == ' ') one = str_drop(one, 1);
        const char *semicolon = one.len ? memchr(one.ptr, ';', one.len) : NULL;
        str word = {one.ptr, semicolon ? (size_t)(semicolon - one.ptr) : one.len};
        while (word.len && word.ptr[word.len - 1] == ' ') word.len--;
        if (!str_eq_fold(word, name)) continue;
        str q = str_drop(one, word.len);
        return !q.len || !memmem(q.ptr, q.len, "q=0", 3) || memmem(q.ptr, q.len, "q=0.", 4);
    }
    return false;
}

enum door_coding door_coding_accepted(str header)
{
    static const enum door_coding order[] = {DOOR_ZSTD, DOOR_BROTLI, DOOR_LZ4, DOOR_GZIP,
                                             DOOR_DEFLATE};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (names_it(header, door_coding_name(order[i]))) return order[i];
    return DOOR_IDENTITY;
}
