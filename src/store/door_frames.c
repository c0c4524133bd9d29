#include "store/door_frames.h"

#include <lz4.h>
#include <zstd.h>

#include "store/cityhash.h"

enum { CHECKSUM = 16, HEAD = 9, LZ4 = 0x82, ZSTD = 0x90, NONE = 0x02, PIECE = 1 << 20 };

static uint32_t u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_le(char *to, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) to[i] = (char)(v >> (8 * i));
}

status door_frame_length(str head, size_t *ret, struct err *err)
{
    uint32_t packed = u32(head.ptr + CHECKSUM + 1), plain = u32(head.ptr + CHECKSUM + 5);
    if (packed < HEAD)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "a compressed frame that is %u bytes long: is the body compressed?", packed);
    if (packed > DOOR_FRAME_MAX || plain > DOOR_FRAME_MAX)
        return err_set(err, ST_LIMIT, ERR_NOPOS,
                       "a compressed frame of %u bytes for %u, limit %d: is the body compressed?",
                       packed, plain, DOOR_FRAME_MAX);
    *ret = CHECKSUM + (size_t)packed;
    return ST_OK;
}

static status unpack(unsigned method, str packed, char *to, size_t n, struct err *err)
{
    size_t made = 0;
    switch (method) {
    case LZ4: {
        int got = LZ4_decompress_safe(packed.ptr, to, (int)packed.len, (int)n);
        made = got < 0 ? SIZE_MAX : (size_t)got;
        break;
    }
    case ZSTD: made = ZSTD_decompress(to, n, packed.ptr, packed.len); break;
    case NONE:
        made = packed.len;
        if (made == n && n) memcpy(to, packed.ptr, n);
        break;
    default:
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "compression method 0x%02x: LZ4, ZSTD and NONE are read here", method);
    }
    if (made == n) return ST_OK;
    return err_set(err, ST_INVALID, ERR_NOPOS, "a compressed frame is malformed");
}

status door_frame_read(str frame, struct buf *out, struct err *err)
{
    str summed = str_drop(frame, CHECKSUM);
    char want[CHECKSUM];
    struct cityhash sum = cityhash128(summed);
    put_le(want, sum.low, 8);
    put_le(want + 8, sum.high, 8);
    if (memcmp(frame.ptr, want, CHECKSUM) != 0)
        return err_set(err, ST_INVALID, ERR_NOPOS,
                       "Checksum doesn't match: corrupted data. Is the body compressed?");
    size_t n = u32(summed.ptr + 5);
    if (!buf_reserve(out, n))
        return err_set(err, ST_LIMIT, ERR_NOPOS, "a compressed frame of %zu bytes", n);
    TRY(unpack((unsigned char)summed.ptr[0], str_drop(summed, HEAD), out->ptr + out->len, n, err));
    out->len += n;
    return ST_OK;
}

static void write_one(str piece, struct buf *out)
{
    int bound = LZ4_compressBound((int)piece.len);
    if (!buf_reserve(out, CHECKSUM + HEAD + (size_t)bound)) return;
    char *at = out->ptr + out->len, *head = at + CHECKSUM;
    int n = LZ4_compress_default(piece.ptr, head + HEAD, (int)piece.len, bound);
    size_t packed = HEAD + (size_t)n;
    head[0] = (char)LZ4;
    put_le(head + 1, packed, 4);
    put_le(head + 5, piece.len, 4);
    struct cityhash sum = cityhash128((str){head, packed});
    put_le(at, sum.low, 8);
    put_le(at + 8, sum.high, 8);
    out->len += CHECKSUM + packed;
}

void door_frames_write(str content, struct buf *out)
{
    while (content.len) {
        str piece = {content.ptr, content.len < PIECE ? content.len : PIECE};
        content = str_drop(content, piece.len);
        write_one(piece, out);
    }
}
