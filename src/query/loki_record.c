#include "query/loki_record.h"

void loki_columns_of(const struct native_block *b, struct loki_columns *ret)
{
    *ret = (struct loki_columns){
#define COLUMN(name) .name = native_find(b, S(#name))
        COLUMN(time),
        COLUMN(stream_id),
        COLUMN(body),
        COLUMN(line),
        COLUMN(observed),
        COLUMN(timestamp_origin),
        COLUMN(severity_number),
        COLUMN(severity_text),
        COLUMN(event_name),
        COLUMN(dropped_attributes),
        COLUMN(flags),
        COLUMN(trace_id),
        COLUMN(span_id),
        COLUMN(log_attributes),
        COLUMN(log_attribute_types),
        COLUMN(scope_name),
        COLUMN(scope_version),
        COLUMN(scope_attributes),
        COLUMN(scope_attribute_types),
        COLUMN(scope_dropped_attributes),
        COLUMN(resource_attributes),
        COLUMN(resource_attribute_types),
        COLUMN(slot),
        COLUMN(first),
        COLUMN(last),
        COLUMN(lines),
        COLUMN(bytes),
#undef COLUMN
    };
    if (!ret->log_attributes) ret->log_attributes = native_find(b, S("log_attributes_asked"));
    if (!ret->scope_attributes) ret->scope_attributes = native_find(b, S("scope_attributes_asked"));
}

static str text(const struct native_column *c, uint64_t r)
{
    return c ? native_str(c, r) : (str){0};
}
static uint64_t number(const struct native_column *c, uint64_t r)
{
    return c ? native_u64(c, r) : 0;
}

struct loki_attrs loki_attrs_of(struct arena *a, const struct native_column *map,
                                const struct native_column *types, uint64_t r)
{
    if (!map) return (struct loki_attrs){0};
    uint64_t from = native_begin(map, r), n = native_end(map, r) - from;
    str *keys = arena_array(a, str, n + 1), *values = arena_array(a, str, n + 1);
    for (uint64_t i = 0; i < n; i++) {
        keys[i] = native_str(&map->child[0], from + i);
        values[i] = native_str(&map->child[1], from + i);
    }
    return (struct loki_attrs){keys, values, (uint32_t)n, text(types, r)};
}

void loki_row_metadata(struct arena *a, const struct loki_columns *c, uint64_t r,
                       const struct loki_source_stream *s, struct loki_labels *ret)
{
    enum {
        TIME_OWN = 0
    }; /* timestamp_origin: otherwise the time is the observed one, or none was sent */
    struct loki_record rec = {
        .line = text(c->body ? c->body : c->line, r),
        .observed = c->observed && number(c->timestamp_origin, r) == TIME_OWN
                        ? native_i64(c->observed, r)
                        : 0,
        .severity_number = (uint8_t)number(c->severity_number, r),
        .severity_text = text(c->severity_text, r),
        .event_name = text(c->event_name, r),
        .dropped_attributes = (uint32_t)number(c->dropped_attributes, r),
        .flags = (uint32_t)number(c->flags, r),
        .trace_id = text(c->trace_id, r),
        .span_id = text(c->span_id, r),
        .attrs = loki_attrs_of(a, c->log_attributes, c->log_attribute_types, r),
        .scope_attrs = loki_attrs_of(a, c->scope_attributes, c->scope_attribute_types, r),
        .scope_name = text(c->scope_name, r),
        .scope_version = text(c->scope_version, r),
        .scope_dropped_attributes = (uint32_t)number(c->scope_dropped_attributes, r),
    };
    struct loki_labels resource = s->metadata, labels;
    str types = text(c->resource_attribute_types, r);
    if (types.len &&
        memchr(types.ptr, 'k', types.len)) { /* maps are flattened; the stream's row has no types */
        struct loki_attrs attrs =
            loki_attrs_of(a, c->resource_attributes, c->resource_attribute_types, r);
        loki_resource(a, &attrs, &labels, &resource);
    }
    loki_metadata(a, &rec, &s->labels, &resource, ret);
}
