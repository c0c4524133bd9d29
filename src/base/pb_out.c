#include "base/pb_out.h"

#include <assert.h>

enum { LENGTH_SPARE = 5, MOVE_MAX = 16384 };

static size_t varint(uint64_t v, char out[10])
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (char)(v | 0x80);
    out[n++] = (char)v;
    return n;
}

void pb_raw_varint(struct pb_out *p, uint64_t v)
{
    if (!buf_reserve(p->out, 10)) return;
    p->out->len += varint(v, p->out->ptr + p->out->len);
}

void pb_raw_fixed64(struct pb_out *p, uint64_t v) { buf_add(p->out, (str){(const char *)&v, 8}); }

static void tag(struct pb_out *p, uint32_t field, uint32_t wire)
{
    pb_raw_varint(p, (uint64_t)field << 3 | wire);
}

void pb_begin(struct pb_out *p, uint32_t field)
{
    assert(p->depth < PB_OUT_DEPTH_MAX);
    tag(p, field, 2);
    if (buf_reserve(p->out, LENGTH_SPARE)) p->out->len += LENGTH_SPARE;
    p->at[p->depth++] = p->out->len;
}

void pb_end(struct pb_out *p)
{
    assert(p->depth > 0);
    size_t from = p->at[--p->depth];
    if (p->out->over) return;
    char *at = p->out->ptr + from;
    size_t len = p->out->len - from;
    if (len <= MOVE_MAX) {
        size_t n = varint(len, at - LENGTH_SPARE);
        memmove(at - LENGTH_SPARE + n, at, len);
        p->out->len -= LENGTH_SPARE - n;
        return;
    }
    assert(len < 1ull << 35);
    for (int i = 0; i < LENGTH_SPARE; i++)
        at[i - LENGTH_SPARE] = (char)((len >> 7 * i & 0x7f) | (i < LENGTH_SPARE - 1 ? 0x80 : 0));
}

void pb_put_varint(struct pb_out *p, uint32_t field, uint64_t v)
{
    tag(p, field, 0);
    pb_raw_varint(p, v);
}

void pb_put_sint(struct pb_out *p, uint32_t field, int64_t v)
{
    pb_put_varint(p, field, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void pb_put_fixed64(struct pb_out *p, uint32_t field, uint64_t v)
{
    tag(p, field, 1);
    pb_raw_fixed64(p, v);
}

void pb_put_fixed32(struct pb_out *p, uint32_t field, uint32_t v)
{
    tag(p, field, 5);
    buf_add(p->out, (str){(const char *)&v, 4});
}

void pb_put_double(struct pb_out *p, uint32_t field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    pb_put_fixed64(p, field, bits);
}

void pb_put_str(struct pb_out *p, uint32_t field, str s)
{
    tag(p, field, 2);
    pb_raw_varint(p, s.len);
    buf_add(p->out, s);
}
