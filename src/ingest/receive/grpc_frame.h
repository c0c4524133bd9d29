/* grpc_frame: the one length-prefixed message of a unary call, however it is cut. Pure.
 *
 *   0        1                 5                    5+length
 *   | flag   | length, 4 B BE  | message            |   nothing may follow
 *
 * Sticky: after an error, more bytes change nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct grpc_frame {
    uint8_t prefix[5];
    uint8_t n_prefix;
    uint32_t length, seen; /* of the message */
    bool compressed;
    status bad;
};

/* Takes the next bytes. *ret_message is the part of them that belongs to the message. `max_bytes`
 * bounds the length. */
[[nodiscard]] status grpc_frame_take(struct grpc_frame *f, str in, uint64_t max_bytes,
                                     str *ret_message, struct err *err);
/* The stream ended: is there one whole message? `may_compress`: grpc-encoding named a compression.
 */
[[nodiscard]] status grpc_frame_end(const struct grpc_frame *f, bool may_compress, struct err *err);

static inline bool grpc_frame_has_length(const struct grpc_frame *f) { return f->n_prefix == 5; }
