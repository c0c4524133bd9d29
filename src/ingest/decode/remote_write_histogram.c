#include "ingest/decode/remote_write_histogram.h"

#include <math.h>
#include <string.h>

#include "base/hex.h"
#include "base/pb_reader.h"
#include "ingest/decode/otlp_point.h"
#include "model/batch.h"

enum { BUCKETS_MAX = 65536 };

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

/* Numbers of one field: packed, or one by one. Doubles are kept by their bits. */
struct numbers {
    struct arena *arena;
    uint64_t *list;
    uint32_t n, cap;
};

static void number_add(struct numbers *d, uint64_t v)
{
    if (d->n == d->cap) {
        uint32_t cap = d->cap * 2 + 64;
        uint64_t *wider = arena_array(d->arena, uint64_t, cap);
        if (d->n) memcpy(wider, d->list, d->n * sizeof *wider);
        d->list = wider;
        d->cap = cap;
    }
    d->list[d->n++] = v;
}

static uint64_t number_read(struct pb_reader *r, enum pb_wire wire)
{
    return wire == PB_VARINT ? pb_varint(r) : pb_fixed64(r);
}

/* Where it is malformed, or NULL. */
static const uint8_t *numbers_read(struct numbers *d, str msg, uint32_t field, enum pb_wire wire)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(field, wire)) {
            number_add(d, number_read(&r, wire));
        } else if (tag == PB_TAG(field, PB_BYTES)) {
            struct pb_reader packed = pb_read(pb_bytes(&r));
            while (packed.at < packed.end && !packed.bad) number_add(d, number_read(&packed, wire));
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

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static const char *fill(struct rw_buckets *b, str msg, uint32_t field, const uint64_t *numbers)
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
        for (uint32_t i = 0; i < length; i++, at++, next++) {
            if (b->exact) {
                b->exact[at] = double_of(numbers[next]);
                continue;
            }
            if (__builtin_add_overflow(value, zigzag(numbers[next]), &value) || value < 0)
                return "a bucket has less than nothing";
            b->counts[at] = (uint64_t)value;
        }
    }
    return NULL;
}

/* The numbers of a side: its spans' field, that of deltas and that of float counts. */
struct side_fields {
    uint32_t spans, deltas, counts;
};

static const char *side_read(struct arena *a, str msg, struct side_fields f, bool is_float,
                             struct rw_buckets *ret, const uint8_t **bad)
{
    int64_t first = 0;
    uint64_t wide, filled;
    const char *why = extent(msg, f.spans, &first, &wide, &filled, bad);
    if (why || *bad) return why;
    struct numbers d = {.arena = a};
    *bad = is_float ? numbers_read(&d, msg, f.counts, PB_FIXED64)
                    : numbers_read(&d, msg, f.deltas, PB_VARINT);
    if (*bad) return NULL;
    if (d.n != filled) return "its spans and counts do not fit";
    *ret = (struct rw_buckets){0};
    if (!wide) return NULL;
    first--; /* Prometheus' bucket i is (base^(i-1), base^i] */
    if (first < INT32_MIN || first > INT32_MAX - (int64_t)wide) return "a bucket is out of range";
    ret->offset = (int32_t)first;
    ret->n = (uint32_t)wide;
    ret->counts = arena_array(a, uint64_t, wide);
    memset(ret->counts, 0, wide * sizeof *ret->counts);
    if (is_float) {
        ret->exact = arena_array(a, double, wide);
        memset(ret->exact, 0, wide * sizeof *ret->exact);
    }
    return fill(ret, msg, f.spans, d.list);
}

static void fields_read(str msg, struct rw_histogram *h, const uint8_t **bad)
{
    uint64_t hint = 0;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_VARINT): h->count = pb_varint(&r), h->is_float = false; break;
        case PB_TAG(2, PB_FIXED64): h->exact_count = pb_double(&r), h->is_float = true; break;
        case PB_TAG(3, PB_FIXED64): h->sum = pb_double(&r); break;
        case PB_TAG(4, PB_VARINT): h->schema = pb_sint32(&r); break;
        case PB_TAG(5, PB_FIXED64): h->zero_threshold = pb_double(&r); break;
        case PB_TAG(6, PB_VARINT): h->zero_count = pb_varint(&r); break;
        case PB_TAG(7, PB_FIXED64): h->exact_zero_count = pb_double(&r); break;
        case PB_TAG(14, PB_VARINT): hint = pb_varint(&r); break;
        case PB_TAG(15, PB_VARINT): h->timestamp = (int64_t)pb_varint(&r); break;
        case PB_TAG(17, PB_VARINT): h->start = (int64_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    h->hint = hint <= POINT_HINT_GAUGE ? (unsigned)hint : POINT_HINT_UNKNOWN;
    *bad = r.bad;
}

/* The nearest count there is. */
static uint64_t rounded(double v)
{
    if (!(v >= 0.5)) return 0;
    return v < 0x1p64 ? (uint64_t)round(v) : UINT64_MAX;
}

static bool is_whole(double v) { return v >= 0 && !signbit(v) && v <= 0x1p53 && v == floor(v); }

static bool buckets_round(struct rw_buckets *b)
{
    bool whole = true;
    for (uint32_t i = 0; i < b->n; i++) {
        b->counts[i] = rounded(b->exact[i]);
        whole &= is_whole(b->exact[i]);
    }
    return whole;
}

/* Whole float counts are stored as any others. */
static void counts_round(struct rw_histogram *h)
{
    h->count = rounded(h->exact_count);
    h->zero_count = rounded(h->exact_zero_count);
    bool positive = buckets_round(&h->positive), negative = buckets_round(&h->negative);
    h->fractional =
        !(positive && negative && is_whole(h->exact_count) && is_whole(h->exact_zero_count));
}

/* Spec: Prometheus, "Native Histograms", custom bucket boundaries. */
static const char *bounds_fit(const struct rw_histogram *h)
{
    const struct rw_buckets *b = &h->positive;
    if (h->schema != POINT_CUSTOM_SCALE)
        return h->n_bounds ? "custom bounds are for schema -53 only" : NULL;
    for (uint32_t i = 0; i < h->n_bounds; i++)
        if (!(h->bounds[i] < INFINITY) || (i && !(h->bounds[i - 1] < h->bounds[i])))
            return "its custom bounds do not ascend, or do not end below +Inf";
    if (h->negative.n || h->zero_threshold != 0 || h->zero_count || h->exact_zero_count != 0)
        return "one of custom bounds has no zero bucket and no negative ones";
    if (b->n && (b->offset < -1 || (int64_t)b->offset + b->n > (int64_t)h->n_bounds))
        return "it has buckets beyond its custom bounds";
    return NULL;
}

static const char *bounds_read(struct arena *a, str msg, struct rw_histogram *h,
                               const uint8_t **bad)
{
    struct numbers d = {.arena = a};
    *bad = numbers_read(&d, msg, 16, PB_FIXED64);
    if (*bad) return NULL;
    h->n_bounds = d.n;
    h->bounds = arena_array(a, double, d.n + 1);
    if (d.n) memcpy(h->bounds, d.list, d.n * sizeof *h->bounds);
    return d.n > BUCKETS_MAX ? "it has more than 65,536 custom bounds" : bounds_fit(h);
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
    static const struct side_fields positive = {11, 12, 13}, negative = {8, 9, 10};
    const char *why = NULL;
    *ret = (struct rw_histogram){0};
    *ret_bad = NULL;
    fields_read(msg, ret, ret_bad);
    if (*ret_bad) return NULL;
    if (ret->schema != POINT_CUSTOM_SCALE && (ret->schema < -4 || ret->schema > 8))
        return "its schema is not one of -4 to 8, nor -53";
    why = side_read(a, msg, positive, ret->is_float, &ret->positive, ret_bad);
    if (!why && !*ret_bad)
        why = side_read(a, msg, negative, ret->is_float, &ret->negative, ret_bad);
    if (!why && !*ret_bad && ret->is_float) counts_round(ret);
    if (!why && !*ret_bad) why = bounds_read(a, msg, ret, ret_bad);
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

static void doubles_put(struct pb_out *out, const double *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        pb_raw_fixed64(out, bits);
    }
}

/* What OTLP has no word for: otlp_point.c. */
static void prometheus_put(struct pb_out *out, const struct rw_histogram *h)
{
    const double totals[] = {h->exact_count, h->exact_zero_count};
    if (!h->hint && !h->n_bounds && !h->fractional) return;
    pb_begin(out, OTLP_PROMETHEUS);
    if (h->hint) pb_put_varint(out, 1, h->hint);
    if (h->n_bounds) {
        pb_begin(out, 2);
        doubles_put(out, h->bounds, h->n_bounds);
        pb_end(out);
    }
    if (h->fractional) {
        pb_begin(out, 3);
        doubles_put(out, totals, 2);
        doubles_put(out, h->positive.exact, h->positive.n);
        doubles_put(out, h->negative.exact, h->negative.n);
        pb_end(out);
    }
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
    prometheus_put(out, h);
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
