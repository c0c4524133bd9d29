/* The slow paths of pb_reader: long varints, unknown fields, failure. */
#include "base/pb_reader.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed64 is read by memcpy");

uint64_t pb_fail(struct pb_reader *r)
{
    if (!r->bad) r->bad = r->at;
    r->at = r->end;
    return 0;
}

uint64_t pb_varint_long(struct pb_reader *r)
{
    const uint8_t *p = r->at;
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p == r->end) return pb_fail(r);
        uint8_t b = *p++;
        v |= (uint64_t)(b & 0x7f) << shift; /* the tenth byte's high bits fall off */
        if (b < 0x80) {
            r->at = p;
            return v;
        }
    }
    return pb_fail(r);
}

void pb_skip(struct pb_reader *r, uint32_t tag)
{
    switch (tag & 7) {
    case PB_VARINT: (void)pb_varint(r); return;
    case PB_FIXED64: (void)pb_fixed64(r); return;
    case PB_BYTES: (void)pb_bytes(r); return;
    case PB_FIXED32: (void)pb_fixed32(r); return;
    default: (void)pb_fail(r); /* groups, or a wire type that does not exist */
    }
}
