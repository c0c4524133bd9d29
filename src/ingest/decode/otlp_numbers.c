#include "ingest/decode/otlp_numbers.h"

#include <assert.h>

static status u64s_reserve(struct builder *b, uint64_t n, struct num_range *io)
{
    struct metric_columns *c = &b->batch->metrics;
    TRY(BUILDER_GROW(b, c->u64s, b->cap_u64s, c->n_u64s + n));
    if (io->n == 0) io->at = c->n_u64s;
    assert(io->at + io->n == c->n_u64s);
    io->n += (uint32_t)n;
    c->n_u64s += (uint32_t)n;
    return ST_OK;
}

status otlp_f64s_reserve(struct builder *b, uint64_t n, struct num_range *io)
{
    struct metric_columns *c = &b->batch->metrics;
    TRY(BUILDER_GROW(b, c->f64s, b->cap_f64s, c->n_f64s + n));
    if (io->n == 0) io->at = c->n_f64s;
    assert(io->at + io->n == c->n_f64s);
    io->n += (uint32_t)n;
    c->n_f64s += (uint32_t)n;
    return ST_OK;
}

status otlp_fixed64s(struct builder *b, str packed, struct num_range *io)
{
    struct metric_columns *c = &b->batch->metrics;
    if (packed.len == 0) return ST_OK;
    if (packed.len % 8)
        return builder_malformed(b, (const uint8_t *)packed.ptr,
                                 "packed fixed64 of a broken length");
    uint32_t at = c->n_u64s;
    TRY(u64s_reserve(b, packed.len / 8, io));
    memcpy(c->u64s + at, packed.ptr, packed.len);
    return ST_OK;
}

status otlp_doubles(struct builder *b, str packed, struct num_range *io)
{
    struct metric_columns *c = &b->batch->metrics;
    if (packed.len == 0) return ST_OK;
    if (packed.len % 8)
        return builder_malformed(b, (const uint8_t *)packed.ptr,
                                 "packed doubles of a broken length");
    uint32_t at = c->n_f64s;
    TRY(otlp_f64s_reserve(b, packed.len / 8, io));
    memcpy(c->f64s + at, packed.ptr, packed.len);
    return ST_OK;
}

status otlp_varints(struct builder *b, str packed, struct num_range *io)
{
    struct metric_columns *c = &b->batch->metrics;
    uint64_t n = 0;
    for (size_t i = 0; i < packed.len; i++) n += (uint8_t)packed.ptr[i] < 0x80;
    uint32_t at = c->n_u64s;
    TRY(u64s_reserve(b, n, io));
    struct pb_reader r = pb_read(packed);
    for (uint64_t i = 0; i < n; i++) c->u64s[at + i] = pb_varint(&r);
    if (r.at != r.end) (void)pb_fail(&r); /* the last one is cut off */
    if (r.bad) return builder_malformed(b, r.bad, "malformed packed varints");
    return ST_OK;
}

status otlp_one_u64(struct builder *b, uint64_t v, struct num_range *io)
{
    TRY(u64s_reserve(b, 1, io));
    b->batch->metrics.u64s[b->batch->metrics.n_u64s - 1] = v;
    return ST_OK;
}

status otlp_one_f64(struct builder *b, double v, struct num_range *io)
{
    TRY(otlp_f64s_reserve(b, 1, io));
    b->batch->metrics.f64s[b->batch->metrics.n_f64s - 1] = v;
    return ST_OK;
}
