/* Span and LogRecord in JSON. The fields are those of otlp_pb_rows.c. */
#include "ingest/export/otlp_json_parts.h"

static void event(struct json_batch *w, const struct span_event *e)
{
    struct json_out *j = &w->j;
    json_object(j);
    JSON_SOME_DIGITS(j, "timeUnixNano", e->time);
    JSON_SOME_STR(j, "name", e->name);
    json_attributes(w, S("\"attributes\":"), e->attrs);
    JSON_SOME_U32(j, "droppedAttributesCount", e->dropped_attributes);
    json_end(j);
}

static void link_out(struct json_batch *w, const struct span_link *l)
{
    struct json_out *j = &w->j;
    json_object(j);
    JSON_SOME_ID(j, "traceId", l->trace_id);
    JSON_SOME_ID(j, "spanId", l->span_id);
    JSON_SOME_STR(j, "traceState", l->trace_state);
    json_attributes(w, S("\"attributes\":"), l->attrs);
    JSON_SOME_U32(j, "droppedAttributesCount", l->dropped_attributes);
    JSON_SOME_U32(j, "flags", l->flags);
    json_end(j);
}

static void events_and_links(struct json_batch *w, uint32_t i)
{
    const struct span_columns *c = &w->b->spans;
    struct json_out *j = &w->j;
    if (c->events[i].n) {
        JSON_FIELD(j, "events");
        json_array(j);
        for (uint32_t k = 0; k < c->events[i].n; k++) event(w, &c->event[c->events[i].at + k]);
        json_end(j);
    }
    JSON_SOME_U32(j, "droppedEventsCount", c->dropped_events[i]);
    if (c->links[i].n) {
        JSON_FIELD(j, "links");
        json_array(j);
        for (uint32_t k = 0; k < c->links[i].n; k++) link_out(w, &c->link[c->links[i].at + k]);
        json_end(j);
    }
    JSON_SOME_U32(j, "droppedLinksCount", c->dropped_links[i]);
}

static void status_out(struct json_out *j, str message, uint8_t code)
{
    if (!message.len && !code) return;
    JSON_FIELD(j, "status");
    json_object(j);
    JSON_SOME_STR(j, "message", message);
    JSON_SOME_U32(j, "code", code);
    json_end(j);
}

void json_span(struct json_batch *w, uint32_t i)
{
    const struct span_columns *c = &w->b->spans;
    struct json_out *j = &w->j;
    json_object(j);
    JSON_FIELD(j, "traceId");
    json_id(j, c->trace_id[i], 16);
    JSON_FIELD(j, "spanId");
    json_id(j, c->span_id[i], 8);
    JSON_SOME_STR(j, "traceState", c->trace_state[i]);
    JSON_SOME_ID(j, "parentSpanId", c->parent_span_id[i]);
    JSON_SOME_STR(j, "name", c->name[i]);
    JSON_SOME_U32(j, "kind", c->kind[i]);
    JSON_SOME_DIGITS(j, "startTimeUnixNano", c->start_time[i]);
    JSON_SOME_DIGITS(j, "endTimeUnixNano", c->end_time[i]);
    json_attributes(w, S("\"attributes\":"), c->attrs[i]);
    JSON_SOME_U32(j, "droppedAttributesCount", c->dropped_attributes[i]);
    events_and_links(w, i);
    status_out(j, c->status_message[i], c->status_code[i]);
    JSON_SOME_U32(j, "flags", c->flags[i]);
    json_end(j);
}

void json_record(struct json_batch *w, uint32_t i)
{
    const struct log_columns *c = &w->b->logs;
    struct json_out *j = &w->j;
    json_object(j);
    if (c->time_origin[i] == LOG_TIME_OWN) JSON_SOME_DIGITS(j, "timeUnixNano", c->time[i]);
    JSON_SOME_DIGITS(j, "observedTimeUnixNano", c->observed_time[i]);
    JSON_SOME_U32(j, "severityNumber", c->severity_number[i]);
    JSON_SOME_STR(j, "severityText", c->severity_text[i]);
    if (c->body[i].type != ATTR_EMPTY) JSON_FIELD(j, "body"), json_any(w, &c->body[i]);
    json_attributes(w, S("\"attributes\":"), c->attrs[i]);
    JSON_SOME_U32(j, "droppedAttributesCount", c->dropped_attributes[i]);
    JSON_SOME_U32(j, "flags", c->flags[i]);
    JSON_SOME_ID(j, "traceId", c->trace_id[i]);
    JSON_SOME_ID(j, "spanId", c->span_id[i]);
    JSON_SOME_STR(j, "eventName", c->event_name[i]);
    json_end(j);
}
