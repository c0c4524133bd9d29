#include "ingest/export/otlp_json.h"

#include "ingest/export/otlp_json_parts.h"
#include "ingest/export/otlp_points.h"

str otlp_json_head(enum signal_kind signal)
{
    static const str heads[SIGNAL_COUNT] = {
        [SIGNAL_TRACES] = {"{\"resourceSpans\":[", sizeof "{\"resourceSpans\":[" - 1},
        [SIGNAL_LOGS] = {"{\"resourceLogs\":[", sizeof "{\"resourceLogs\":[" - 1},
        [SIGNAL_METRICS] = {"{\"resourceMetrics\":[", sizeof "{\"resourceMetrics\":[" - 1},
    };
    return heads[signal];
}

str otlp_json_tail(void) { return S("]}"); }

/* attributes, droppedAttributesCount, entityRefs: the model keeps the last as this JSON already. */
static void resource(struct json_batch *w, const struct resource *r)
{
    struct json_out *j = &w->j;
    json_object(j);
    json_attributes(w, S("\"attributes\":"), r->attrs);
    JSON_SOME_U32(j, "droppedAttributesCount", r->dropped_attributes);
    if (r->entity_refs.len) JSON_FIELD(j, "entityRefs"), json_raw(j, r->entity_refs);
    json_end(j);
}

static void scope(struct json_batch *w, const struct scope *s)
{
    struct json_out *j = &w->j;
    json_object(j);
    JSON_SOME_STR(j, "name", s->name);
    JSON_SOME_STR(j, "version", s->version);
    json_attributes(w, S("\"attributes\":"), s->attrs);
    JSON_SOME_U32(j, "droppedAttributesCount", s->dropped_attributes);
    json_end(j);
}

static void resource_begin(struct json_batch *w, const struct resource *r)
{
    static const str groups[SIGNAL_COUNT] = {
        [SIGNAL_TRACES] = {"\"scopeSpans\":", sizeof "\"scopeSpans\":" - 1},
        [SIGNAL_LOGS] = {"\"scopeLogs\":", sizeof "\"scopeLogs\":" - 1},
        [SIGNAL_METRICS] = {"\"scopeMetrics\":", sizeof "\"scopeMetrics\":" - 1},
    };
    struct json_out *j = &w->j;
    json_object(j);
    JSON_FIELD(j, "resource");
    resource(w, r);
    JSON_SOME_STR(j, "schemaUrl", r->schema_url);
    json_field(j, groups[w->b->signal]);
    json_array(j);
}

static void scope_begin(struct json_batch *w, const struct scope *s)
{
    static const str rows[SIGNAL_COUNT] = {
        [SIGNAL_TRACES] = {"\"spans\":", sizeof "\"spans\":" - 1},
        [SIGNAL_LOGS] = {"\"logRecords\":", sizeof "\"logRecords\":" - 1},
        [SIGNAL_METRICS] = {"\"metrics\":", sizeof "\"metrics\":" - 1},
    };
    struct json_out *j = &w->j;
    json_object(j);
    JSON_FIELD(j, "scope");
    scope(w, s);
    JSON_SOME_STR(j, "schemaUrl", s->schema_url);
    json_field(j, rows[w->b->signal]);
    json_array(j);
}

static void scope_end(struct json_batch *w)
{
    json_end(&w->j); /* rows */
    json_end(&w->j);
}

void json_group_end(struct json_batch *w)
{
    if (!w->open) return;
    scope_end(w);
    json_end(&w->j); /* scopes */
    json_end(&w->j);
    w->open = false;
}

void json_group(struct json_batch *w, uint32_t resource, uint32_t scope)
{
    if (w->open && w->resource == resource) {
        if (w->scope == scope) return;
        scope_end(w);
    } else {
        json_group_end(w);
        resource_begin(w, &w->b->resources[resource]);
    }
    scope_begin(w, &w->b->scopes[scope]);
    w->resource = resource;
    w->scope = scope;
    w->open = true;
}

static void spans(struct json_batch *w)
{
    const struct span_columns *c = &w->b->spans;
    for (uint32_t i = 0; i < c->n; i++) {
        json_group(w, c->resource[i], c->scope[i]);
        json_span(w, i);
    }
}

static void records(struct json_batch *w)
{
    const struct log_columns *c = &w->b->logs;
    for (uint32_t i = 0; i < c->n; i++) {
        json_group(w, c->resource[i], c->scope[i]);
        json_record(w, i);
    }
}

static void points(struct json_batch *w)
{
    const struct metric_columns *c = &w->b->metrics;
    struct exemplar_index x = exemplar_index_make(w->scratch, c);
    for (uint32_t i = 0; i < c->n; i++) {
        const struct metric_desc *d = &c->descs[c->desc[i]];
        bool first = i == 0 || c->desc[i] != c->desc[i - 1];
        if (first && i > 0) json_metric_end(w, &c->descs[c->desc[i - 1]]);
        if (first) {
            json_group(w, d->resource, d->scope);
            json_metric_begin(w, d);
        }
        json_point(w, &x, i);
    }
    if (c->n) json_metric_end(w, &c->descs[c->desc[c->n - 1]]);
}

static struct json_batch begin(struct arena *scratch, const struct telemetry_batch *b,
                               struct buf *out)
{
    return (struct json_batch){.j = json_begin(out), .b = b, .scratch = scratch};
}

void otlp_json_batch(struct arena *scratch, const struct telemetry_batch *b, struct buf *out)
{
    struct arena_mark mark = arena_mark(scratch);
    struct json_batch w = begin(scratch, b, out);
    switch (b->signal) {
    case SIGNAL_TRACES: spans(&w); break;
    case SIGNAL_LOGS: records(&w); break;
    default: points(&w); break;
    }
    json_group_end(&w);
    arena_rewind(scratch, mark);
}

void otlp_json_resource(struct arena *scratch, const struct telemetry_batch *b, uint32_t at,
                        struct buf *out)
{
    struct json_batch w = begin(scratch, b, out);
    resource(&w, &b->resources[at]);
}

void otlp_json_scope(struct arena *scratch, const struct telemetry_batch *b, uint32_t at,
                     struct buf *out)
{
    struct json_batch w = begin(scratch, b, out);
    scope(&w, &b->scopes[at]);
}

void otlp_json_row(struct arena *scratch, const struct telemetry_batch *b, uint32_t row,
                   struct buf *out)
{
    struct arena_mark mark = arena_mark(scratch);
    struct json_batch w = begin(scratch, b, out);
    if (b->signal == SIGNAL_TRACES) {
        json_span(&w, row);
    } else if (b->signal == SIGNAL_LOGS) {
        json_record(&w, row);
    } else {
        const struct metric_desc *d = &b->metrics.descs[b->metrics.desc[row]];
        struct exemplar_index x = exemplar_index_make(scratch, &b->metrics);
        json_metric_begin(&w, d);
        json_point(&w, &x, row);
        json_metric_end(&w, d);
    }
    arena_rewind(scratch, mark);
}
