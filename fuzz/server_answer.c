/* Any bytes as a compressed answer of a store: in pieces they decode to what they decode to whole,
 * and nothing comes out after the reader has said no. */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/server_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20 };

static bool keep(void *ctx, str piece)
{
    struct buf *out = ctx;
    assert(!out->over && piece.len);
    buf_add(out, piece);
    return !out->over;
}

static status decode(enum server_encoding e, str wire, size_t piece, struct buf *out, bool *whole)
{
    struct server_decoder *d = server_decoder_new(e);
    struct err err;
    status s = ST_OK;
    buf_init(out, MOST);
    while (wire.len && s == ST_OK) {
        size_t n = wire.len < piece ? wire.len : piece;
        s = server_decode(d, (str){wire.ptr, n}, keep, out, &err);
        wire = str_drop(wire, n);
    }
    *whole = server_decoder_at_end(d);
    server_decoder_free(d);
    assert(s == ST_OK || s == ST_INVALID || (s == ST_CANCELLED && out->over));
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    enum server_encoding e = data[0] & 1 ? SERVER_ZSTD : SERVER_LZ4;
    size_t piece = (size_t)(data[0] >> 1) + 1;
    str wire = {(const char *)data + 1, size - 1};
    struct buf once, pieces;
    bool once_whole, pieces_whole;
    status a = decode(e, wire, SIZE_MAX, &once, &once_whole);
    status b = decode(e, wire, piece, &pieces, &pieces_whole);
    if (a == ST_OK && b == ST_OK) {
        assert(once_whole == pieces_whole);
        assert(str_eq(buf_str(&once), buf_str(&pieces)));
    }
    assert((a == ST_OK) == (b == ST_OK));
    buf_done(&once);
    buf_done(&pieces);
    return 0;
}
