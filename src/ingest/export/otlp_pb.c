#include "ingest/export/otlp_pb.h"

#include "base/json_in.h"
#include "ingest/export/otlp_pb_parts.h"

void pb_some_double(struct pb_out *p, uint32_t field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    pb_some_fixed64(p, field, bits);
}

void pb_some_id(struct pb_out *p, uint32_t field, const uint8_t *id, size_t n)
{
    static const uint8_t zeros[16];
    if (memcmp(id, zeros, n) != 0) pb_put_str(p, field, (str){(const char *)id, n});
}

static void key_list(struct pb_out *p, struct json_in *j, uint32_t field)
{
    while (json_next(j) == JSON_STRING) pb_put_str(p, field, j->text);
}

/*   message EntityRef {
 *     string schema_url = 1;
 *     string type = 2;
 *     repeated string id_keys = 3;
 *     repeated string description_keys = 4;
 *   }
 * The current token has opened the object. */
static void entity_ref(struct pb_out *p, struct json_in *j)
{
    pb_begin(p, 3);
    while (json_next(j) == JSON_KEY) {
        str key = j->text;
        bool list = json_next(j) == JSON_ARRAY;
        if (list && str_eq(key, S("idKeys")))
            key_list(p, j, 3);
        else if (list && str_eq(key, S("descriptionKeys")))
            key_list(p, j, 4);
        else if (str_eq(key, S("schemaUrl")))
            pb_some_str(p, 1, j->text);
        else if (str_eq(key, S("type")))
            pb_some_str(p, 2, j->text);
        else
            json_skip(j);
    }
    pb_end(p);
}

static void entity_refs(struct pb_batch *w, str json)
{
    struct arena_mark mark = arena_mark(w->scratch);
    struct json_in j = json_read(json, w->scratch);
    if (json_next(&j) == JSON_ARRAY)
        while (json_next(&j) == JSON_OBJECT) entity_ref(&w->p, &j);
    arena_rewind(w->scratch, mark);
}

/*   message ResourceSpans, ResourceLogs, ResourceMetrics {
 *     Resource resource = 1;
 *     repeated ScopeSpans | ... scope_spans | ... = 2;
 *     string schema_url = 3;
 *   }
 *   message Resource {
 *     repeated KeyValue attributes = 1;
 *     uint32 dropped_attributes_count = 2;
 *     repeated EntityRef entity_refs = 3;
 *   } */
static void resource_begin(struct pb_batch *w, const struct resource *r)
{
    struct pb_out *p = &w->p;
    pb_begin(p, 1);
    pb_begin(p, 1);
    pb_attributes(w, 1, r->attrs);
    pb_some_varint(p, 2, r->dropped_attributes);
    if (r->entity_refs.len) entity_refs(w, r->entity_refs);
    pb_end(p);
    pb_some_str(p, 3, r->schema_url);
}

/*   message ScopeSpans, ScopeLogs, ScopeMetrics {
 *     InstrumentationScope scope = 1;
 *     repeated Span | LogRecord | Metric  spans | log_records | metrics = 2;
 *     string schema_url = 3;
 *   }
 *   message InstrumentationScope {
 *     string name = 1;
 *     string version = 2;
 *     repeated KeyValue attributes = 3;
 *     uint32 dropped_attributes_count = 4;
 *   } */
static void scope_begin(struct pb_batch *w, const struct scope *s)
{
    struct pb_out *p = &w->p;
    pb_begin(p, 2);
    pb_begin(p, 1);
    pb_some_str(p, 1, s->name);
    pb_some_str(p, 2, s->version);
    pb_attributes(w, 3, s->attrs);
    pb_some_varint(p, 4, s->dropped_attributes);
    pb_end(p);
    pb_some_str(p, 3, s->schema_url);
}

void pb_group_end(struct pb_batch *w)
{
    if (!w->open) return;
    pb_end(&w->p); /* the scope's */
    pb_end(&w->p); /* the resource's */
    w->open = false;
}

void pb_group(struct pb_batch *w, uint32_t resource, uint32_t scope)
{
    if (w->open && w->resource == resource) {
        if (w->scope == scope) return;
        pb_end(&w->p);
    } else {
        pb_group_end(w);
        resource_begin(w, &w->b->resources[resource]);
    }
    scope_begin(w, &w->b->scopes[scope]);
    w->resource = resource;
    w->scope = scope;
    w->open = true;
}

void otlp_pb_batch(struct arena *scratch, const struct telemetry_batch *b, struct buf *out)
{
    struct arena_mark mark = arena_mark(scratch);
    struct pb_batch w = {.p = pb_begin_in(out), .b = b, .scratch = scratch};
    switch (b->signal) {
    case SIGNAL_TRACES: otlp_pb_spans(&w); break;
    case SIGNAL_LOGS: otlp_pb_logs(&w); break;
    default: otlp_pb_metrics(&w); break;
    }
    pb_group_end(&w);
    arena_rewind(scratch, mark);
}
