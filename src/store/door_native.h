/* door_native: a result in FORMAT Native as a client with a protocol revision reads it. The engine
 * here writes revision 0; a client that sends client_protocol_version wants a head before every
 * block, and since 54454 a byte before every column's data. Pure. thread: one at a time */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { DOOR_REVISION_LEAST = 54405, DOOR_REVISION_MOST = 54479, DOOR_NATIVE_MAX = 256 << 20 };

struct door_native;
struct door_native *door_native_new(uint64_t revision); /* of those above */
void door_native_free(struct door_native *n);           /* accepts NULL */

/* Takes a piece, which may end anywhere, and appends the blocks that are whole now.
 * ST_UNSUPPORTED: a column's type is not one that can be read here; the error names it. ST_LIMIT: a
 * block of more than DOOR_NATIVE_MAX bytes. */
[[nodiscard]] status door_native_take(struct door_native *n, str piece, struct buf *out,
                                      struct err *err);
