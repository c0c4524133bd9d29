#include "store/server_decode.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zstd.h>

enum { OUT_BYTES = 256 << 10, WINDOW_LOG_MOST = 27 };

struct server_decoder {
    ZSTD_DCtx *zstd; /* NULL: lz4 */
    LZ4F_dctx *lz4;
    bool mid_frame;
    char out[OUT_BYTES];
};

struct server_decoder *server_decoder_new(enum server_encoding encoding)
{
    struct server_decoder *d = malloc(sizeof *d);
    if (!d) abort();
    d->zstd = NULL;
    d->lz4 = NULL;
    d->mid_frame = false;
    if (encoding == SERVER_ZSTD) {
        d->zstd = ZSTD_createDCtx();
        if (!d->zstd) abort();
        ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
    } else if (LZ4F_isError(LZ4F_createDecompressionContext(&d->lz4, LZ4F_VERSION))) {
        abort();
    }
    return d;
}

void server_decoder_free(struct server_decoder *d)
{
    if (!d) return;
    ZSTD_freeDCtx(d->zstd);
    LZ4F_freeDecompressionContext(d->lz4);
    free(d);
}

bool server_decoder_at_end(const struct server_decoder *d) { return !d->mid_frame; }

/* One step: *io loses what was taken, *made is what came out. */
static status step(struct server_decoder *d, str *io, size_t *made, struct err *err)
{
    size_t left;
    if (d->zstd) {
        ZSTD_inBuffer from = {io->ptr, io->len, 0};
        ZSTD_outBuffer to = {d->out, OUT_BYTES, 0};
        left = ZSTD_decompressStream(d->zstd, &to, &from);
        if (ZSTD_isError(left))
            return err_set(err, ST_INVALID, ERR_NOPOS, "zstd: %s", ZSTD_getErrorName(left));
        *io = str_drop(*io, from.pos);
        *made = to.pos;
    } else {
        size_t taken = io->len;
        *made = OUT_BYTES;
        left = LZ4F_decompress(d->lz4, d->out, made, io->ptr, &taken, NULL);
        if (LZ4F_isError(left))
            return err_set(err, ST_INVALID, ERR_NOPOS, "lz4: %s", LZ4F_getErrorName(left));
        *io = str_drop(*io, taken);
    }
    d->mid_frame = left != 0;
    return ST_OK;
}

status server_decode(struct server_decoder *d, str wire, bool (*take)(void *ctx, str piece),
                     void *ctx, struct err *err)
{
    for (bool full = false; wire.len || full;) {
        size_t made = 0;
        TRY(step(d, &wire, &made, err));
        full = made == OUT_BYTES && d->mid_frame; /* there may be more of what it has taken */
        if (made && !take(ctx, (str){d->out, made}))
            return err_set(err, ST_CANCELLED, ERR_NOPOS, "cancelled by the reader");
    }
    return ST_OK;
}
