/* ExportMetricsServiceRequest -> struct metric_columns: the Metric messages. */
#include "ingest/decode/otlp_envelope.h"
#include "ingest/decode/otlp_point.h"
#include "ingest/decode/otlp_signals.h"
#include "ingest/decode/otlp_value.h"
#include "model/columns.h"
#include "model/identity.h"

static enum metric_type type_of_field(uint32_t tag)
{
    switch (tag) {
    case PB_TAG(5, PB_BYTES): return METRIC_GAUGE;
    case PB_TAG(7, PB_BYTES): return METRIC_SUM;
    case PB_TAG(9, PB_BYTES): return METRIC_HISTOGRAM;
    case PB_TAG(10, PB_BYTES): return METRIC_EXP_HISTOGRAM;
    case PB_TAG(11, PB_BYTES): return METRIC_SUMMARY;
    default: return METRIC_NONE;
    }
}

static uint64_t count_points(str metric)
{
    uint64_t n = 0;
    struct pb_reader r = pb_read(metric);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (type_of_field(tag) == METRIC_NONE) {
            pb_skip(&r, tag);
            continue;
        }
        struct pb_reader data = pb_read(pb_bytes(&r));
        for (uint32_t inner; pb_next(&data, &inner);) {
            n += inner == PB_TAG(1, PB_BYTES);
            pb_skip(&data, inner);
        }
    }
    return n;
}

static status reserve(struct builder *b, uint64_t n)
{
    struct metric_columns *c = &b->batch->metrics;
    uint64_t row = 0;
#define X(column) row += sizeof *c->column;
    METRIC_COLUMNS(X)
#undef X
    TRY(builder_room(b, n * row));
#define X(column) c->column = arena_alloc(b->arena, arena_size(sizeof *c->column, n), 16);
    METRIC_COLUMNS(X)
#undef X
    b->cap_rows = (uint32_t)n;
    return ST_OK;
}

/*   message Gauge     { repeated NumberDataPoint data_points = 1; }
 *   message Sum       { repeated NumberDataPoint data_points = 1;
 *                       AggregationTemporality aggregation_temporality = 2; bool is_monotonic = 3;
 * } message Histogram { repeated HistogramDataPoint data_points = 1; AggregationTemporality
 * aggregation_temporality = 2; } message ExponentialHistogram: the same; message Summary: as Gauge.
 */
static status data_head(struct builder *b, str msg, struct metric_desc *io)
{
    struct pb_reader r = pb_read(msg);
    bool sum = io->type == METRIC_SUM;
    bool temporal = sum || io->type == METRIC_HISTOGRAM || io->type == METRIC_EXP_HISTOGRAM;
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag == PB_TAG(2, PB_VARINT) && temporal) {
            uint64_t t = pb_varint(&r);
            io->temporality = t <= TEMPORALITY_CUMULATIVE ? (uint8_t)t : TEMPORALITY_UNSPECIFIED;
        } else if (tag == PB_TAG(3, PB_VARINT) && sum) {
            io->monotonic = pb_varint(&r) != 0;
        } else {
            pb_skip(&r, tag);
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed metric data");
    return ST_OK;
}

static status data_points(struct builder *b, const struct point_context *m, str msg)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(1, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        b->at_point++;
        TRY(otlp_point(b, m, pb_bytes(&r)));
    }
    b->at_point = NOWHERE;
    return ST_OK;
}

/*   message Metric {
 *     reserved 4, 6, 8;
 *     string name = 1;
 *     string description = 2;
 *     string unit = 3;
 *     oneof data {
 *       Gauge gauge = 5;
 *       Sum sum = 7;
 *       Histogram histogram = 9;
 *       ExponentialHistogram exponential_histogram = 10;
 *       Summary summary = 11;
 *     }
 *     repeated KeyValue metadata = 12;
 *   } */
static status metric(struct builder *b, str msg)
{
    struct metric_columns *c = &b->batch->metrics;
    struct metric_desc d = {.resource = b->resource, .scope = b->scope};
    str data = {0};
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): d.name = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): d.description = pb_bytes(&r); break;
        case PB_TAG(3, PB_BYTES): d.unit = pb_bytes(&r); break;
        case PB_TAG(12, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &d.metadata)); break;
        default:
            if (type_of_field(tag) == METRIC_NONE) {
                pb_skip(&r, tag);
            } else { /* of several the last one counts */
                d.type = type_of_field(tag);
                data = pb_bytes(&r);
            }
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Metric");
    otlp_attributes_end(b, &d.metadata);
    TRY(data_head(b, data, &d));

    TRY(BUILDER_GROW(b, c->descs, b->cap_descs, c->n_descs + 1));
    const struct telemetry_batch *batch = b->batch;
    struct point_context m = {
        c->n_descs, d.type,
        metric_hash(&d, batch->resources[d.resource].hash, batch->scopes[d.scope].hash)};
    c->descs[c->n_descs++] = d;
    return data_points(b, &m, data);
}

status otlp_metrics(struct builder *b, str request)
{
    TRY(reserve(b, otlp_count_items(request, count_points)));
    return otlp_envelopes(b, request, metric);
}
