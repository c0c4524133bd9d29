/* door_frames: ClickHouse's own compressed frames, as `compress=1` and `decompress=1` ask for them
 * over HTTP:
 *
 *   16 bytes  CityHash128 of what follows
 *    1 byte   method: 0x82 LZ4, 0x90 ZSTD, 0x02 none
 *    4 bytes  length of the frame without the checksum, little-endian
 *    4 bytes  length of the content
 *   ...       the content, compressed
 *
 * Pure. thread: any. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Longest frame, and longest content of one. */
enum { DOOR_FRAME_MAX = 256 << 20, DOOR_FRAME_HEAD = 25 };

/* How long the whole frame is that begins with `head`, DOOR_FRAME_HEAD bytes. ST_INVALID: no frame.
 * ST_LIMIT: longer than is read here. */
[[nodiscard]] status door_frame_length(str head, size_t *ret, struct err *err);

/* The content of one whole frame, appended. ST_INVALID: the checksum differs, an unknown method,
 * malformed. ST_LIMIT: `out` is full. */
[[nodiscard]] status door_frame_read(str frame, struct buf *out, struct err *err);

/* `content` in frames of LZ4, appended; nothing for nothing. */
void door_frames_write(str content, struct buf *out);
