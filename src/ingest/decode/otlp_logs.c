/* ExportLogsServiceRequest -> struct log_columns. */
#include <assert.h>

#include "ingest/decode/otlp_envelope.h"
#include "ingest/decode/otlp_id.h"
#include "ingest/decode/otlp_signals.h"
#include "ingest/decode/otlp_value.h"
#include "model/columns.h"

static uint64_t count_one(str) { return 1; }

static status reserve(struct builder *b, uint64_t n)
{
    struct log_columns *c = &b->batch->logs;
    uint64_t row = 0;
#define X(column) row += sizeof *c->column;
    LOG_COLUMNS(X)
#undef X
    TRY(builder_room(b, n * row));
#define X(column) c->column = arena_alloc(b->arena, arena_size(sizeof *c->column, n), 16);
    LOG_COLUMNS(X)
#undef X
    b->cap_rows = (uint32_t)n;
    return ST_OK;
}

struct record {
    uint64_t time, observed_time, severity_number;
    str trace_id, span_id, severity_text, event_name;
    struct attr_value body;
    struct attr_range attrs;
    uint32_t flags, dropped_attributes;
};

/*   message LogRecord {
 *     reserved 4;
 *     fixed64 time_unix_nano = 1;
 *     SeverityNumber severity_number = 2;
 *     string severity_text = 3;
 *     AnyValue body = 5;
 *     repeated KeyValue attributes = 6;
 *     uint32 dropped_attributes_count = 7;
 *     fixed32 flags = 8;
 *     bytes trace_id = 9;
 *     bytes span_id = 10;
 *     fixed64 observed_time_unix_nano = 11;
 *     string event_name = 12;
 *   } */
static status record_fields(struct builder *b, str msg, struct record *l)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_FIXED64): l->time = pb_fixed64(&r); break;
        case PB_TAG(2, PB_VARINT): l->severity_number = pb_varint(&r); break;
        case PB_TAG(3, PB_BYTES): l->severity_text = pb_bytes(&r); break;
        case PB_TAG(5, PB_BYTES): TRY(otlp_value(b, pb_bytes(&r), &l->body)); break;
        case PB_TAG(6, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &l->attrs)); break;
        case PB_TAG(7, PB_VARINT): l->dropped_attributes = (uint32_t)pb_varint(&r); break;
        case PB_TAG(8, PB_FIXED32): l->flags = pb_fixed32(&r); break;
        case PB_TAG(9, PB_BYTES): l->trace_id = pb_bytes(&r); break;
        case PB_TAG(10, PB_BYTES): l->span_id = pb_bytes(&r); break;
        case PB_TAG(11, PB_FIXED64): l->observed_time = pb_fixed64(&r); break;
        case PB_TAG(12, PB_BYTES): l->event_name = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed LogRecord");
    otlp_attributes_end(b, &l->attrs);
    return ST_OK;
}

static void record_store(struct builder *b, const struct record *l, uint64_t time,
                         enum log_time_origin origin)
{
    struct log_columns *c = &b->batch->logs;
    uint32_t i = c->n++;
    assert(i < b->cap_rows);
    c->time[i] = time;
    c->observed_time[i] = l->observed_time;
    c->time_origin[i] = (uint8_t)origin;
    c->resource[i] = b->resource;
    c->scope[i] = b->scope;
    id_or_zeros(l->trace_id, c->trace_id[i], 16);
    id_or_zeros(l->span_id, c->span_id[i], 8);
    c->flags[i] = l->flags;
    c->severity_number[i] = l->severity_number <= 24 ? (uint8_t)l->severity_number : 0;
    c->severity_text[i] = l->severity_text;
    c->event_name[i] = l->event_name;
    c->body[i] = l->body;
    c->attrs[i] = l->attrs;
    c->dropped_attributes[i] = l->dropped_attributes;
}

static status record(struct builder *b, str msg)
{
    uint32_t attrs = b->batch->n_attrs;
    struct record l = {.body.type = ATTR_EMPTY};
    TRY(record_fields(b, msg, &l));

    uint64_t time = l.time ? l.time : l.observed_time;
    enum log_time_origin origin = l.time ? LOG_TIME_OWN : LOG_TIME_OBSERVED;
    if (time == 0) {
        time = (uint64_t)b->opt->received_at;
        origin = LOG_TIME_ARRIVAL;
    }
    b->batch->received++;
    if (builder_time_fits(b, time, l.time ? "time_unix_nano" : "observed_time_unix_nano") &&
        builder_attributes_fit(b, l.attrs.n))
        record_store(b, &l, time, origin);
    else
        b->batch->n_attrs = attrs;
    return ST_OK;
}

status otlp_logs(struct builder *b, str request)
{
    TRY(reserve(b, otlp_count_items(request, count_one)));
    return otlp_envelopes(b, request, record);
}
