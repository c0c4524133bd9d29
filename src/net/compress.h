/* compress: Content-Encoding and grpc-encoding, whole buffers, and gzip of what comes in pieces.
 * Pure. thread: any. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/compression.h"
#include "base/err.h"

/* Decompresses `wire` into `a` with 64 readable slack bytes behind. Identity: ret is wire itself.
 * gzip: RFC 1952, several members allowed. zstd: RFC 8878. snappy: its
 * block form, as remote write has it.
 * ST_LIMIT: more than max_bytes come out (never allocates much beyond that; a size that is stated
 * and too large is refused without inflating). ST_INVALID: malformed. */
[[nodiscard]] status decompress(struct arena *a, enum payload_compression c, str wire,
                                size_t max_bytes, str *ret, struct err *err);

/* The same, asking before memory for the result is allocated: may it grow by `bytes`? At least as
 * much is asked for as comes out. ST_OVERLOADED: the answer was no. */
struct decompress_room {
    bool (*ask)(void *ctx, size_t bytes);
    void *ctx;
};
[[nodiscard]] status decompress_within(struct arena *a, enum payload_compression c, str wire,
                                       size_t max_bytes, const struct decompress_room *room,
                                       str *ret, struct err *err);

/* gzip of `in` (level 1 to 9), appended to `out`. */
[[nodiscard]] status compress_gzip(str in, int level, struct buf *out, struct err *err);
[[nodiscard]] status compress_zstd(str in, int level, struct buf *out, struct err *err);
[[nodiscard]] status compress_snappy(str in, struct buf *out, struct err *err); /* a block */
/* One LZ4 frame (not a bare block), its content size stated. */
[[nodiscard]] status compress_lz4(str in, struct buf *out, struct err *err);

/* One gzip member of pieces. Each call appends to `out` so much that all pieces so far can be read;
 * `last` ends the member. */
struct gzip_stream;
struct gzip_stream *gzip_stream_new(int level); /* 1 to 9; aborts without memory */
void gzip_stream_add(struct gzip_stream *s, str piece, bool last, struct buf *out);
void gzip_stream_free(struct gzip_stream *s); /* accepts NULL */
