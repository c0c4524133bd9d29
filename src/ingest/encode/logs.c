/* otel_logs. */
#include "ingest/encode/filter_runs.h"

static const struct attr_value *body_at(const struct insert *w, size_t i)
{
    return &insert_batch(w, i)->logs.body[w->rows[i].row];
}

enum { AHEAD = 8 };

static void put_body(struct insert *w, const struct column_plan *)
{
    size_t room = 0;
    for (size_t i = 0; i < w->n; i++) room += value_room(body_at(w, i));
    if (!buf_reserve(w->out, room)) return;
    char *to = w->out->ptr + w->out->len;
    for (size_t i = 0; i < w->n; i++) {
        if (i + AHEAD < w->n) __builtin_prefetch(body_at(w, i + AHEAD)->text.ptr);
        to = value_write(to, body_at(w, i));
    }
    row_filters_of_lines(w, w->out->ptr + w->out->len);
    w->out->len = (size_t)(to - w->out->ptr);
}

/* The type's letter; empty for a string. */
static void put_body_type(struct insert *w, const struct column_plan *)
{
    static const char letters[] = "sidbyake";
    str *types = arena_array(w->arena, str, w->n);
    for (size_t i = 0; i < w->n; i++) {
        enum attr_type t = body_at(w, i)->type;
        types[i] = t == ATTR_STRING ? (str){0} : (str){&letters[t], 1};
    }
    native_put_lc_prefix(w->out);
    put_lc_strings(w, types, w->n);
}

static const struct column_plan plan[] = {
    {"timestamp", put_u64, BATCH_AT(logs.time), 0},
    {"observed_timestamp", put_u64, BATCH_AT(logs.observed_time), 0},
    {"timestamp_origin", put_u8, BATCH_AT(logs.time_origin), 0},
    {"trace_id", put_id16, BATCH_AT(logs.trace_id), 0},
    {"span_id", put_u64, BATCH_AT(logs.span_id), 0},
    {"flags", put_u32, BATCH_AT(logs.flags), 0},
    {"severity_number", put_u8, BATCH_AT(logs.severity_number), 0},
    {"severity_text", put_lc_string, BATCH_AT(logs.severity_text), 0},
    {"event_name", put_lc_string, BATCH_AT(logs.event_name), 0},
    SERVICE_NAME_PLAN,
    {"stream_id", put_stream_id, 0, 0},
    {"body", put_body, 0, 0},
    {"body_type", put_body_type, 0, 0},
    RESOURCE_PLANS,
    SCOPE_PLANS,
    {"log_attributes", put_attributes, BATCH_AT(logs.attrs), 0},
    {"log_attribute_types", put_attribute_types, 0, 0},
    {"dropped_attributes", put_u32, BATCH_AT(logs.dropped_attributes), 0},
    {"no_filter", put_u8_zero, 0, 0},
};

void logs_put(struct insert *w)
{
    origins_find(w);
    insert_put(w, "otel_logs", plan, sizeof plan / sizeof *plan);
}
