/* Span and LogRecord in protobuf. */
#include "ingest/export/otlp_pb_parts.h"

/*   message Event {
 *     fixed64 time_unix_nano = 1;
 *     string name = 2;
 *     repeated KeyValue attributes = 3;
 *     uint32 dropped_attributes_count = 4;
 *   } */
static void event(struct pb_batch *w, const struct span_event *e)
{
    struct pb_out *p = &w->p;
    pb_begin(p, 11);
    pb_some_fixed64(p, 1, e->time);
    pb_some_str(p, 2, e->name);
    pb_attributes(w, 3, e->attrs);
    pb_some_varint(p, 4, e->dropped_attributes);
    pb_end(p);
}

/*   message Link {
 *     bytes trace_id = 1;
 *     bytes span_id = 2;
 *     string trace_state = 3;
 *     repeated KeyValue attributes = 4;
 *     uint32 dropped_attributes_count = 5;
 *     fixed32 flags = 6;
 *   } */
static void link_out(struct pb_batch *w, const struct span_link *l)
{
    struct pb_out *p = &w->p;
    pb_begin(p, 13);
    pb_some_id(p, 1, l->trace_id, 16);
    pb_some_id(p, 2, l->span_id, 8);
    pb_some_str(p, 3, l->trace_state);
    pb_attributes(w, 4, l->attrs);
    pb_some_varint(p, 5, l->dropped_attributes);
    pb_some_fixed32(p, 6, l->flags);
    pb_end(p);
}

/*   message Status {
 *     string message = 2;
 *     StatusCode code = 3;
 *   } */
static void status_out(struct pb_out *p, str message, uint8_t code)
{
    if (!message.len && !code) return;
    pb_begin(p, 15);
    pb_some_str(p, 2, message);
    pb_some_varint(p, 3, code);
    pb_end(p);
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
static void span(struct pb_batch *w, uint32_t i)
{
    const struct span_columns *c = &w->b->spans;
    struct pb_out *p = &w->p;
    pb_begin(p, 2);
    pb_put_str(p, 1, (str){(const char *)c->trace_id[i], 16});
    pb_put_str(p, 2, (str){(const char *)c->span_id[i], 8});
    pb_some_str(p, 3, c->trace_state[i]);
    pb_some_id(p, 4, c->parent_span_id[i], 8);
    pb_some_str(p, 5, c->name[i]);
    pb_some_varint(p, 6, c->kind[i]);
    pb_some_fixed64(p, 7, c->start_time[i]);
    pb_some_fixed64(p, 8, c->end_time[i]);
    pb_attributes(w, 9, c->attrs[i]);
    pb_some_varint(p, 10, c->dropped_attributes[i]);
    for (uint32_t k = 0; k < c->events[i].n; k++) event(w, &c->event[c->events[i].at + k]);
    pb_some_varint(p, 12, c->dropped_events[i]);
    for (uint32_t k = 0; k < c->links[i].n; k++) link_out(w, &c->link[c->links[i].at + k]);
    pb_some_varint(p, 14, c->dropped_links[i]);
    status_out(p, c->status_message[i], c->status_code[i]);
    pb_some_fixed32(p, 16, c->flags[i]);
    pb_end(p);
}

void otlp_pb_spans(struct pb_batch *w)
{
    const struct span_columns *c = &w->b->spans;
    for (uint32_t i = 0; i < c->n; i++) {
        pb_group(w, c->resource[i], c->scope[i]);
        span(w, i);
    }
}

/*   message LogRecord {
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
static void record(struct pb_batch *w, uint32_t i)
{
    const struct log_columns *c = &w->b->logs;
    struct pb_out *p = &w->p;
    pb_begin(p, 2);
    if (c->time_origin[i] == LOG_TIME_OWN) pb_some_fixed64(p, 1, c->time[i]);
    pb_some_varint(p, 2, c->severity_number[i]);
    pb_some_str(p, 3, c->severity_text[i]);
    if (c->body[i].type != ATTR_EMPTY) pb_any(w, 5, &c->body[i]);
    pb_attributes(w, 6, c->attrs[i]);
    pb_some_varint(p, 7, c->dropped_attributes[i]);
    pb_some_fixed32(p, 8, c->flags[i]);
    pb_some_id(p, 9, c->trace_id[i], 16);
    pb_some_id(p, 10, c->span_id[i], 8);
    pb_some_fixed64(p, 11, c->observed_time[i]);
    pb_some_str(p, 12, c->event_name[i]);
    pb_end(p);
}

void otlp_pb_logs(struct pb_batch *w)
{
    const struct log_columns *c = &w->b->logs;
    for (uint32_t i = 0; i < c->n; i++) {
        pb_group(w, c->resource[i], c->scope[i]);
        record(w, i);
    }
}
