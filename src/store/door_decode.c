#include "store/door_decode.h"

#include <assert.h>
#include <brotli/decode.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "store/door_frames.h"

enum { OUT_BYTES = 256 << 10, WINDOW_LOG = 27, GZIP_BITS = 15 + 16, ZLIB_BITS = 15 };

struct door_decoder {
    enum door_coding coding;
    bool begun; /* a byte came */
    bool open;  /* what has begun has not ended */
    bool full;  /* the last call filled `out`: there may be more without further input */
    char *out;
    union {
        z_stream z;
        ZSTD_DCtx *zstd;
        LZ4F_dctx *lz4;
        BrotliDecoderState *brotli;
        struct {
            struct buf head, content; /* a frame as far as it came; what the last one said */
        } frames;
    };
};

static const str names[] = {
    [DOOR_IDENTITY] = S("identity"), [DOOR_GZIP] = S("gzip"), [DOOR_DEFLATE] = S("deflate"),
    [DOOR_ZSTD] = S("zstd"),         [DOOR_LZ4] = S("lz4"),   [DOOR_BROTLI] = S("br"),
};

bool door_coding_of(str name, enum door_coding *ret)
{
    *ret = DOOR_IDENTITY;
    if (!name.len) return true;
    if (str_eq_fold(name, S("x-gzip"))) name = names[DOOR_GZIP];
    for (int i = 0; i < DOOR_FRAMES; i++) {
        if (!str_eq_fold(name, names[i])) continue;
        *ret = (enum door_coding)i;
        return true;
    }
    return false;
}

str door_coding_name(enum door_coding c) { return c < DOOR_FRAMES ? names[c] : (str){0}; }

struct door_decoder *door_decoder_new(enum door_coding c)
{
    struct door_decoder *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->coding = c;
    bool ok = true;
    switch (c) {
    case DOOR_GZIP:
    case DOOR_DEFLATE:
        ok = inflateInit2(&d->z, c == DOOR_GZIP ? GZIP_BITS : ZLIB_BITS) == Z_OK;
        break;
    case DOOR_ZSTD:
        ok = (d->zstd = ZSTD_createDCtx()) != NULL;
        if (ok) ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
        break;
    case DOOR_LZ4:
        ok = !LZ4F_isError(LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION));
        break;
    case DOOR_BROTLI:
        ok = (d->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
        break;
    case DOOR_FRAMES:
        buf_init(&d->frames.head, DOOR_FRAME_MAX + DOOR_FRAME_HEAD);
        buf_init(&d->frames.content, DOOR_FRAME_MAX);
        break;
    case DOOR_IDENTITY:
    case DOOR_CODINGS: break;
    }
    bool streams = c != DOOR_IDENTITY && c != DOOR_FRAMES;
    if (!ok || (streams && !(d->out = malloc(OUT_BYTES)))) abort();
    return d;
}

void door_decoder_free(struct door_decoder *d)
{
    if (!d) return;
    switch (d->coding) {
    case DOOR_GZIP:
    case DOOR_DEFLATE: inflateEnd(&d->z); break;
    case DOOR_ZSTD: ZSTD_freeDCtx(d->zstd); break;
    case DOOR_LZ4: LZ4F_freeDecompressionContext(d->lz4); break;
    case DOOR_BROTLI: BrotliDecoderDestroyInstance(d->brotli); break;
    case DOOR_FRAMES:
        buf_done(&d->frames.head);
        buf_done(&d->frames.content);
        break;
    case DOOR_IDENTITY:
    case DOOR_CODINGS: break;
    }
    free(d->out);
    free(d);
}

static status malformed(struct door_decoder *d, const char *why, struct err *err)
{
    str name = names[d->coding];
    return err_set(err, ST_INVALID, ERR_NOPOS, STR_FMT ": %s", STR_ARG(name), why);
}

/* Several members may follow each other (rfc1952 2.2); a zlib stream is one. */
static status inflate_some(struct door_decoder *d, str *in, size_t *ret, struct err *err)
{
    if (!d->open && in->len) {
        if (d->begun && d->coding == DOOR_DEFLATE) return malformed(d, "bytes after its end", err);
        if (d->begun) inflateReset(&d->z);
        d->open = true;
    }
    if (!d->open) return ST_OK;
    d->z.next_in = (Bytef *)(uintptr_t)in->ptr;
    d->z.avail_in = in->len < UINT32_MAX ? (uInt)in->len : UINT32_MAX;
    d->z.next_out = (Bytef *)d->out;
    d->z.avail_out = OUT_BYTES;
    uInt before = d->z.avail_in;
    int rc = inflate(&d->z, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return malformed(d, d->z.msg ? d->z.msg : "malformed", err);
    d->open = rc != Z_STREAM_END;
    *in = str_drop(*in, before - d->z.avail_in);
    *ret = OUT_BYTES - d->z.avail_out;
    return ST_OK;
}

static status unzstd_some(struct door_decoder *d, str *in, size_t *ret, struct err *err)
{
    ZSTD_inBuffer from = {in->ptr, in->len, 0};
    ZSTD_outBuffer to = {d->out, OUT_BYTES, 0};
    size_t rc = ZSTD_decompressStream(d->zstd, &to, &from);
    if (ZSTD_isError(rc)) return malformed(d, ZSTD_getErrorName(rc), err);
    if (from.pos || to.pos) d->open = rc != 0;
    *in = str_drop(*in, from.pos);
    *ret = to.pos;
    return ST_OK;
}

static status unlz4_some(struct door_decoder *d, str *in, size_t *ret, struct err *err)
{
    size_t used = in->len, made = OUT_BYTES;
    size_t rc = LZ4F_decompress(d->lz4, d->out, &made, in->ptr ? in->ptr : "", &used, NULL);
    if (LZ4F_isError(rc)) return malformed(d, LZ4F_getErrorName(rc), err);
    if (used || made) d->open = rc != 0;
    *in = str_drop(*in, used);
    *ret = made;
    return ST_OK;
}

static status unbrotli_some(struct door_decoder *d, str *in, size_t *ret, struct err *err)
{
    if (d->begun && !d->open) return in->len ? malformed(d, "bytes after its end", err) : ST_OK;
    size_t left = in->len, room = OUT_BYTES;
    const uint8_t *from = (const uint8_t *)in->ptr;
    uint8_t *to = (uint8_t *)d->out;
    BrotliDecoderResult rc =
        BrotliDecoderDecompressStream(d->brotli, &left, &from, &room, &to, NULL);
    if (rc == BROTLI_DECODER_RESULT_ERROR)
        return malformed(d, BrotliDecoderErrorString(BrotliDecoderGetErrorCode(d->brotli)), err);
    d->open = rc != BROTLI_DECODER_RESULT_SUCCESS;
    *in = str_drop(*in, in->len - left);
    *ret = OUT_BYTES - room;
    return ST_OK;
}

static status unframe(struct door_decoder *d, str *in, str *ret, struct err *err)
{
    struct buf *head = &d->frames.head, *content = &d->frames.content;
    buf_clear(content);
    while (in->len && !content->len) {
        size_t want = DOOR_FRAME_HEAD;
        if (head->len >= want) TRY(door_frame_length(buf_str(head), &want, err));
        size_t missing = want - head->len, take = missing < in->len ? missing : in->len;
        buf_add(head, (str){in->ptr, take});
        *in = str_drop(*in, take);
        if (head->len < DOOR_FRAME_HEAD) break;
        TRY(door_frame_length(buf_str(head), &want, err));
        if (head->len < want) continue;
        TRY(door_frame_read(buf_str(head), content, err));
        buf_clear(head);
    }
    d->open = head->len > 0;
    *ret = buf_str(content);
    return ST_OK;
}

status door_decode(struct door_decoder *d, str *in, str *ret, struct err *err)
{
    *ret = (str){0};
    if (d->coding == DOOR_FRAMES) return unframe(d, in, ret, err);
    if (d->coding == DOOR_IDENTITY) {
        *ret = *in;
        *in = (str){0};
        return ST_OK;
    }
    size_t made = 0;
    while (!made && (in->len || d->full)) {
        size_t before = in->len;
        switch (d->coding) {
        case DOOR_GZIP:
        case DOOR_DEFLATE: TRY(inflate_some(d, in, &made, err)); break;
        case DOOR_ZSTD: TRY(unzstd_some(d, in, &made, err)); break;
        case DOOR_LZ4: TRY(unlz4_some(d, in, &made, err)); break;
        default: TRY(unbrotli_some(d, in, &made, err)); break;
        }
        d->begun |= in->len < before;
        d->full = made == OUT_BYTES;
        if (!made && in->len == before && in->len) return malformed(d, "it does not go on", err);
    }
    *ret = (str){d->out, made};
    return ST_OK;
}

bool door_decoder_whole(const struct door_decoder *d) { return !d->open; }
