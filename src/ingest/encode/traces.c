/* otel_traces. */
#include "ingest/encode/filter_runs.h"
#include "ingest/encode/nested.h"

static void put_duration(struct insert *w, const struct column_plan *)
{
    char *to = native_put_space(w->out, w->n * 8);
    for (size_t i = 0; to && i < w->n; i++) {
        const struct span_columns *c = &insert_batch(w, i)->spans;
        uint32_t row = w->rows[i].row;
        int64_t ns = (int64_t)(c->end_time[row] - c->start_time[row]);
        memcpy(to + i * 8, &ns, 8);
    }
}

static const struct column_plan plan[] = {
    {"timestamp", put_u64, BATCH_AT(spans.start_time), 0},
    {"trace_id", put_id16, BATCH_AT(spans.trace_id), 0},
    {"span_id", put_u64, BATCH_AT(spans.span_id), 0},
    {"parent_span_id", put_u64, BATCH_AT(spans.parent_span_id), 0},
    {"trace_state", put_string, BATCH_AT(spans.trace_state), 0},
    {"flags", put_u32, BATCH_AT(spans.flags), 0},
    {"span_name", put_lc_string, BATCH_AT(spans.name), 0},
    {"span_kind", put_u8, BATCH_AT(spans.kind), 0},
    SERVICE_NAME_PLAN,
    {"duration_ns", put_duration, 0, 0},
    {"status_code", put_u8, BATCH_AT(spans.status_code), 0},
    {"status_message", put_string, BATCH_AT(spans.status_message), 0},
    RESOURCE_PLANS,
    SCOPE_PLANS,
    {"span_attributes", put_attributes, BATCH_AT(spans.attrs), 0},
    {"span_attribute_types", put_attribute_types, 0, 0},
    {"dropped_attributes", put_u32, BATCH_AT(spans.dropped_attributes), 0},
    {"dropped_events", put_u32, BATCH_AT(spans.dropped_events), 0},
    {"dropped_links", put_u32, BATCH_AT(spans.dropped_links), 0},
    {"events.timestamp", put_event_time, 0, 0},
    {"events.name", put_event_name, 0, 0},
    {"events.attributes", put_event_attributes, 0, 0},
    {"events.attribute_types", put_event_types, 0, 0},
    {"events.dropped_attributes", put_event_dropped, 0, 0},
    {"links.trace_id", put_link_trace_id, 0, 0},
    {"links.span_id", put_link_span_id, 0, 0},
    {"links.trace_state", put_link_state, 0, 0},
    {"links.attributes", put_link_attributes, 0, 0},
    {"links.attribute_types", put_link_types, 0, 0},
    {"links.dropped_attributes", put_link_dropped, 0, 0},
    {"links.flags", put_link_flags, 0, 0},
    {"adjusted_count", put_u64, BATCH_AT(spans.adjusted_count), 0},
    {"no_filter", put_u8_zero, 0, 0},
};

void traces_put(struct insert *w)
{
    origins_find(w);
    row_filters_of_spans(w);
    nested_find(w);
    insert_put(w, "otel_traces", plan, sizeof plan / sizeof *plan);
}
