#include "ingest/decode/otlp_point.h"

#include <assert.h>
#include <inttypes.h>

#include "ingest/decode/otlp_id.h"
#include "ingest/decode/otlp_numbers.h"
#include "ingest/decode/otlp_value.h"
#include "model/columns.h"
#include "model/identity.h"

struct point {
    uint64_t time, start_time, count, zero_count;
    int64_t int_value;
    double value, sum, min, max, zero_threshold;
    uint32_t flags, n_exemplars, n_quantiles;
    int32_t scale, positive_offset, negative_offset;
    uint8_t present;
    struct attr_range attrs;
    struct num_range bucket_counts, explicit_bounds, positive_counts, negative_counts;
    struct num_range quantiles, quantile_values;
    /* Buckets messages, and Prometheus': each is one run, so they wait for the walk's end */
    str positive, negative, prometheus;
};

/*   message NumberDataPoint {
 *     reserved 1;
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     oneof value { double as_double = 4; sfixed64 as_int = 6; }
 *     repeated Exemplar exemplars = 5;
 *     repeated KeyValue attributes = 7;
 *     uint32 flags = 8;
 *   } */
static status number_fields(struct builder *b, str msg, struct point *p)
{
    struct pb_reader r = pb_read(msg);
    p->present = POINT_NO_VALUE;
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_FIXED64): p->start_time = pb_fixed64(&r); break;
        case PB_TAG(3, PB_FIXED64): p->time = pb_fixed64(&r); break;
        case PB_TAG(4, PB_FIXED64):
            p->value = pb_double(&r);
            p->int_value = 0;
            p->present = 0;
            break;
        case PB_TAG(5, PB_BYTES): p->n_exemplars++, (void)pb_bytes(&r); break;
        case PB_TAG(6, PB_FIXED64):
            p->int_value = (int64_t)pb_fixed64(&r);
            p->value = (double)p->int_value;
            p->present = POINT_IS_INT;
            break;
        case PB_TAG(7, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &p->attrs)); break;
        case PB_TAG(8, PB_VARINT): p->flags = (uint32_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed NumberDataPoint");
    return ST_OK;
}

static void sum_set(struct point *p, double v) { p->sum = v, p->present |= POINT_HAS_SUM; }
static void min_set(struct point *p, double v) { p->min = v, p->present |= POINT_HAS_MIN; }
static void max_set(struct point *p, double v) { p->max = v, p->present |= POINT_HAS_MAX; }

/*   message HistogramDataPoint {
 *     reserved 1;
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     fixed64 count = 4;
 *     optional double sum = 5;
 *     repeated fixed64 bucket_counts = 6;
 *     repeated double explicit_bounds = 7;
 *     repeated Exemplar exemplars = 8;
 *     repeated KeyValue attributes = 9;
 *     uint32 flags = 10;
 *     optional double min = 11;
 *     optional double max = 12;
 *   } */
static status histogram_fields(struct builder *b, str msg, struct point *p)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_FIXED64): p->start_time = pb_fixed64(&r); break;
        case PB_TAG(3, PB_FIXED64): p->time = pb_fixed64(&r); break;
        case PB_TAG(4, PB_FIXED64): p->count = pb_fixed64(&r); break;
        case PB_TAG(5, PB_FIXED64): sum_set(p, pb_double(&r)); break;
        case PB_TAG(6, PB_BYTES): TRY(otlp_fixed64s(b, pb_bytes(&r), &p->bucket_counts)); break;
        case PB_TAG(6, PB_FIXED64): TRY(otlp_one_u64(b, pb_fixed64(&r), &p->bucket_counts)); break;
        case PB_TAG(7, PB_BYTES): TRY(otlp_doubles(b, pb_bytes(&r), &p->explicit_bounds)); break;
        case PB_TAG(7, PB_FIXED64): TRY(otlp_one_f64(b, pb_double(&r), &p->explicit_bounds)); break;
        case PB_TAG(8, PB_BYTES): p->n_exemplars++, (void)pb_bytes(&r); break;
        case PB_TAG(9, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &p->attrs)); break;
        case PB_TAG(10, PB_VARINT): p->flags = (uint32_t)pb_varint(&r); break;
        case PB_TAG(11, PB_FIXED64): min_set(p, pb_double(&r)); break;
        case PB_TAG(12, PB_FIXED64): max_set(p, pb_double(&r)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed HistogramDataPoint");
    return ST_OK;
}

/*   message Buckets {
 *     sint32 offset = 1;
 *     repeated uint64 bucket_counts = 2;
 *   } */
static status buckets(struct builder *b, str msg, int32_t *offset, struct num_range *io)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_VARINT): *offset = pb_sint32(&r); break;
        case PB_TAG(2, PB_BYTES): TRY(otlp_varints(b, pb_bytes(&r), io)); break;
        case PB_TAG(2, PB_VARINT): TRY(otlp_one_u64(b, pb_varint(&r), io)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Buckets");
    return ST_OK;
}

static status doubles_of(struct builder *b, str msg, uint32_t field, struct num_range *io)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(field, PB_BYTES))
            TRY(otlp_doubles(b, pb_bytes(&r), io));
        else if (tag == PB_TAG(field, PB_FIXED64))
            TRY(otlp_one_f64(b, pb_double(&r), io));
        else
            pb_skip(&r, tag);
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Prometheus");
    return ST_OK;
}

/* What OTLP has no word for (model/batch.h, decisions/0029). Other receivers pass over it.
 *
 *   message Prometheus {
 *     uint32 reset_hint = 1;
 *     repeated double custom_values = 2;   // of scale -53
 *     repeated double counts = 3;          // count, zero_count, positive, negative
 *   } */
static status prometheus(struct builder *b, str msg, struct point *p)
{
    struct pb_reader r = pb_read(msg);
    uint64_t hint = 0;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(1, PB_VARINT))
            hint = pb_varint(&r);
        else
            pb_skip(&r, tag);
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Prometheus");
    if (hint <= POINT_HINT_GAUGE) p->present |= (uint8_t)(hint << POINT_HINT_SHIFT);
    TRY(doubles_of(b, msg, 2, &p->quantiles));
    TRY(doubles_of(b, msg, 3, &p->quantile_values));
    if (p->quantile_values.n) p->present |= POINT_FRACTIONAL;
    return ST_OK;
}

/*   message ExponentialHistogramDataPoint {
 *     repeated KeyValue attributes = 1;
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     fixed64 count = 4;
 *     optional double sum = 5;
 *     sint32 scale = 6;
 *     fixed64 zero_count = 7;
 *     Buckets positive = 8;
 *     Buckets negative = 9;
 *     uint32 flags = 10;
 *     repeated Exemplar exemplars = 11;
 *     optional double min = 12;
 *     optional double max = 13;
 *     double zero_threshold = 14;
 *     Prometheus prometheus = 200;   // ours
 *   } */
static status exponential_fields(struct builder *b, str msg, struct point *p)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &p->attrs)); break;
        case PB_TAG(2, PB_FIXED64): p->start_time = pb_fixed64(&r); break;
        case PB_TAG(3, PB_FIXED64): p->time = pb_fixed64(&r); break;
        case PB_TAG(4, PB_FIXED64): p->count = pb_fixed64(&r); break;
        case PB_TAG(5, PB_FIXED64): sum_set(p, pb_double(&r)); break;
        case PB_TAG(6, PB_VARINT): p->scale = pb_sint32(&r); break;
        case PB_TAG(7, PB_FIXED64): p->zero_count = pb_fixed64(&r); break;
        case PB_TAG(8, PB_BYTES): p->positive = pb_bytes(&r); break;
        case PB_TAG(9, PB_BYTES): p->negative = pb_bytes(&r); break;
        case PB_TAG(10, PB_VARINT): p->flags = (uint32_t)pb_varint(&r); break;
        case PB_TAG(11, PB_BYTES): p->n_exemplars++, (void)pb_bytes(&r); break;
        case PB_TAG(12, PB_FIXED64): min_set(p, pb_double(&r)); break;
        case PB_TAG(13, PB_FIXED64): max_set(p, pb_double(&r)); break;
        case PB_TAG(14, PB_FIXED64): p->zero_threshold = pb_double(&r); break;
        case PB_TAG(OTLP_PROMETHEUS, PB_BYTES): p->prometheus = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed ExponentialHistogramDataPoint");
    TRY(buckets(b, p->positive, &p->positive_offset, &p->positive_counts));
    TRY(buckets(b, p->negative, &p->negative_offset, &p->negative_counts));
    return p->prometheus.len ? prometheus(b, p->prometheus, p) : ST_OK;
}

/*   message ValueAtQuantile {
 *     double quantile = 1;
 *     double value = 2;
 *   } */
static status quantile(struct builder *b, str msg, double *quantile, double *value)
{
    struct pb_reader r = pb_read(msg);
    *quantile = *value = 0;
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_FIXED64): *quantile = pb_double(&r); break;
        case PB_TAG(2, PB_FIXED64): *value = pb_double(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed ValueAtQuantile");
    return ST_OK;
}

static status quantiles(struct builder *b, str msg, struct point *p)
{
    struct metric_columns *c = &b->batch->metrics;
    TRY(otlp_f64s_reserve(b, p->n_quantiles, &p->quantiles));
    TRY(otlp_f64s_reserve(b, p->n_quantiles, &p->quantile_values));
    struct pb_reader r = pb_read(msg);
    uint32_t i = 0;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(6, PB_BYTES)) {
            TRY(quantile(b, pb_bytes(&r), &c->f64s[p->quantiles.at + i],
                         &c->f64s[p->quantile_values.at + i]));
            i++;
        } else {
            pb_skip(&r, tag);
        }
    }
    return ST_OK;
}

/*   message SummaryDataPoint {
 *     reserved 1;
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     fixed64 count = 4;
 *     double sum = 5;
 *     repeated ValueAtQuantile quantile_values = 6;
 *     repeated KeyValue attributes = 7;
 *     uint32 flags = 8;
 *   } */
static status summary_fields(struct builder *b, str msg, struct point *p)
{
    struct pb_reader r = pb_read(msg);
    sum_set(p, 0); /* not optional here */
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_FIXED64): p->start_time = pb_fixed64(&r); break;
        case PB_TAG(3, PB_FIXED64): p->time = pb_fixed64(&r); break;
        case PB_TAG(4, PB_FIXED64): p->count = pb_fixed64(&r); break;
        case PB_TAG(5, PB_FIXED64): sum_set(p, pb_double(&r)); break;
        case PB_TAG(6, PB_BYTES): p->n_quantiles++, (void)pb_bytes(&r); break;
        case PB_TAG(7, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &p->attrs)); break;
        case PB_TAG(8, PB_VARINT): p->flags = (uint32_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed SummaryDataPoint");
    return p->n_quantiles ? quantiles(b, msg, p) : ST_OK;
}

/*   message Exemplar {
 *     reserved 1;
 *     fixed64 time_unix_nano = 2;
 *     oneof value { double as_double = 3; sfixed64 as_int = 6; }
 *     bytes span_id = 4;
 *     bytes trace_id = 5;
 *     repeated KeyValue filtered_attributes = 7;
 *   } */
static status exemplar(struct builder *b, str msg, struct exemplar *ret)
{
    struct pb_reader r = pb_read(msg);
    struct exemplar e = {.point = b->batch->metrics.n, .present = POINT_NO_VALUE};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_FIXED64): e.time = pb_fixed64(&r); break;
        case PB_TAG(3, PB_FIXED64):
            e.value = pb_double(&r);
            e.int_value = 0;
            e.present = 0;
            break;
        case PB_TAG(4, PB_BYTES): id_or_zeros(pb_bytes(&r), e.span_id, 8); break;
        case PB_TAG(5, PB_BYTES): id_or_zeros(pb_bytes(&r), e.trace_id, 16); break;
        case PB_TAG(6, PB_FIXED64):
            e.int_value = (int64_t)pb_fixed64(&r);
            e.value = (double)e.int_value;
            e.present = POINT_IS_INT;
            break;
        case PB_TAG(7, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &e.attrs)); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Exemplar");
    otlp_attributes_end(b, &e.attrs);
    *ret = e;
    return ST_OK;
}

/* The exemplars wait until the point's attributes, one run, are complete. */
static status exemplars(struct builder *b, str msg, uint32_t field)
{
    struct metric_columns *c = &b->batch->metrics;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != field) {
            pb_skip(&r, tag);
            continue;
        }
        TRY(BUILDER_GROW(b, c->exemplar, b->cap_exemplars, c->n_exemplars + 1));
        TRY(exemplar(b, pb_bytes(&r), &c->exemplar[c->n_exemplars]));
        c->n_exemplars++;
    }
    return ST_OK;
}

static bool prometheus_fits(struct builder *b, const struct point *p)
{
    uint64_t n_bounds = p->quantiles.n;
    uint64_t n_counts = (uint64_t)p->positive_counts.n + p->negative_counts.n + 2;
    const double *bounds = n_bounds ? b->batch->metrics.f64s + p->quantiles.at : NULL;
    const char *why = NULL;
    bool custom = p->scale == POINT_CUSTOM_SCALE;
    if (p->quantile_values.n && p->quantile_values.n != n_counts)
        why = "prometheus.counts are not as many as the buckets";
    if (custom ? p->negative_counts.n > 0 : n_bounds > 0)
        why = "prometheus.custom_values are for positive buckets of scale -53 only";
    if (custom && p->positive_counts.n &&
        (p->positive_offset < -1 ||
         (int64_t)p->positive_offset + 1 + p->positive_counts.n > (int64_t)n_bounds + 1))
        why = "buckets beyond prometheus.custom_values";
    for (uint64_t i = 1; i < n_bounds && !why; i++)
        if (!(bounds[i - 1] < bounds[i]))
            why = "prometheus.custom_values are not each above the one before";
    if (why) builder_reject(b, REJECT_BAD_BUCKETS, "%s", why);
    return !why;
}

static bool buckets_fit(struct builder *b, const struct point *p)
{
    uint32_t n_counts = p->bucket_counts.n, n_bounds = p->explicit_bounds.n;
    const double *bounds = n_bounds ? b->batch->metrics.f64s + p->explicit_bounds.at : NULL;
    if (n_counts ? n_counts != n_bounds + 1 : n_bounds != 0) {
        builder_reject(b, REJECT_BAD_BUCKETS,
                       "%" PRIu32 " bucket_counts for %" PRIu32 " explicit_bounds", n_counts,
                       n_bounds);
        return false;
    }
    for (uint32_t i = 1; i < n_bounds; i++)
        if (!(bounds[i - 1] < bounds[i])) {
            builder_reject(b, REJECT_BAD_BUCKETS,
                           "explicit_bounds[%" PRIu32 "] is not above the one before", i);
            return false;
        }
    if ((int64_t)p->positive_offset + p->positive_counts.n > INT32_MAX ||
        (int64_t)p->negative_offset + p->negative_counts.n > INT32_MAX) {
        builder_reject(b, REJECT_BAD_BUCKETS, "bucket indices past %" PRId32, INT32_MAX);
        return false;
    }
    return !p->prometheus.len || prometheus_fits(b, p);
}

static uint64_t series_id(const struct builder *b, const struct point_context *m,
                          const struct point *p)
{
    struct num_range bounds = p->explicit_bounds;
    return metric_series_id(
        m->metric_hash, m->type, bounds.n ? b->batch->metrics.f64s + bounds.at : NULL, bounds.n,
        attrs_hash(p->attrs.n ? b->batch->attrs + p->attrs.at : NULL, p->attrs.n));
}

static status zeros(struct builder *b, size_t elem, void **ret)
{
    TRY(builder_room(b, elem * (uint64_t)b->cap_rows));
    size_t size = arena_size(elem, b->cap_rows);
    *ret = memset(arena_alloc(b->arena, size, 16), 0, size);
    return ST_OK;
}

/* The columns that only points of the type have: with the first of them. */
static status columns_of_type(struct builder *b, enum metric_type type, bool prometheus)
{
    struct metric_columns *c = &b->batch->metrics;
#define ADD(column) TRY(zeros(b, sizeof *c->column, (void **)&c->column));
    if (type != METRIC_GAUGE && type != METRIC_SUM && !c->count) {
        METRIC_DISTRIBUTION_COLUMNS(ADD)
    }
    if (type == METRIC_HISTOGRAM && !c->bucket_counts) {
        METRIC_HISTOGRAM_COLUMNS(ADD)
    }
    if (type == METRIC_EXP_HISTOGRAM && !c->scale) {
        METRIC_EXPONENTIAL_COLUMNS(ADD)
    }
    if ((type == METRIC_SUMMARY || prometheus) && !c->quantiles) {
        METRIC_SUMMARY_COLUMNS(ADD)
    }
#undef ADD
    return ST_OK;
}

static void distribution_store(struct metric_columns *c, enum metric_type type, uint32_t i,
                               const struct point *p)
{
    c->count[i] = p->count;
    c->sum[i] = p->sum;
    c->min[i] = p->min;
    c->max[i] = p->max;
    if (type == METRIC_HISTOGRAM) {
        c->bucket_counts[i] = p->bucket_counts;
        c->explicit_bounds[i] = p->explicit_bounds;
    } else if (type == METRIC_EXP_HISTOGRAM) {
        c->scale[i] = p->scale;
        c->zero_count[i] = p->zero_count;
        c->zero_threshold[i] = p->zero_threshold;
        c->positive_offset[i] = p->positive_offset;
        c->negative_offset[i] = p->negative_offset;
        c->positive_counts[i] = p->positive_counts;
        c->negative_counts[i] = p->negative_counts;
    }
    if (c->quantiles) {
        c->quantiles[i] = p->quantiles;
        c->quantile_values[i] = p->quantile_values;
    }
}

static status point_store(struct builder *b, const struct point_context *m, const struct point *p)
{
    struct metric_columns *c = &b->batch->metrics;
    TRY(columns_of_type(b, m->type, p->prometheus.len > 0));
    uint32_t i = c->n++;
    assert(i < b->cap_rows);
    c->desc[i] = m->desc;
    c->series_id[i] = series_id(b, m, p);
    c->time[i] = p->time;
    c->start_time[i] = p->start_time;
    c->attrs[i] = p->attrs;
    c->flags[i] = p->flags;
    c->present[i] = p->present;
    c->value[i] = p->value;
    c->int_value[i] = p->int_value;
    if (m->type != METRIC_GAUGE && m->type != METRIC_SUM) distribution_store(c, m->type, i, p);
    return ST_OK;
}

static status fields(struct builder *b, enum metric_type type, str msg, struct point *p)
{
    switch (type) {
    case METRIC_HISTOGRAM: return histogram_fields(b, msg, p);
    case METRIC_EXP_HISTOGRAM: return exponential_fields(b, msg, p);
    case METRIC_SUMMARY: return summary_fields(b, msg, p);
    default: return number_fields(b, msg, p);
    }
}

status otlp_point(struct builder *b, const struct point_context *m, str msg)
{
    static const uint32_t exemplar_field[] = {
        [METRIC_GAUGE] = PB_TAG(5, PB_BYTES),
        [METRIC_SUM] = PB_TAG(5, PB_BYTES),
        [METRIC_HISTOGRAM] = PB_TAG(8, PB_BYTES),
        [METRIC_EXP_HISTOGRAM] = PB_TAG(11, PB_BYTES),
        [METRIC_SUMMARY] = 0,
    };
    struct telemetry_batch *batch = b->batch;
    struct metric_columns *c = &batch->metrics;
    uint32_t attrs = batch->n_attrs, first_exemplar = c->n_exemplars;
    uint32_t u64s = c->n_u64s, f64s = c->n_f64s;
    struct point p = {0};
    TRY(fields(b, m->type, msg, &p));
    otlp_attributes_end(b, &p.attrs);
    if (p.n_exemplars) TRY(exemplars(b, msg, exemplar_field[m->type]));

    uint32_t most = p.attrs.n;
    for (uint32_t i = first_exemplar; i < c->n_exemplars; i++)
        if (c->exemplar[i].attrs.n > most) most = c->exemplar[i].attrs.n;
    batch->received++;
    if (builder_time_fits(b, p.time, "time_unix_nano") && buckets_fit(b, &p) &&
        builder_attributes_fit(b, most))
        return point_store(b, m, &p);
    batch->n_attrs = attrs;
    c->n_exemplars = first_exemplar;
    c->n_u64s = u64s;
    c->n_f64s = f64s;
    return ST_OK;
}
