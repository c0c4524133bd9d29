/* door_decode: a body's bytes decoded as they come: Content-Encoding, or ClickHouse's frames. Pure.
 * thread: one at a time */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* How a body is coded; deflate is zlib's form (rfc1950), lz4 its frame format. */
enum door_coding {
    DOOR_IDENTITY,
    DOOR_GZIP,
    DOOR_DEFLATE,
    DOOR_ZSTD,
    DOOR_LZ4,
    DOOR_BROTLI,
    DOOR_FRAMES, /* ClickHouse's */
    DOOR_CODINGS
};

/* "gzip" and so on; false: not one of HTTP's names above. An empty name is identity. */
bool door_coding_of(str name, enum door_coding *ret);
str door_coding_name(enum door_coding c);

struct door_decoder;
struct door_decoder *door_decoder_new(enum door_coding c);
void door_decoder_free(struct door_decoder *d); /* accepts NULL */

/* Takes from the front of *in, and gives the next piece of what it says, borrowed until the next
 * call; empty: all of *in is taken and more is needed. ST_INVALID: malformed. ST_LIMIT: a frame or
 * a window larger than is read here. */
[[nodiscard]] status door_decode(struct door_decoder *d, str *in, str *ret, struct err *err);

/* May the body end here? */
bool door_decoder_whole(const struct door_decoder *d);
