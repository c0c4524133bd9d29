/* pb_out: writes protobuf wire bytes into a buf. Sticky: an over-full buf is seen once, at the end
 * (buf.over). Messages nest by begin and end, without knowing their length before.
 *
 *   struct pb_out p = pb_begin_in(&buf);
 *   pb_begin(&p, 1); pb_put_str(&p, 2, S("name")); pb_end(&p);
 *
 * A length field of a message longer than 16 KiB may be written in more bytes than it needs, which
 * every reader accepts: that saves moving the message. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { PB_OUT_DEPTH_MAX = 160 };

struct pb_out {
    struct buf *out;
    unsigned depth;
    size_t at[PB_OUT_DEPTH_MAX]; /* where each open message begins */
};

static inline struct pb_out pb_begin_in(struct buf *out)
{
    struct pb_out p;
    p.out = out;
    p.depth = 0;
    return p;
}

void pb_begin(struct pb_out *p, uint32_t field); /* an embedded message, or packed numbers */
void pb_end(struct pb_out *p);                   /* closes the innermost one */

void pb_put_varint(struct pb_out *p, uint32_t field, uint64_t v);
void pb_put_sint(struct pb_out *p, uint32_t field, int64_t v); /* zigzag */
void pb_put_fixed64(struct pb_out *p, uint32_t field, uint64_t v);
void pb_put_fixed32(struct pb_out *p, uint32_t field, uint32_t v);
void pb_put_double(struct pb_out *p, uint32_t field, double v);
void pb_put_str(struct pb_out *p, uint32_t field, str s);

/* A number without its tag: for packed fields. */
void pb_raw_varint(struct pb_out *p, uint64_t v);
void pb_raw_fixed64(struct pb_out *p, uint64_t v);
