/* gzip of what comes in pieces (zlib: libdeflate knows whole buffers only). */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "net/compress.h"

enum { GZIP_BITS = 15 + 16, MEMORY = 8, ROOM = 64 << 10 };

struct gzip_stream {
    z_stream z;
};

struct gzip_stream *gzip_stream_new(int level)
{
    struct gzip_stream *s = calloc(1, sizeof *s);
    if (!s || deflateInit2(&s->z, level, Z_DEFLATED, GZIP_BITS, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    return s;
}

void gzip_stream_add(struct gzip_stream *s, str piece, bool last, struct buf *out)
{
    unsigned char room[ROOM];
    assert(piece.len <= UINT32_MAX);
    s->z.next_in = (unsigned char *)(uintptr_t)piece.ptr; /* zlib does not write there */
    s->z.avail_in = (uInt)piece.len;
    do {
        s->z.next_out = room;
        s->z.avail_out = sizeof room;
        deflate(&s->z, last ? Z_FINISH : Z_SYNC_FLUSH);
        buf_add(out, (str){(const char *)room, sizeof room - s->z.avail_out});
    } while (s->z.avail_out == 0);
}

void gzip_stream_free(struct gzip_stream *s)
{
    if (!s) return;
    deflateEnd(&s->z);
    free(s);
}
