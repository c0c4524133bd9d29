/* Metric and its data points in protobuf. */
#include <assert.h>

#include "ingest/export/otlp_pb_parts.h"
#include "ingest/export/otlp_points.h"

/*   message Exemplar {
 *     fixed64 time_unix_nano = 2;
 *     oneof value { double as_double = 3; sfixed64 as_int = 6; }
 *     bytes span_id = 4;
 *     bytes trace_id = 5;
 *     repeated KeyValue filtered_attributes = 7;
 *   } */
static void exemplar(struct pb_batch *w, uint32_t field, const struct exemplar *e)
{
    struct pb_out *p = &w->p;
    pb_begin(p, field);
    pb_some_fixed64(p, 2, e->time);
    if (e->present & POINT_IS_INT)
        pb_put_fixed64(p, 6, (uint64_t)e->int_value);
    else if (!(e->present & POINT_NO_VALUE))
        pb_put_double(p, 3, e->value);
    pb_some_id(p, 4, e->span_id, 8);
    pb_some_id(p, 5, e->trace_id, 16);
    pb_attributes(w, 7, e->attrs);
    pb_end(p);
}

static void exemplars(struct pb_batch *w, const struct exemplar_index *x, uint32_t field,
                      uint32_t i)
{
    if (!x->from) return;
    for (uint32_t k = x->from[i]; k < x->from[i + 1]; k++)
        exemplar(w, field, &w->b->metrics.exemplar[x->order[k]]);
}

/*   message NumberDataPoint {
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     oneof value { double as_double = 4; sfixed64 as_int = 6; }
 *     repeated Exemplar exemplars = 5;
 *     repeated KeyValue attributes = 7;
 *     uint32 flags = 8;
 *   } */
static void number(struct pb_batch *w, const struct exemplar_index *x, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct pb_out *p = &w->p;
    pb_some_fixed64(p, 2, c->start_time[i]);
    pb_some_fixed64(p, 3, c->time[i]);
    if (c->present[i] & POINT_IS_INT)
        pb_put_fixed64(p, 6, (uint64_t)c->int_value[i]);
    else if (!(c->present[i] & POINT_NO_VALUE))
        pb_put_double(p, 4, c->value[i]);
    exemplars(w, x, 5, i);
    pb_attributes(w, 7, c->attrs[i]);
    pb_some_varint(p, 8, c->flags[i]);
}

static void packed_u64s(struct pb_batch *w, uint32_t field, struct num_range r)
{
    if (r.n)
        pb_put_str(&w->p, field, (str){(const char *)(w->b->metrics.u64s + r.at), (size_t)r.n * 8});
}

static void packed_f64s(struct pb_batch *w, uint32_t field, struct num_range r)
{
    if (r.n)
        pb_put_str(&w->p, field, (str){(const char *)(w->b->metrics.f64s + r.at), (size_t)r.n * 8});
}

/*   message HistogramDataPoint {
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
static void histogram(struct pb_batch *w, const struct exemplar_index *x, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct pb_out *p = &w->p;
    pb_some_fixed64(p, 2, c->start_time[i]);
    pb_some_fixed64(p, 3, c->time[i]);
    pb_some_fixed64(p, 4, c->count[i]);
    if (c->present[i] & POINT_HAS_SUM) pb_put_double(p, 5, c->sum[i]);
    packed_u64s(w, 6, c->bucket_counts[i]);
    packed_f64s(w, 7, c->explicit_bounds[i]);
    exemplars(w, x, 8, i);
    pb_attributes(w, 9, c->attrs[i]);
    pb_some_varint(p, 10, c->flags[i]);
    if (c->present[i] & POINT_HAS_MIN) pb_put_double(p, 11, c->min[i]);
    if (c->present[i] & POINT_HAS_MAX) pb_put_double(p, 12, c->max[i]);
}

/*   message Buckets {
 *     sint32 offset = 1;
 *     repeated uint64 bucket_counts = 2;
 *   } */
static void buckets(struct pb_batch *w, uint32_t field, int32_t offset, struct num_range r)
{
    struct pb_out *p = &w->p;
    if (!offset && !r.n) return;
    pb_begin(p, field);
    if (offset) pb_put_sint(p, 1, offset);
    if (r.n) {
        pb_begin(p, 2);
        for (uint32_t i = 0; i < r.n; i++) pb_raw_varint(p, w->b->metrics.u64s[r.at + i]);
        pb_end(p);
    }
    pb_end(p);
}

/*   message Prometheus {
 *     uint32 reset_hint = 1;
 *     repeated double custom_values = 2;
 *     repeated double counts = 3;
 *   } */
static void prometheus(struct pb_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    uint8_t hint = c->present[i] >> POINT_HINT_SHIFT;
    if (!hint && !(c->quantiles && c->quantiles[i].n + c->quantile_values[i].n)) return;
    pb_begin(&w->p, 200);
    pb_some_varint(&w->p, 1, hint);
    if (c->quantiles) {
        packed_f64s(w, 2, c->quantiles[i]);
        packed_f64s(w, 3, c->quantile_values[i]);
    }
    pb_end(&w->p);
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
 *     Prometheus prometheus = 200;   // ours: see ingest/decode/otlp_point.c
 *   } */
static void exponential(struct pb_batch *w, const struct exemplar_index *x, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct pb_out *p = &w->p;
    pb_attributes(w, 1, c->attrs[i]);
    pb_some_fixed64(p, 2, c->start_time[i]);
    pb_some_fixed64(p, 3, c->time[i]);
    pb_some_fixed64(p, 4, c->count[i]);
    if (c->present[i] & POINT_HAS_SUM) pb_put_double(p, 5, c->sum[i]);
    if (c->scale[i]) pb_put_sint(p, 6, c->scale[i]);
    pb_some_fixed64(p, 7, c->zero_count[i]);
    buckets(w, 8, c->positive_offset[i], c->positive_counts[i]);
    buckets(w, 9, c->negative_offset[i], c->negative_counts[i]);
    pb_some_varint(p, 10, c->flags[i]);
    exemplars(w, x, 11, i);
    if (c->present[i] & POINT_HAS_MIN) pb_put_double(p, 12, c->min[i]);
    if (c->present[i] & POINT_HAS_MAX) pb_put_double(p, 13, c->max[i]);
    pb_some_double(p, 14, c->zero_threshold[i]);
    prometheus(w, i);
}

/*   message SummaryDataPoint {
 *     fixed64 start_time_unix_nano = 2;
 *     fixed64 time_unix_nano = 3;
 *     fixed64 count = 4;
 *     double sum = 5;
 *     repeated ValueAtQuantile quantile_values = 6;   // { double quantile = 1; double value = 2; }
 *     repeated KeyValue attributes = 7;
 *     uint32 flags = 8;
 *   } */
static void summary(struct pb_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct pb_out *p = &w->p;
    pb_some_fixed64(p, 2, c->start_time[i]);
    pb_some_fixed64(p, 3, c->time[i]);
    pb_some_fixed64(p, 4, c->count[i]);
    pb_some_double(p, 5, c->sum[i]);
    for (uint32_t k = 0; k < c->quantiles[i].n; k++) {
        pb_begin(p, 6);
        pb_some_double(p, 1, c->f64s[c->quantiles[i].at + k]);
        pb_some_double(p, 2, c->f64s[c->quantile_values[i].at + k]);
        pb_end(p);
    }
    pb_attributes(w, 7, c->attrs[i]);
    pb_some_varint(p, 8, c->flags[i]);
}

/*   message Metric {
 *     string name = 1;
 *     string description = 2;
 *     string unit = 3;
 *     oneof data {
 *       Gauge gauge = 5;                                   // { repeated NumberDataPoint = 1; }
 *       Sum sum = 7;                                       // also: AggregationTemporality
 *       Histogram histogram = 9;                           // aggregation_temporality = 2;
 *       ExponentialHistogram exponential_histogram = 10;   // and bool is_monotonic = 3 of Sum
 *       Summary summary = 11;
 *     }
 *     repeated KeyValue metadata = 12;
 *   } */
static void metric_begin(struct pb_batch *w, const struct metric_desc *d)
{
    static const uint32_t data[] = {[METRIC_GAUGE] = 5,
                                    [METRIC_SUM] = 7,
                                    [METRIC_HISTOGRAM] = 9,
                                    [METRIC_EXP_HISTOGRAM] = 10,
                                    [METRIC_SUMMARY] = 11};
    struct pb_out *p = &w->p;
    pb_group(w, d->resource, d->scope);
    pb_begin(p, 2);
    pb_some_str(p, 1, d->name);
    pb_some_str(p, 2, d->description);
    pb_some_str(p, 3, d->unit);
    pb_attributes(w, 12, d->metadata);
    pb_begin(p, data[d->type]);
    pb_some_varint(p, 2, d->temporality);
    if (d->monotonic) pb_put_varint(p, 3, 1);
}

static void metric_end(struct pb_batch *w)
{
    pb_end(&w->p);
    pb_end(&w->p);
}

static void point(struct pb_batch *w, const struct exemplar_index *x, enum metric_type type,
                  uint32_t i)
{
    pb_begin(&w->p, 1);
    switch (type) {
    case METRIC_HISTOGRAM: histogram(w, x, i); break;
    case METRIC_EXP_HISTOGRAM: exponential(w, x, i); break;
    case METRIC_SUMMARY: summary(w, i); break;
    default: number(w, x, i); break;
    }
    pb_end(&w->p);
}

void otlp_pb_metrics(struct pb_batch *w)
{
    const struct metric_columns *c = &w->b->metrics;
    struct exemplar_index x = exemplar_index_make(w->scratch, c);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct metric_desc *d = &c->descs[c->desc[i]];
        assert(d->type != METRIC_NONE); /* has no points */
        bool first = i == 0 || c->desc[i] != c->desc[i - 1];
        if (first && i > 0) metric_end(w);
        if (first) metric_begin(w, d);
        point(w, &x, d->type, i);
    }
    if (c->n) metric_end(w);
}
