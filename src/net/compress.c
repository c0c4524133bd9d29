/* Whole-buffer gzip (libdeflate), zstd and snappy. The output bound holds for what is allocated
 * too: gzip's trailer is only a first guess at the size, and guesses grow by doubling up to the
 * bound. */
#include "net/compress.h"

#include <libdeflate.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

enum { SLACK = 64, FIRST_GUESS = 16384 };

static status too_large(struct err *err, const char *what, size_t max)
{
    return err_set(err, ST_LIMIT, ERR_NOPOS, "%s body is larger than %zu bytes decompressed", what,
                   max);
}

static status no_room(struct err *err)
{
    return err_set(err, ST_OVERLOADED, ERR_NOPOS, "no room to decompress a body");
}

static bool may(const struct decompress_room *room, size_t bytes)
{
    return !room || room->ask(room->ctx, bytes);
}

/* The last four bytes of a member: its size modulo 2^32. True only when there is one member. */
static size_t gzip_guess(str wire)
{
    const unsigned char *t = (const unsigned char *)wire.ptr + wire.len - 4;
    size_t said = (size_t)t[0] | (size_t)t[1] << 8 | (size_t)t[2] << 16 | (size_t)t[3] << 24;
    /* deflate cannot do better than 1032:1, so a larger claim is a lie. */
    return said < FIRST_GUESS || said / 1032 > wire.len ? FIRST_GUESS : said;
}

static size_t wider(size_t room, size_t max) { return room > max / 2 ? max : room * 2; }

/* Makes the output at least twice as large, keeping the first `done` bytes. Everything else of it
 * is given back. */
static char *grow(struct arena *a, struct arena_mark start, char *out, size_t done, size_t *room,
                  size_t max)
{
    char *kept = NULL;
    if (done) {
        kept = malloc(done);
        if (!kept) abort();
        memcpy(kept, out, done);
    }
    *room = wider(*room, max);
    arena_rewind(a, start);
    out = arena_alloc(a, *room + SLACK, 1);
    if (done) memcpy(out, kept, done);
    free(kept);
    return out;
}

static status gunzip(struct arena *a, str wire, size_t max, const struct decompress_room *more,
                     str *ret, struct err *err)
{
    if (wire.len < 18) return err_set(err, ST_INVALID, ERR_NOPOS, "gzip: cut off");
    size_t room = gzip_guess(wire), at = 0, done = 0;
    if (room > max && room > FIRST_GUESS) return too_large(err, "gzip", max);
    if (room > max) room = max;
    if (!may(more, room)) return no_room(err);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d) abort();
    struct arena_mark start = arena_mark(a);
    char *out = arena_alloc(a, room + SLACK, 1);
    status st = ST_OK;
    while (at < wire.len && st == ST_OK) {
        size_t used = 0, made = 0;
        enum libdeflate_result r = libdeflate_gzip_decompress_ex(
            d, wire.ptr + at, wire.len - at, out + done, room - done, &used, &made);
        if (r == LIBDEFLATE_SUCCESS) {
            at += used;
            done += made;
        } else if (r == LIBDEFLATE_INSUFFICIENT_SPACE && room < max) {
            if (!may(more, wider(room, max) - room))
                st = no_room(err);
            else
                out = grow(a, start, out, done, &room, max);
        } else if (r == LIBDEFLATE_INSUFFICIENT_SPACE) {
            st = too_large(err, "gzip", max);
        } else {
            st = err_set(err, ST_INVALID, (uint32_t)at, "gzip: malformed");
        }
    }
    libdeflate_free_decompressor(d);
    if (st == ST_OK) *ret = (str){out, done};
    return st;
}

/* A frame may ask for a window as large as it likes: no more than the body may be, and no less than
 * the 8 MiB that every decoder should support (rfc8878 3.1.1.1.2). */
static int window_log(size_t max)
{
    int log = 23;
    while (log < 27 && (size_t)1 << log < max) log++;
    return log;
}

static status unzstd(struct arena *a, str wire, size_t max, const struct decompress_room *more,
                     str *ret, struct err *err)
{
    unsigned long long said = ZSTD_getFrameContentSize(wire.ptr, wire.len);
    size_t room = FIRST_GUESS;
    if (said != ZSTD_CONTENTSIZE_UNKNOWN && said != ZSTD_CONTENTSIZE_ERROR && said > room) {
        if (said > max) return too_large(err, "zstd", max);
        if (said / 4096 <= wire.len) room = (size_t)said;
    }
    if (room > max) room = max;
    if (!may(more, room)) return no_room(err);
    ZSTD_DCtx *d = ZSTD_createDCtx();
    if (!d) abort();
    ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, window_log(max));
    struct arena_mark start = arena_mark(a);
    char *out = arena_alloc(a, room + SLACK, 1);
    ZSTD_inBuffer in = {wire.ptr, wire.len, 0};
    ZSTD_outBuffer to = {out, room, 0};
    status st = ST_OK;
    size_t left = 1;
    while (st == ST_OK && (in.pos < in.size || left > 0)) {
        size_t in_before = in.pos, out_before = to.pos;
        left = ZSTD_decompressStream(d, &to, &in);
        if (ZSTD_isError(left))
            st = err_set(err, ST_INVALID, (uint32_t)in.pos, "zstd: %s", ZSTD_getErrorName(left));
        else if (left > 0 && to.pos == to.size && room < max && !may(more, wider(room, max) - room))
            st = no_room(err);
        else if (left > 0 && to.pos == to.size && room < max)
            to.dst = grow(a, start, to.dst, to.pos, &room, max), to.size = room;
        else if (left > 0 && to.pos == to.size)
            st = too_large(err, "zstd", max);
        else if (left > 0 && in.pos == in_before && to.pos == out_before)
            st = err_set(err, ST_INVALID, (uint32_t)in.pos, "zstd: cut off");
    }
    ZSTD_freeDCtx(d);
    if (st == ST_OK) *ret = (str){to.dst, to.pos};
    return st;
}

/* The block form: how long the result is stands in front. Three bytes make at most 64. */
static status unsnap(struct arena *a, str wire, size_t max, const struct decompress_room *more,
                     str *ret, struct err *err)
{
    size_t n;
    if (snappy_uncompressed_length(wire.ptr, wire.len, &n) != SNAPPY_OK || n / 32 > wire.len)
        return err_set(err, ST_INVALID, ERR_NOPOS, "snappy: malformed");
    if (n > max) return too_large(err, "snappy", max);
    if (!may(more, n)) return no_room(err);
    char *out = arena_alloc(a, n + SLACK, 1);
    if (snappy_uncompress(wire.ptr, wire.len, out, &n) != SNAPPY_OK)
        return err_set(err, ST_INVALID, ERR_NOPOS, "snappy: malformed");
    *ret = (str){out, n};
    return ST_OK;
}

status decompress(struct arena *a, enum payload_compression c, str wire, size_t max_bytes, str *ret,
                  struct err *err)
{
    return decompress_within(a, c, wire, max_bytes, NULL, ret, err);
}

status decompress_within(struct arena *a, enum payload_compression c, str wire, size_t max_bytes,
                         const struct decompress_room *room, str *ret, struct err *err)
{
    switch (c) {
    case PAYLOAD_IDENTITY:
        if (wire.len > max_bytes) return too_large(err, "plain", max_bytes);
        *ret = wire;
        return ST_OK;
    case PAYLOAD_GZIP: return gunzip(a, wire, max_bytes, room, ret, err);
    case PAYLOAD_ZSTD: return unzstd(a, wire, max_bytes, room, ret, err);
    case PAYLOAD_SNAPPY: return unsnap(a, wire, max_bytes, room, ret, err);
    }
    return err_set(err, ST_MEDIA_TYPE, ERR_NOPOS, "unknown compression %d", (int)c);
}

status compress_gzip(str in, int level, struct buf *out, struct err *err)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    if (!c) return err_set(err, ST_INVALID, ERR_NOPOS, "gzip: no level %d", level);
    size_t bound = libdeflate_gzip_compress_bound(c, in.len);
    size_t n = 0;
    if (buf_reserve(out, bound))
        n = libdeflate_gzip_compress(c, in.ptr, in.len, out->ptr + out->len, bound);
    libdeflate_free_compressor(c);
    if (n == 0)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "gzip: %zu bytes do not fit in %zu", bound,
                       out->max - out->len);
    out->len += n;
    return ST_OK;
}

status compress_zstd(str in, int level, struct buf *out, struct err *err)
{
    size_t bound = ZSTD_compressBound(in.len);
    if (!buf_reserve(out, bound))
        return err_set(err, ST_LIMIT, ERR_NOPOS, "zstd: %zu bytes do not fit in %zu", bound,
                       out->max - out->len);
    size_t n = ZSTD_compress(out->ptr + out->len, bound, in.ptr, in.len, level);
    if (ZSTD_isError(n))
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "zstd: %s", ZSTD_getErrorName(n));
    out->len += n;
    return ST_OK;
}

status compress_lz4(str in, struct buf *out, struct err *err)
{
    const LZ4F_preferences_t how = {
        .frameInfo = {.blockSizeID = LZ4F_max1MB, .contentSize = in.len}};
    size_t bound = LZ4F_compressFrameBound(in.len, &how);
    if (!buf_reserve(out, bound))
        return err_set(err, ST_LIMIT, ERR_NOPOS, "lz4: %zu bytes do not fit in %zu", bound,
                       out->max - out->len);
    size_t n = LZ4F_compressFrame(out->ptr + out->len, bound, in.ptr, in.len, &how);
    if (LZ4F_isError(n))
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "lz4: %s", LZ4F_getErrorName(n));
    out->len += n;
    return ST_OK;
}

status compress_snappy(str in, struct buf *out, struct err *err)
{
    size_t n = snappy_max_compressed_length(in.len);
    if (!buf_reserve(out, n))
        return err_set(err, ST_LIMIT, ERR_NOPOS, "snappy: %zu bytes do not fit in %zu", n,
                       out->max - out->len);
    if (snappy_compress(in.len ? in.ptr : "", in.len, out->ptr + out->len, &n) != SNAPPY_OK)
        return err_set(err, ST_INTERNAL, ERR_NOPOS, "snappy: cannot compress %zu bytes", in.len);
    out->len += n;
    return ST_OK;
}
