/* check_equal_batches: two batches hold the same, whatever bytes they came from. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

static void same_value(const struct attr_value *a, const struct attr_value *b)
{
    CHECK_INT(a->type, b->type);
    switch (a->type) {
    case ATTR_INT:
    case ATTR_BOOL: CHECK_INT(a->i, b->i); break;
    case ATTR_DOUBLE: CHECK_NEAR(a->d, b->d, 0); break;
    case ATTR_EMPTY: break;
    default: CHECK_STR(a->text, b->text);
    }
}

static void same_attrs(const struct telemetry_batch *a, struct attr_range ra,
                       const struct telemetry_batch *b, struct attr_range rb)
{
    CHECK_INT(ra.n, rb.n);
    for (uint32_t i = 0; i < ra.n; i++) {
        CHECK_STR(a->attrs[ra.at + i].key, b->attrs[rb.at + i].key);
        same_value(&a->attrs[ra.at + i].value, &b->attrs[rb.at + i].value);
    }
}

#define SAME_BYTES(field) CHECK(memcmp(x->field, y->field, sizeof x->field) == 0)
#define SAME_INT(field) CHECK_INT(x->field, y->field)
#define SAME_STR(field) CHECK_STR(x->field, y->field)
#define SAME_NUM(field) CHECK_NEAR(x->field, y->field, 0)
#define SAME_ATTRS(field) same_attrs(a, x->field, b, y->field)

static void same_envelopes(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    CHECK_INT(a->n_resources, b->n_resources);
    CHECK_INT(a->n_scopes, b->n_scopes);
    for (uint32_t i = 0; i < a->n_resources; i++) {
        const struct resource *x = &a->resources[i], *y = &b->resources[i];
        SAME_ATTRS(attrs);
        SAME_INT(dropped_attributes);
        SAME_STR(schema_url);
        SAME_STR(entity_refs);
        SAME_STR(service_name);
        SAME_INT(hash);
    }
    for (uint32_t i = 0; i < a->n_scopes; i++) {
        const struct scope *x = &a->scopes[i], *y = &b->scopes[i];
        SAME_STR(name);
        SAME_STR(version);
        SAME_STR(schema_url);
        SAME_ATTRS(attrs);
        SAME_INT(dropped_attributes);
        SAME_INT(hash);
    }
}

static void same_spans(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    const struct span_columns *x = &a->spans, *y = &b->spans;
    for (uint32_t i = 0; i < x->n; i++) {
        SAME_BYTES(trace_id[i]);
        SAME_BYTES(span_id[i]);
        SAME_BYTES(parent_span_id[i]);
        SAME_INT(start_time[i]);
        SAME_INT(end_time[i]);
        SAME_INT(resource[i]);
        SAME_INT(scope[i]);
        SAME_STR(name[i]);
        SAME_STR(trace_state[i]);
        SAME_STR(status_message[i]);
        SAME_INT(flags[i]);
        SAME_INT(kind[i]);
        SAME_INT(status_code[i]);
        SAME_ATTRS(attrs[i]);
        SAME_INT(dropped_attributes[i]);
        SAME_INT(dropped_events[i]);
        SAME_INT(dropped_links[i]);
        SAME_INT(events[i].at);
        SAME_INT(events[i].n);
        SAME_INT(links[i].at);
        SAME_INT(links[i].n);
        SAME_NUM(adjusted_count[i]);
    }
    CHECK_INT(x->n_events, y->n_events);
    for (uint32_t i = 0; i < x->n_events; i++) {
        SAME_INT(event[i].time);
        SAME_STR(event[i].name);
        SAME_ATTRS(event[i].attrs);
        SAME_INT(event[i].dropped_attributes);
    }
    CHECK_INT(x->n_links, y->n_links);
    for (uint32_t i = 0; i < x->n_links; i++) {
        SAME_BYTES(link[i].trace_id);
        SAME_BYTES(link[i].span_id);
        SAME_STR(link[i].trace_state);
        SAME_ATTRS(link[i].attrs);
        SAME_INT(link[i].dropped_attributes);
        SAME_INT(link[i].flags);
    }
}

static void same_logs(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    const struct log_columns *x = &a->logs, *y = &b->logs;
    for (uint32_t i = 0; i < x->n; i++) {
        SAME_INT(time[i]);
        SAME_INT(observed_time[i]);
        SAME_INT(time_origin[i]);
        SAME_INT(resource[i]);
        SAME_INT(scope[i]);
        SAME_BYTES(trace_id[i]);
        SAME_BYTES(span_id[i]);
        SAME_INT(flags[i]);
        SAME_INT(severity_number[i]);
        SAME_STR(severity_text[i]);
        SAME_STR(event_name[i]);
        same_value(&x->body[i], &y->body[i]);
        SAME_ATTRS(attrs[i]);
        SAME_INT(dropped_attributes[i]);
    }
}

static void same_u64s(const struct metric_columns *x, struct num_range a,
                      const struct metric_columns *y, struct num_range b)
{
    CHECK_INT(a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++) CHECK_INT(x->u64s[a.at + i], y->u64s[b.at + i]);
}

static void same_f64s(const struct metric_columns *x, struct num_range a,
                      const struct metric_columns *y, struct num_range b)
{
    CHECK_INT(a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++) CHECK_NEAR(x->f64s[a.at + i], y->f64s[b.at + i], 0);
}

static void same_descs(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    CHECK_INT(a->metrics.n_descs, b->metrics.n_descs);
    for (uint32_t i = 0; i < a->metrics.n_descs; i++) {
        const struct metric_desc *x = &a->metrics.descs[i], *y = &b->metrics.descs[i];
        SAME_STR(name);
        SAME_STR(description);
        SAME_STR(unit);
        SAME_INT(type);
        SAME_INT(temporality);
        SAME_INT(monotonic);
        SAME_ATTRS(metadata);
        SAME_INT(resource);
        SAME_INT(scope);
    }
}

static void same_exemplars(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    CHECK_INT(a->metrics.n_exemplars, b->metrics.n_exemplars);
    for (uint32_t i = 0; i < a->metrics.n_exemplars; i++) {
        const struct exemplar *x = &a->metrics.exemplar[i], *y = &b->metrics.exemplar[i];
        SAME_INT(point);
        SAME_INT(time);
        SAME_INT(present);
        SAME_NUM(value);
        SAME_INT(int_value);
        SAME_BYTES(trace_id);
        SAME_BYTES(span_id);
        SAME_ATTRS(attrs);
    }
}

static void same_metrics(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    const struct metric_columns *x = &a->metrics, *y = &b->metrics;
    same_descs(a, b);
    same_exemplars(a, b);
    for (uint32_t i = 0; i < x->n; i++) {
        SAME_INT(desc[i]);
        SAME_INT(series_id[i]);
        SAME_INT(time[i]);
        SAME_INT(start_time[i]);
        SAME_ATTRS(attrs[i]);
        SAME_INT(flags[i]);
        SAME_INT(present[i]);
        SAME_NUM(value[i]);
        SAME_INT(int_value[i]);
        SAME_INT(count[i]);
        SAME_NUM(sum[i]);
        SAME_NUM(min[i]);
        SAME_NUM(max[i]);
        SAME_INT(scale[i]);
        SAME_INT(zero_count[i]);
        SAME_NUM(zero_threshold[i]);
        SAME_INT(positive_offset[i]);
        SAME_INT(negative_offset[i]);
        same_u64s(x, x->bucket_counts[i], y, y->bucket_counts[i]);
        same_u64s(x, x->positive_counts[i], y, y->positive_counts[i]);
        same_u64s(x, x->negative_counts[i], y, y->negative_counts[i]);
        same_f64s(x, x->explicit_bounds[i], y, y->explicit_bounds[i]);
        same_f64s(x, x->quantiles[i], y, y->quantiles[i]);
        same_f64s(x, x->quantile_values[i], y, y->quantile_values[i]);
    }
}

void check_equal_batches(const struct telemetry_batch *a, const struct telemetry_batch *b)
{
    CHECK_INT(a->signal, b->signal);
    CHECK_INT(telemetry_batch_rows(a), telemetry_batch_rows(b));
    CHECK_INT(a->received, b->received);
    for (int i = 0; i < REJECT_REASONS; i++) CHECK_INT(a->rejected[i], b->rejected[i]);
    CHECK_STR(a->first_rejection, b->first_rejection);
    same_envelopes(a, b);
    switch (a->signal) {
    case SIGNAL_TRACES: same_spans(a, b); break;
    case SIGNAL_LOGS: same_logs(a, b); break;
    default: same_metrics(a, b); break;
    }
}
