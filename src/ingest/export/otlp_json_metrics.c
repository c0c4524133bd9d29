/* Metric and its data points in JSON. The fields are those of otlp_pb_metrics.c. */
#include <assert.h>

#include "ingest/export/otlp_json_parts.h"
#include "ingest/export/otlp_points.h"

static bool is_plus_zero(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == 0;
}

static void exemplar(struct json_batch *w, const struct exemplar *e)
{
    struct json_out *j = &w->j;
    json_object(j);
    JSON_SOME_DIGITS(j, "timeUnixNano", e->time);
    if (e->present & POINT_IS_INT)
        JSON_FIELD(j, "asInt"), json_signed_digits(j, e->int_value);
    else if (!(e->present & POINT_NO_VALUE))
        JSON_FIELD(j, "asDouble"), json_f64(j, e->value);
    JSON_SOME_ID(j, "spanId", e->span_id);
    JSON_SOME_ID(j, "traceId", e->trace_id);
    json_attributes(w, S("\"filteredAttributes\":"), e->attrs);
    json_end(j);
}

static void exemplars(struct json_batch *w, const struct exemplar_index *x, uint32_t i)
{
    if (!x->from || x->from[i] == x->from[i + 1]) return;
    JSON_FIELD(&w->j, "exemplars");
    json_array(&w->j);
    for (uint32_t k = x->from[i]; k < x->from[i + 1]; k++)
        exemplar(w, &w->b->metrics.exemplar[x->order[k]]);
    json_end(&w->j);
}

static void u64s(struct json_batch *w, str quoted_name, struct num_range r)
{
    if (r.n == 0) return;
    json_field(&w->j, quoted_name);
    json_array(&w->j);
    for (uint32_t i = 0; i < r.n; i++) json_digits(&w->j, w->b->metrics.u64s[r.at + i]);
    json_end(&w->j);
}

static void f64s(struct json_batch *w, str quoted_name, struct num_range r)
{
    if (r.n == 0) return;
    json_field(&w->j, quoted_name);
    json_array(&w->j);
    for (uint32_t i = 0; i < r.n; i++) json_f64(&w->j, w->b->metrics.f64s[r.at + i]);
    json_end(&w->j);
}

static void number(struct json_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct json_out *j = &w->j;
    if (c->present[i] & POINT_IS_INT)
        JSON_FIELD(j, "asInt"), json_signed_digits(j, c->int_value[i]);
    else if (!(c->present[i] & POINT_NO_VALUE))
        JSON_FIELD(j, "asDouble"), json_f64(j, c->value[i]);
}

/* count, and the optional sum, min and max. */
static void totals(struct json_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct json_out *j = &w->j;
    JSON_SOME_DIGITS(j, "count", c->count[i]);
    if (c->present[i] & POINT_HAS_SUM) JSON_FIELD(j, "sum"), json_f64(j, c->sum[i]);
    if (c->present[i] & POINT_HAS_MIN) JSON_FIELD(j, "min"), json_f64(j, c->min[i]);
    if (c->present[i] & POINT_HAS_MAX) JSON_FIELD(j, "max"), json_f64(j, c->max[i]);
}

static void buckets(struct json_batch *w, str quoted_name, int32_t offset, struct num_range r)
{
    struct json_out *j = &w->j;
    if (!offset && !r.n) return;
    json_field(j, quoted_name);
    json_object(j);
    if (offset) JSON_FIELD(j, "offset"), json_i64(j, offset);
    u64s(w, S("\"bucketCounts\":"), r);
    json_end(j);
}

static void prometheus(struct json_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    uint8_t hint = c->present[i] >> POINT_HINT_SHIFT;
    if (!hint && !(c->quantiles && c->quantiles[i].n + c->quantile_values[i].n)) return;
    JSON_FIELD(&w->j, "prometheus");
    json_object(&w->j);
    JSON_SOME_U32(&w->j, "resetHint", hint);
    if (c->quantiles) {
        f64s(w, S("\"customValues\":"), c->quantiles[i]);
        f64s(w, S("\"counts\":"), c->quantile_values[i]);
    }
    json_end(&w->j);
}

static void exponential(struct json_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct json_out *j = &w->j;
    totals(w, i);
    if (c->scale[i]) JSON_FIELD(j, "scale"), json_i64(j, c->scale[i]);
    JSON_SOME_DIGITS(j, "zeroCount", c->zero_count[i]);
    buckets(w, S("\"positive\":"), c->positive_offset[i], c->positive_counts[i]);
    buckets(w, S("\"negative\":"), c->negative_offset[i], c->negative_counts[i]);
    if (!is_plus_zero(c->zero_threshold[i]))
        JSON_FIELD(j, "zeroThreshold"), json_f64(j, c->zero_threshold[i]);
    prometheus(w, i);
}

static void summary(struct json_batch *w, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct json_out *j = &w->j;
    totals(w, i);
    if (c->quantiles[i].n == 0) return;
    JSON_FIELD(j, "quantileValues");
    json_array(j);
    for (uint32_t k = 0; k < c->quantiles[i].n; k++) {
        json_object(j);
        JSON_FIELD(j, "quantile");
        json_f64(j, c->f64s[c->quantiles[i].at + k]);
        JSON_FIELD(j, "value");
        json_f64(j, c->f64s[c->quantile_values[i].at + k]);
        json_end(j);
    }
    json_end(j);
}

void json_point(struct json_batch *w, const struct exemplar_index *x, uint32_t i)
{
    const struct metric_columns *c = &w->b->metrics;
    struct json_out *j = &w->j;
    json_object(j);
    json_attributes(w, S("\"attributes\":"), c->attrs[i]);
    JSON_SOME_DIGITS(j, "startTimeUnixNano", c->start_time[i]);
    JSON_SOME_DIGITS(j, "timeUnixNano", c->time[i]);
    switch (c->descs[c->desc[i]].type) {
    case METRIC_HISTOGRAM:
        totals(w, i);
        u64s(w, S("\"bucketCounts\":"), c->bucket_counts[i]);
        f64s(w, S("\"explicitBounds\":"), c->explicit_bounds[i]);
        break;
    case METRIC_EXP_HISTOGRAM: exponential(w, i); break;
    case METRIC_SUMMARY: summary(w, i); break;
    default: number(w, i); break;
    }
    exemplars(w, x, i);
    JSON_SOME_U32(j, "flags", c->flags[i]);
    json_end(j);
}

void json_metric_begin(struct json_batch *w, const struct metric_desc *d)
{
    struct json_out *j = &w->j;
    json_object(j);
    JSON_SOME_STR(j, "name", d->name);
    JSON_SOME_STR(j, "description", d->description);
    JSON_SOME_STR(j, "unit", d->unit);
    json_attributes(w, S("\"metadata\":"), d->metadata);
    switch (d->type) {
    case METRIC_GAUGE: JSON_FIELD(j, "gauge"); break;
    case METRIC_SUM: JSON_FIELD(j, "sum"); break;
    case METRIC_HISTOGRAM: JSON_FIELD(j, "histogram"); break;
    case METRIC_EXP_HISTOGRAM: JSON_FIELD(j, "exponentialHistogram"); break;
    default:
        assert(d->type == METRIC_SUMMARY); /* one without data has no points */
        JSON_FIELD(j, "summary");
    }
    json_object(j);
    JSON_FIELD(j, "dataPoints");
    json_array(j);
}

void json_metric_end(struct json_batch *w, const struct metric_desc *d)
{
    struct json_out *j = &w->j;
    json_end(j); /* dataPoints */
    JSON_SOME_U32(j, "aggregationTemporality", d->temporality);
    if (d->monotonic) JSON_FIELD(j, "isMonotonic"), json_bool(j, true);
    json_end(j);
    json_end(j);
}
