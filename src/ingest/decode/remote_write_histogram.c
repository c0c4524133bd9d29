#include "ingest/decode/remote_write_histogram.h"

#include <string.h>

#include "base/hex.h"
#include "base/pb_reader.h"

enum { BUCKETS_MAX = 65536, CUSTOM_SCHEMA = -53, HINT_GAUGE = 3 };

static int64_t zigzag(uint64_t v) { return (int64_t)(v >> 1 ^ -(v & 1)); }

/* One BucketSpan { sint32 offset = 1; uint32 length = 2; }. */
static bool span_read(str msg, int32_t *offset, uint32_t *length, const uint8_t **bad)
{
    struct pb_reader r = pb_read(msg);
    *offset = 0;
    *length = 0;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(1, PB_VARINT))
            *offset = pb_sint32(&r);
        else if (tag == PB_TAG(2, PB_VARINT))
            *length = (uint32_t)pb_varint(&r);
        else
            pb_skip(&r, tag);
    }
    *bad = r.bad;
    return !r.bad;
}

struct reader {
    struct arena *arena;
    uint64_t *deltas; /* of both sides, in the order of the message */
    uint32_t n_deltas, cap;
};

/* Adds the deltas of one field: packed, or one by one. */
static void delta_add(struct reader *d, int64_t v)
{
    if (d->n_deltas == d->cap) {
        uint32_t cap = d->cap * 2 + 64;
        uint64_t *wider = arena_array(d->arena, uint64_t, cap);
        if (d->n_deltas) memcpy(wider, d->deltas, d->n_deltas * sizeof *wider);
        d->deltas = wider;
        d->cap = cap;
    }
    d->deltas[d->n_deltas++] = (uint64_t)v;
}

static const uint8_t *deltas_read(struct reader *d, str msg, uint32_t field)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(field, PB_VARINT)) {
            delta_add(d, zigzag(pb_varint(&r)));
        } else if (tag == PB_TAG(field, PB_BYTES)) {
            struct pb_reader packed = pb_read(pb_bytes(&r));
            while (packed.at < packed.end && !packed.bad) delta_add(d, zigzag(pb_varint(&packed)));
            if (packed.bad) return packed.bad;
        } else {
            pb_skip(&r, tag);
        }
    }
    return r.bad;
}

/* Where the buckets of all spans begin, and how many they are with the gaps between. */
static const char *extent(str msg, uint32_t field, int64_t *first, uint64_t *wide, uint64_t *filled,
                          const uint8_t **bad)
{
    struct pb_reader r = pb_read(msg);
    bool any = false;
    int64_t at = 0;
    *wide = *filled = 0;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(field, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        int32_t offset;
        uint32_t length;
        if (!span_read(pb_bytes(&r), &offset, &length, bad)) return NULL;
        if (any && offset < 0) return "a span lies before the one ahead of it";
        at += offset;
        if (!any) *first = at;
        any = true;
        at += length;
        *filled += length;
        *wide = (uint64_t)(at - *first);
        if (*wide > BUCKETS_MAX) return "its buckets reach over more than 65,536 places";
    }
    *bad = r.bad;
    return NULL;
}

static const char *fill(struct rw_buckets *b, str msg, uint32_t field, const struct reader *d)
{
    struct pb_reader r = pb_read(msg);
    uint64_t at = 0, next = 0;
    int64_t value = 0;
    bool any = false;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(field, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        int32_t offset;
        uint32_t length;
        const uint8_t *bad;
        if (!span_read(pb_bytes(&r), &offset, &length, &bad)) break;
        if (any) at += (uint64_t)offset;
        any = true;
        for (uint32_t i = 0; i < length; i++) {
            if (__builtin_add_overflow(value, (int64_t)d->deltas[next++], &value) || value < 0)
                return "a bucket has less than nothing";
            b->counts[at++] = (uint64_t)value;
        }
    }
    return NULL;
}

static const char *side_read(struct arena *a, str msg, uint32_t spans, uint32_t deltas,
                             struct rw_buckets *ret, const uint8_t **bad)
{
    int64_t first = 0;
    uint64_t wide, filled;
    const char *why = extent(msg, spans, &first, &wide, &filled, bad);
    if (why || *bad) return why;
    struct reader d = {.arena = a};
    *bad = deltas_read(&d, msg, deltas);
    if (*bad) return NULL;
    if (d.n_deltas != filled) return "its spans and deltas do not fit";
    *ret = (struct rw_buckets){0};
    if (!wide) return NULL;
    first--; /* Prometheus' bucket i is (base^(i-1), base^i] */
    if (first < INT32_MIN || first > INT32_MAX - (int64_t)wide) return "a bucket is out of range";
    ret->offset = (int32_t)first;
    ret->n = (uint32_t)wide;
    ret->counts = arena_array(a, uint64_t, wide);
    memset(ret->counts, 0, wide * sizeof *ret->counts);
    return fill(ret, msg, spans, &d);
}

/* The fields and what cannot be stored; buckets come after. */
static const char *fields_read(str msg, struct rw_histogram *h, const uint8_t **bad)
{
    const char *why = NULL;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_VARINT): h->count = pb_varint(&r); break;
        case PB_TAG(3, PB_FIXED64): h->sum = pb_double(&r); break;
        case PB_TAG(4, PB_VARINT): h->schema = pb_sint32(&r); break;
        case PB_TAG(5, PB_FIXED64): h->zero_threshold = pb_double(&r); break;
        case PB_TAG(6, PB_VARINT): h->zero_count = pb_varint(&r); break;
        case PB_TAG(14, PB_VARINT):
            if (pb_varint(&r) == HINT_GAUGE) why = "gauge histograms are not stored";
            break;
        case PB_TAG(15, PB_VARINT): h->timestamp = (int64_t)pb_varint(&r); break;
        case PB_TAG(17, PB_VARINT): h->start = (int64_t)pb_varint(&r); break;
        case PB_TAG(2, PB_FIXED64):
        case PB_TAG(7, PB_FIXED64):
        case PB_TAG(10, PB_BYTES):
        case PB_TAG(10, PB_FIXED64):
        case PB_TAG(13, PB_BYTES):
        case PB_TAG(13, PB_FIXED64):
            why = "histograms of fractional counts are not stored";
            pb_skip(&r, tag);
            break;
        default: pb_skip(&r, tag); break;
        }
    }
    *bad = r.bad;
    if (h->schema == CUSTOM_SCHEMA) return "histograms of custom buckets are not stored";
    if (h->schema < -4 || h->schema > 8) return "its schema is not one of -4 to 8";
    return why;
}

/*   message Histogram { uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema
 * = 4; double zero_threshold = 5; uint64 zero_count_int = 6; double zero_count_float = 7; repeated
 * BucketSpan negative_spans = 8; repeated sint64 negative_deltas = 9; repeated double
 * negative_counts = 10; repeated BucketSpan positive_spans = 11; repeated sint64 positive_deltas =
 * 12; repeated double positive_counts = 13; ResetHint reset_hint = 14; int64 timestamp = 15;
 * repeated double custom_values = 16; int64 start_timestamp = 17; } */
const char *rw_histogram_read(struct arena *a, str msg, struct rw_histogram *ret,
                              const uint8_t **ret_bad)
{
    *ret = (struct rw_histogram){0};
    *ret_bad = NULL;
    const char *why = fields_read(msg, ret, ret_bad);
    if (!why && !*ret_bad) why = side_read(a, msg, 11, 12, &ret->positive, ret_bad);
    if (!why && !*ret_bad) why = side_read(a, msg, 8, 9, &ret->negative, ret_bad);
    return why;
}

static void buckets_put(struct pb_out *out, uint32_t field, const struct rw_buckets *b)
{
    if (!b->n) return;
    pb_begin(out, field);
    pb_put_sint(out, 1, b->offset);
    pb_begin(out, 2);
    for (uint32_t i = 0; i < b->n; i++) pb_raw_varint(out, b->counts[i]);
    pb_end(out);
    pb_end(out);
}

void rw_histogram_put(struct pb_out *out, const struct rw_histogram *h)
{
    pb_put_fixed64(out, 4, h->count);
    pb_put_double(out, 5, h->sum);
    pb_put_sint(out, 6, h->schema);
    pb_put_fixed64(out, 7, h->zero_count);
    buckets_put(out, 8, &h->positive);
    buckets_put(out, 9, &h->negative);
    pb_put_double(out, 14, h->zero_threshold == 0 ? -0.0 : h->zero_threshold);
}

bool rw_is_stale(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == 0x7ff0000000000002ull;
}

bool rw_exemplar_id(struct pb_out *out, str name, str value)
{
    bool trace = str_eq(name, S("trace_id"));
    size_t n = trace ? 16 : 8;
    char id[16];
    if (!trace && !str_eq(name, S("span_id"))) return false;
    if (value.len != 2 * n || !hex_decode(value, id, n)) return false;
    pb_put_str(out, trace ? 5 : 4, (str){id, n});
    return true;
}
