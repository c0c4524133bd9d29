#include "store/door_input.h"

#include <stdlib.h>
#include <zstd.h>

#include "net/compress.h"

enum { OUT_BYTES = 256 << 10, GZIP_BYTES = 64 << 20 };

struct door_input {
    struct door_exchange *e;
    enum payload_compression encoding;
    uint64_t left; /* of max_bytes */
    uint64_t max_bytes;

    ZSTD_DCtx *zstd;
    char *out;
    str in;         /* compressed bytes not yet decoded */
    bool mid_frame; /* the last frame has not ended */
    bool flushing;  /* the decoder has more for the input it has taken */

    struct arena arena; /* gzip: the whole body, decoded at once */
    bool done;
};

struct door_input *door_input_new(struct door_exchange *e, uint64_t max_bytes)
{
    struct door_input *in = calloc(1, sizeof *in);
    if (!in) abort();
    in->e = e;
    in->encoding = door_exchange_request(e)->encoding;
    in->left = in->max_bytes = max_bytes;
    if (in->encoding == PAYLOAD_ZSTD) {
        in->zstd = ZSTD_createDCtx();
        in->out = malloc(OUT_BYTES);
        if (!in->zstd || !in->out) abort();
        ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, 27); /* 128 MiB */
    }
    return in;
}

void door_input_free(struct door_input *in)
{
    if (!in) return;
    ZSTD_freeDCtx(in->zstd);
    free(in->out);
    arena_done(&in->arena);
    free(in);
}

static status broken_off(struct err *err)
{
    return err_set(err, ST_CANCELLED, ERR_NOPOS, "the request's body broke off");
}

static status next_zstd(struct door_input *in, str *ret, struct err *err)
{
    for (;;) {
        if (!in->in.len && !in->flushing && !door_exchange_read(in->e, &in->in)) {
            if (!door_exchange_complete(in->e)) return broken_off(err);
            if (in->mid_frame)
                return err_set(err, ST_INVALID, ERR_NOPOS, "zstd: the body ends inside a frame");
            *ret = (str){0};
            return ST_OK;
        }
        ZSTD_inBuffer from = {in->in.ptr, in->in.len, 0};
        ZSTD_outBuffer to = {in->out, OUT_BYTES, 0};
        size_t rc = ZSTD_decompressStream(in->zstd, &to, &from);
        if (ZSTD_isError(rc))
            return err_set(err, ST_INVALID, ERR_NOPOS, "zstd: %s", ZSTD_getErrorName(rc));
        in->mid_frame = rc != 0;
        in->flushing = to.pos == to.size && rc != 0;
        in->in = str_drop(in->in, from.pos);
        if (to.pos) {
            *ret = (str){in->out, to.pos};
            return ST_OK;
        }
    }
}

static status next_gzip(struct door_input *in, str *ret, struct err *err)
{
    *ret = (str){0};
    if (in->done) return ST_OK;
    in->done = true;
    struct buf wire;
    buf_init(&wire, GZIP_BYTES);
    for (str piece; !wire.over && door_exchange_read(in->e, &piece);) buf_add(&wire, piece);
    status s = ST_OK;
    size_t max = in->max_bytes < SIZE_MAX / 2 ? (size_t)in->max_bytes : SIZE_MAX / 2;
    if (wire.over)
        s = err_set(err, ST_LIMIT, ERR_NOPOS, "gzip body of more than %d bytes", GZIP_BYTES);
    else if (!door_exchange_complete(in->e))
        s = broken_off(err);
    else if (wire.len) {
        arena_init(&in->arena, SIZE_MAX);
        s = decompress(&in->arena, PAYLOAD_GZIP, buf_str(&wire), max, ret, err);
    }
    buf_done(&wire);
    return s;
}

static status next_plain(struct door_input *in, str *ret, struct err *err)
{
    *ret = (str){0};
    if (door_exchange_read(in->e, ret)) return ST_OK;
    return door_exchange_complete(in->e) ? ST_OK : broken_off(err);
}

status door_input_next(struct door_input *in, str *ret, struct err *err)
{
    str piece = {0};
    TRY(in->encoding == PAYLOAD_ZSTD   ? next_zstd(in, &piece, err)
        : in->encoding == PAYLOAD_GZIP ? next_gzip(in, &piece, err)
                                       : next_plain(in, &piece, err));
    if (piece.len > in->left)
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a body of more than %llu bytes",
                       (unsigned long long)in->max_bytes);
    in->left -= piece.len;
    *ret = piece;
    return ST_OK;
}
