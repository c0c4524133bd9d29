/* ExportTraceServiceRequest -> struct span_columns. */
#include <assert.h>
#include <inttypes.h>

#include "ingest/decode/otlp_envelope.h"
#include "ingest/decode/otlp_id.h"
#include "ingest/decode/otlp_signals.h"
#include "ingest/decode/otlp_value.h"
#include "model/columns.h"
#include "model/sampling.h"

static uint64_t count_one(str) { return 1; }

static status reserve(struct builder *b, uint64_t n)
{
    struct span_columns *c = &b->batch->spans;
    uint64_t row = 0;
#define X(column) row += sizeof *c->column;
    SPAN_COLUMNS(X)
#undef X
    TRY(builder_room(b, n * row));
#define X(column) c->column = arena_alloc(b->arena, arena_size(sizeof *c->column, n), 16);
    SPAN_COLUMNS(X)
#undef X
    b->cap_rows = (uint32_t)n;
    return ST_OK;
}

/*   message Event {
 *     fixed64 time_unix_nano = 1;
 *     string name = 2;
 *     repeated KeyValue attributes = 3;
 *     uint32 dropped_attributes_count = 4;
 *   } */
static status event_read(struct builder *b, str msg, struct span_event *ret)
{
    struct pb_reader r = pb_read(msg);
    struct span_event e = {0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_FIXED64): e.time = pb_fixed64(&r); break;
        case PB_TAG(2, PB_BYTES): e.name = pb_bytes(&r); break;
        case PB_TAG(3, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &e.attrs)); break;
        case PB_TAG(4, PB_VARINT): e.dropped_attributes = (uint32_t)pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Event");
    otlp_attributes_end(b, &e.attrs);
    *ret = e;
    return ST_OK;
}

/*   message Link {
 *     bytes trace_id = 1;
 *     bytes span_id = 2;
 *     string trace_state = 3;
 *     repeated KeyValue attributes = 4;
 *     uint32 dropped_attributes_count = 5;
 *     fixed32 flags = 6;
 *   } */
static status link_read(struct builder *b, str msg, struct span_link *ret)
{
    struct pb_reader r = pb_read(msg);
    struct span_link l = {0};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): id_or_zeros(pb_bytes(&r), l.trace_id, 16); break;
        case PB_TAG(2, PB_BYTES): id_or_zeros(pb_bytes(&r), l.span_id, 8); break;
        case PB_TAG(3, PB_BYTES): l.trace_state = pb_bytes(&r); break;
        case PB_TAG(4, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &l.attrs)); break;
        case PB_TAG(5, PB_VARINT): l.dropped_attributes = (uint32_t)pb_varint(&r); break;
        case PB_TAG(6, PB_FIXED32): l.flags = pb_fixed32(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Link");
    otlp_attributes_end(b, &l.attrs);
    *ret = l;
    return ST_OK;
}

struct span {
    str trace_id, span_id, parent_span_id, name, trace_state, status_message;
    uint64_t start_time, end_time;
    uint64_t kind, status_code;
    uint32_t flags, dropped_attributes, dropped_events, dropped_links;
    struct attr_range attrs, events, links;
};

/* An event's or link's message, kept in its own entry until the span's attributes are complete: the
 * attributes of a span are one run. */
static status event_later(struct builder *b, str msg, struct attr_range *io)
{
    struct span_columns *c = &b->batch->spans;
    TRY(BUILDER_GROW(b, c->event, b->cap_events, c->n_events + 1));
    if (io->n++ == 0) io->at = c->n_events;
    c->event[c->n_events++].name = msg;
    return ST_OK;
}

static status link_later(struct builder *b, str msg, struct attr_range *io)
{
    struct span_columns *c = &b->batch->spans;
    TRY(BUILDER_GROW(b, c->link, b->cap_links, c->n_links + 1));
    if (io->n++ == 0) io->at = c->n_links;
    c->link[c->n_links++].trace_state = msg;
    return ST_OK;
}

/*   message Status {
 *     reserved 1;
 *     string message = 2;
 *     StatusCode code = 3;
 *   } */
static status status_read(struct builder *b, str msg, struct span *s)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(2, PB_BYTES): s->status_message = pb_bytes(&r); break;
        case PB_TAG(3, PB_VARINT): s->status_code = pb_varint(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Status");
    return ST_OK;
}

/*   message Span {
 *     bytes trace_id = 1;
 *     bytes span_id = 2;
 *     string trace_state = 3;
 *     bytes parent_span_id = 4;
 *     string name = 5;
 *     SpanKind kind = 6;
 *     fixed64 start_time_unix_nano = 7;
 *     fixed64 end_time_unix_nano = 8;
 *     repeated KeyValue attributes = 9;
 *     uint32 dropped_attributes_count = 10;
 *     repeated Event events = 11;
 *     uint32 dropped_events_count = 12;
 *     repeated Link links = 13;
 *     uint32 dropped_links_count = 14;
 *     Status status = 15;
 *     fixed32 flags = 16;
 *   } */
static status span_fields(struct builder *b, str msg, struct span *s)
{
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): s->trace_id = pb_bytes(&r); break;
        case PB_TAG(2, PB_BYTES): s->span_id = pb_bytes(&r); break;
        case PB_TAG(3, PB_BYTES): s->trace_state = pb_bytes(&r); break;
        case PB_TAG(4, PB_BYTES): s->parent_span_id = pb_bytes(&r); break;
        case PB_TAG(5, PB_BYTES): s->name = pb_bytes(&r); break;
        case PB_TAG(6, PB_VARINT): s->kind = pb_varint(&r); break;
        case PB_TAG(7, PB_FIXED64): s->start_time = pb_fixed64(&r); break;
        case PB_TAG(8, PB_FIXED64): s->end_time = pb_fixed64(&r); break;
        case PB_TAG(9, PB_BYTES): TRY(otlp_attribute(b, pb_bytes(&r), &s->attrs)); break;
        case PB_TAG(10, PB_VARINT): s->dropped_attributes = (uint32_t)pb_varint(&r); break;
        case PB_TAG(11, PB_BYTES): TRY(event_later(b, pb_bytes(&r), &s->events)); break;
        case PB_TAG(12, PB_VARINT): s->dropped_events = (uint32_t)pb_varint(&r); break;
        case PB_TAG(13, PB_BYTES): TRY(link_later(b, pb_bytes(&r), &s->links)); break;
        case PB_TAG(14, PB_VARINT): s->dropped_links = (uint32_t)pb_varint(&r); break;
        case PB_TAG(15, PB_BYTES): TRY(status_read(b, pb_bytes(&r), s)); break;
        case PB_TAG(16, PB_FIXED32): s->flags = pb_fixed32(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed Span");
    otlp_attributes_end(b, &s->attrs);
    return ST_OK;
}

static bool id_fits(struct builder *b, str id, size_t n, const char *name)
{
    if (id.len != n)
        builder_reject(b, REJECT_BAD_ID, "%s has %zu bytes, not %zu", name, id.len, n);
    else if (id_is_zero((const uint8_t *)id.ptr, n))
        builder_reject(b, REJECT_BAD_ID, "%s is all zeros", name);
    else
        return true;
    return false;
}

static bool span_fits(struct builder *b, const struct span *s, uint32_t most_attributes)
{
    if (!id_fits(b, s->trace_id, 16, "trace_id") || !id_fits(b, s->span_id, 8, "span_id"))
        return false;
    if (s->parent_span_id.len != 0 && s->parent_span_id.len != 8) {
        builder_reject(b, REJECT_BAD_ID, "parent_span_id has %zu bytes, not 8",
                       s->parent_span_id.len);
        return false;
    }
    return builder_time_fits(b, s->start_time, "start_time_unix_nano") &&
           builder_attributes_fit(b, most_attributes);
}

static void span_store(struct builder *b, const struct span *s)
{
    struct span_columns *c = &b->batch->spans;
    uint32_t i = c->n++;
    assert(i < b->cap_rows);
    memcpy(c->trace_id[i], s->trace_id.ptr, 16);
    memcpy(c->span_id[i], s->span_id.ptr, 8);
    id_or_zeros(s->parent_span_id, c->parent_span_id[i], 8);
    c->start_time[i] = s->start_time;
    c->end_time[i] = s->end_time;
    c->resource[i] = b->resource;
    c->scope[i] = b->scope;
    c->name[i] = s->name;
    c->trace_state[i] = s->trace_state;
    c->status_message[i] = s->status_message;
    c->flags[i] = s->flags;
    c->kind[i] = s->kind <= 5 ? (uint8_t)s->kind : 0;
    c->status_code[i] = s->status_code <= 2 ? (uint8_t)s->status_code : 0;
    c->attrs[i] = s->attrs;
    c->dropped_attributes[i] = s->dropped_attributes;
    c->dropped_events[i] = s->dropped_events;
    c->dropped_links[i] = s->dropped_links;
    c->events[i] = s->events;
    c->links[i] = s->links;
    c->adjusted_count[i] = s->trace_state.len ? sampling_adjusted_count(s->trace_state) : 1;
}

static status span(struct builder *b, str msg)
{
    struct telemetry_batch *batch = b->batch;
    struct span_columns *c = &batch->spans;
    uint32_t attrs = batch->n_attrs, events = c->n_events, links = c->n_links;
    struct span s = {0};
    TRY(span_fields(b, msg, &s));

    uint32_t most = s.attrs.n;
    for (uint32_t i = 0; i < s.events.n; i++) {
        struct span_event *e = &c->event[s.events.at + i];
        TRY(event_read(b, e->name, e));
        if (e->attrs.n > most) most = e->attrs.n;
    }
    for (uint32_t i = 0; i < s.links.n; i++) {
        struct span_link *l = &c->link[s.links.at + i];
        TRY(link_read(b, l->trace_state, l));
        if (l->attrs.n > most) most = l->attrs.n;
    }

    batch->received++;
    if (span_fits(b, &s, most)) {
        span_store(b, &s);
    } else {
        batch->n_attrs = attrs;
        c->n_events = events;
        c->n_links = links;
    }
    return ST_OK;
}

status otlp_traces(struct builder *b, str request)
{
    TRY(reserve(b, otlp_count_items(request, count_one)));
    return otlp_envelopes(b, request, span);
}
