#include "ingest/decode/otlp_envelope.h"

#include "ingest/decode/otlp_resource.h"

/*   message ScopeSpans, ScopeLogs, ScopeMetrics {
 *     InstrumentationScope scope = 1;
 *     repeated Span | LogRecord | Metric  spans | log_records | metrics = 2;
 *     string schema_url = 3;
 *   } */
static status scope_group(struct builder *b, str msg, otlp_item_fn *item)
{
    struct pb_reader r = pb_read(msg);
    struct envelope_head head = {.message = msg};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): head.inner = pb_bytes(&r), head.times++; break;
        case PB_TAG(3, PB_BYTES): head.schema_url = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed");
    TRY(otlp_scope(b, &head));

    b->at_item = NOWHERE;
    r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(2, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        b->at_item++;
        TRY(item(b, pb_bytes(&r)));
    }
    b->at_item = NOWHERE;
    return ST_OK;
}

/*   message ResourceSpans, ResourceLogs, ResourceMetrics {
 *     Resource resource = 1;
 *     repeated ScopeSpans | ... scope_spans | ... = 2;
 *     string schema_url = 3;
 *     reserved 1000;
 *   } */
static status resource_group(struct builder *b, str msg, otlp_item_fn *item)
{
    struct pb_reader r = pb_read(msg);
    struct envelope_head head = {.message = msg};
    for (uint32_t tag; pb_next(&r, &tag);) {
        switch (tag) {
        case PB_TAG(1, PB_BYTES): head.inner = pb_bytes(&r), head.times++; break;
        case PB_TAG(3, PB_BYTES): head.schema_url = pb_bytes(&r); break;
        default: pb_skip(&r, tag); break;
        }
    }
    if (r.bad) return builder_malformed(b, r.bad, "malformed");
    TRY(otlp_resource(b, &head));

    b->at_scope = NOWHERE;
    r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(2, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        b->at_scope++;
        TRY(scope_group(b, pb_bytes(&r), item));
    }
    b->at_scope = NOWHERE;
    return ST_OK;
}

/*   message ExportTraceServiceRequest, ExportLogsServiceRequest, ExportMetricsServiceRequest {
 *     repeated ResourceSpans | ResourceLogs | ResourceMetrics ... = 1;
 *   } */
status otlp_envelopes(struct builder *b, str request, otlp_item_fn *item)
{
    struct pb_reader r = pb_read(request);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != PB_TAG(1, PB_BYTES)) {
            pb_skip(&r, tag);
            continue;
        }
        b->at_resource++;
        str group = pb_bytes(&r);
        if (r.bad) break;
        TRY(resource_group(b, group, item));
    }
    b->at_resource = NOWHERE;
    if (r.bad) return builder_malformed(b, r.bad, "malformed");
    return ST_OK;
}

static uint64_t count_in(str msg, uint32_t wanted, int depth, uint64_t (*count)(str item))
{
    uint64_t n = 0;
    struct pb_reader r = pb_read(msg);
    for (uint32_t tag; pb_next(&r, &tag);) {
        if (tag != wanted) {
            pb_skip(&r, tag);
            continue;
        }
        str inner = pb_bytes(&r);
        if (r.bad) break;
        n += depth == 2 ? count(inner) : count_in(inner, PB_TAG(2, PB_BYTES), depth + 1, count);
    }
    return n;
}

uint64_t otlp_count_items(str request, uint64_t (*count)(str item))
{
    return count_in(request, PB_TAG(1, PB_BYTES), 0, count);
}
