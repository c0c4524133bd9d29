/* pb_reader: walks protobuf wire bytes in place. Nothing is copied or allocated.
 *
 * The reader is sticky: after the first malformed byte every call returns zero and pb_next()
 * returns false, so a message loop is checked once, at its end. Groups are malformed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct pb_reader {
    const uint8_t *at, *end;
    const uint8_t *bad; /* where it is malformed; NULL while it is not */
};

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

/* A field number together with its wire type, as it is on the wire. Switching on the pair makes a
 * known number with the wrong type an unknown field. */
#define PB_TAG(num, wire) ((uint32_t)(num) << 3 | (uint32_t)(wire))

static inline struct pb_reader pb_read(str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    return (struct pb_reader){.at = p, .end = s.len ? p + s.len : p};
}

uint64_t pb_varint_long(struct pb_reader *r);
uint64_t pb_fail(struct pb_reader *r); /* marks the reader bad where it stands; 0 */

static inline uint64_t pb_varint(struct pb_reader *r)
{
    const uint8_t *p = r->at;
    if (__builtin_expect(p < r->end && p[0] < 0x80, 1)) {
        r->at = p + 1;
        return p[0];
    }
    if (__builtin_expect(r->end - p >= 2 && p[1] < 0x80, 1)) {
        r->at = p + 2;
        return (uint64_t)(p[0] & 0x7f) | (uint64_t)p[1] << 7;
    }
    return pb_varint_long(r);
}

static inline uint64_t pb_fixed64(struct pb_reader *r)
{
    if (r->end - r->at < 8) return pb_fail(r);
    uint64_t v;
    memcpy(&v, r->at, 8);
    r->at += 8;
    return v;
}

static inline double pb_double(struct pb_reader *r)
{
    uint64_t bits = pb_fixed64(r);
    double v;
    memcpy(&v, &bits, 8);
    return v;
}

static inline uint32_t pb_fixed32(struct pb_reader *r)
{
    if (r->end - r->at < 4) return (uint32_t)pb_fail(r);
    uint32_t v;
    memcpy(&v, r->at, 4);
    r->at += 4;
    return v;
}

static inline int32_t pb_sint32(struct pb_reader *r)
{
    uint32_t v = (uint32_t)pb_varint(r);
    return (int32_t)(v >> 1 ^ -(v & 1));
}

/* Borrowed from the reader's input. */
static inline str pb_bytes(struct pb_reader *r)
{
    uint64_t n = pb_varint(r);
    if (__builtin_expect(n > (uint64_t)(r->end - r->at), 0)) {
        (void)pb_fail(r);
        return (str){0};
    }
    str s = {(const char *)r->at, (size_t)n};
    r->at += n;
    return s;
}

/* Reads the next tag. False at the end of the message or when it is malformed. */
static inline bool pb_next(struct pb_reader *r, uint32_t *ret_tag)
{
    if (r->at == r->end) return false;
    uint64_t tag = pb_varint(r);
    if (__builtin_expect(tag < PB_TAG(1, 0) || tag > UINT32_MAX, 0)) (void)pb_fail(r);
    *ret_tag = (uint32_t)tag;
    return !r->bad;
}

/* Steps over the value of a field the caller does not know. */
void pb_skip(struct pb_reader *r, uint32_t tag);
