/* compress: Content-Encoding and grpc-encoding, whole buffers. Pure. thread: any. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/compression.h"
#include "base/err.h"

/* Decompresses `wire` into `a` with 64 readable slack bytes behind. Identity: ret is wire itself.
 * gzip: RFC 1952, several members allowed. zstd: RFC 8878.
 * ST_LIMIT: more than max_bytes come out (never allocates much beyond that). ST_INVALID: malformed.
 */
[[nodiscard]] status decompress(struct arena *a, enum payload_compression c, str wire,
                                size_t max_bytes, str *ret, struct err *err);

/* gzip of `in` (level 1 to 9), appended to `out`. */
[[nodiscard]] status compress_gzip(str in, int level, struct buf *out, struct err *err);
[[nodiscard]] status compress_zstd(str in, int level, struct buf *out, struct err *err);
