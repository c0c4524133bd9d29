#include "ingest/encode/sample_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "model/identity.h"

struct sampler {
    struct arena *arena;
    struct telemetry_batch *batch;
    uint32_t cap_attrs;
    uint64_t state;
};

static uint64_t any(struct sampler *s, uint64_t below)
{
    s->state = hash_mix(s->state, 3);
    return s->state % below;
}

static str text(struct sampler *s, const char *prefix, uint64_t n)
{
    char out[64];
    int len = snprintf(out, sizeof out, "%s%llu", prefix, (unsigned long long)n);
    return arena_str(s->arena, (str){out, (size_t)len});
}

static struct attr_value value(struct sampler *s)
{
    switch (any(s, 12)) {
    case 0: return (struct attr_value){.type = ATTR_INT, .i = (int64_t)any(s, 100000) - 50000};
    case 1: return (struct attr_value){.type = ATTR_DOUBLE, .d = (double)any(s, 1000) / 8};
    case 2: return (struct attr_value){.type = ATTR_BOOL, .i = (int64_t)any(s, 2)};
    case 3: return (struct attr_value){.type = ATTR_BYTES, .text = S("\x00\xff\x10z")};
    case 4: return (struct attr_value){.type = ATTR_ARRAY, .text = S("[1,\"x\"]")};
    case 5: return (struct attr_value){.type = ATTR_KVLIST, .text = S("{\"a\":1}")};
    case 6: return (struct attr_value){.type = ATTR_EMPTY};
    case 7: {
        char *big = arena_alloc(s->arena, 300, 1);
        memset(big, 'b', 300);
        return (struct attr_value){.type = ATTR_STRING, .text = {big, 300}};
    }
    default: return (struct attr_value){.type = ATTR_STRING, .text = text(s, "v", any(s, 40))};
    }
}

static struct attr_range attrs(struct sampler *s, const char *prefix, uint64_t max, bool plain)
{
    struct telemetry_batch *b = s->batch;
    struct attr_range r = {b->n_attrs, (uint32_t)any(s, max + 1)};
    for (uint32_t i = 0; i < r.n; i++) {
        if (b->n_attrs == s->cap_attrs) abort();
        b->attrs[b->n_attrs++] = (struct attr){
            text(s, prefix, i + any(s, 3)),
            plain ? (struct attr_value){.type = ATTR_STRING, .text = text(s, "p", any(s, 9))}
                  : value(s)};
    }
    return r;
}

static void fill_origins(struct sampler *s)
{
    struct telemetry_batch *b = s->batch;
    b->n_resources = 3;
    b->resources = arena_array(s->arena, struct resource, 3);
    b->n_scopes = 2;
    b->scopes = arena_array(s->arena, struct scope, 2);
    for (uint32_t i = 0; i < 3; i++)
        b->resources[i] = (struct resource){.attrs = attrs(s, "r", 6, i == 0),
                                            .dropped_attributes = (uint32_t)any(s, 4),
                                            .schema_url = text(s, "http://schema/", any(s, 2)),
                                            .entity_refs = i ? S("[{\"type\":\"x\"}]") : S(""),
                                            .service_name = text(s, "service", any(s, 3))};
    for (uint32_t i = 0; i < 2; i++)
        b->scopes[i] = (struct scope){.name = text(s, "scope", any(s, 3)),
                                      .version = text(s, "1.", any(s, 3)),
                                      .schema_url = i ? S("http://s") : S(""),
                                      .attrs = attrs(s, "sc", 3, i == 0),
                                      .dropped_attributes = (uint32_t)any(s, 2)};
    for (uint32_t i = 0; i < 3; i++)
        b->resources[i].hash =
            attrs_hash(b->attrs + b->resources[i].attrs.at, b->resources[i].attrs.n);
    for (uint32_t i = 0; i < 2; i++) scope_identify(&b->scopes[i], b->attrs);
}

#define COLUMN_OF(c, n) (c = arena_alloc(s->arena, (n) * sizeof *(c) + 1, 8))

static void bytes(struct sampler *s, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)any(s, 256);
}

static void fill_spans(struct sampler *s, uint32_t n)
{
    struct span_columns *c = &s->batch->spans;
    c->n = n;
    COLUMN_OF(c->trace_id, n), COLUMN_OF(c->span_id, n), COLUMN_OF(c->parent_span_id, n);
    COLUMN_OF(c->start_time, n), COLUMN_OF(c->end_time, n);
    COLUMN_OF(c->resource, n), COLUMN_OF(c->scope, n);
    COLUMN_OF(c->name, n), COLUMN_OF(c->trace_state, n), COLUMN_OF(c->status_message, n);
    COLUMN_OF(c->flags, n), COLUMN_OF(c->kind, n), COLUMN_OF(c->status_code, n);
    COLUMN_OF(c->attrs, n), COLUMN_OF(c->events, n), COLUMN_OF(c->links, n);
    COLUMN_OF(c->dropped_attributes, n), COLUMN_OF(c->dropped_events, n);
    COLUMN_OF(c->dropped_links, n), COLUMN_OF(c->adjusted_count, n);
    COLUMN_OF(c->event, n * 3), COLUMN_OF(c->link, n * 2);
    for (uint32_t i = 0; i < n; i++) {
        bytes(s, c->trace_id[i], 16), bytes(s, c->span_id[i], 8);
        bytes(s, c->parent_span_id[i], 8);
        c->start_time[i] = SAMPLE_TIME + any(s, 8'000'000'000'000);
        c->end_time[i] = c->start_time[i] + any(s, 1'000'000'000);
        c->resource[i] = (uint32_t)any(s, 3), c->scope[i] = (uint32_t)any(s, 2);
        c->name[i] = text(s, "GET /", any(s, 20));
        c->trace_state[i] = any(s, 4) ? S("") : S("a=b");
        c->status_message[i] = any(s, 4) ? S("") : text(s, "failed ", any(s, 100));
        c->flags[i] = (uint32_t)any(s, 1u << 30);
        c->kind[i] = (uint8_t)any(s, 6), c->status_code[i] = (uint8_t)any(s, 3);
        c->attrs[i] = attrs(s, "key", 8, any(s, 2));
        c->dropped_attributes[i] = (uint32_t)any(s, 3);
        c->dropped_events[i] = (uint32_t)any(s, 3), c->dropped_links[i] = (uint32_t)any(s, 3);
        c->adjusted_count[i] = (double)any(s, 4) + 0.5;
        c->events[i] = (struct attr_range){c->n_events, (uint32_t)any(s, 4)};
        for (uint32_t j = 0; j < c->events[i].n; j++)
            c->event[c->n_events++] = (struct span_event){.time = c->start_time[i] + j,
                                                          .name = text(s, "event", any(s, 3)),
                                                          .attrs = attrs(s, "e", 3, false),
                                                          .dropped_attributes = j};
        c->links[i] = (struct attr_range){c->n_links, (uint32_t)any(s, 3)};
        for (uint32_t j = 0; j < c->links[i].n; j++) {
            struct span_link *l = &c->link[c->n_links++];
            *l = (struct span_link){.trace_state = text(s, "st", any(s, 2)),
                                    .attrs = attrs(s, "l", 2, false),
                                    .dropped_attributes = j,
                                    .flags = j + 7};
            bytes(s, l->trace_id, 16), bytes(s, l->span_id, 8);
        }
    }
}

static void fill_logs(struct sampler *s, uint32_t n)
{
    struct log_columns *c = &s->batch->logs;
    c->n = n;
    COLUMN_OF(c->time, n), COLUMN_OF(c->observed_time, n), COLUMN_OF(c->time_origin, n);
    COLUMN_OF(c->resource, n), COLUMN_OF(c->scope, n);
    COLUMN_OF(c->trace_id, n), COLUMN_OF(c->span_id, n), COLUMN_OF(c->flags, n);
    COLUMN_OF(c->severity_number, n), COLUMN_OF(c->severity_text, n), COLUMN_OF(c->event_name, n);
    COLUMN_OF(c->body, n), COLUMN_OF(c->attrs, n), COLUMN_OF(c->dropped_attributes, n);
    for (uint32_t i = 0; i < n; i++) {
        c->time[i] = SAMPLE_TIME + any(s, 8'000'000'000'000);
        c->observed_time[i] = any(s, 2) ? c->time[i] + 5 : 0;
        c->time_origin[i] = (uint8_t)any(s, 3);
        c->resource[i] = (uint32_t)any(s, 3), c->scope[i] = (uint32_t)any(s, 2);
        bytes(s, c->trace_id[i], 16), bytes(s, c->span_id[i], 8);
        c->flags[i] = (uint32_t)any(s, 2);
        c->severity_number[i] = (uint8_t)any(s, 24);
        c->severity_text[i] = text(s, "SEV", any(s, 4));
        c->event_name[i] = text(s, "event", any(s, 4));
        c->body[i] = value(s);
        c->attrs[i] = attrs(s, "key", 5, any(s, 2));
        c->dropped_attributes[i] = (uint32_t)any(s, 3);
    }
}

static struct num_range numbers(struct sampler *s, bool as_double)
{
    struct metric_columns *c = &s->batch->metrics;
    struct num_range r = {as_double ? c->n_f64s : c->n_u64s, (uint32_t)any(s, 4)};
    for (uint32_t i = 0; i < r.n; i++) {
        if (as_double)
            c->f64s[c->n_f64s++] = (double)any(s, 100) / 4;
        else
            c->u64s[c->n_u64s++] = any(s, 100);
    }
    return r;
}

static void fill_points(struct sampler *s, uint32_t n)
{
    struct metric_columns *c = &s->batch->metrics;
    c->n = n;
    c->n_descs = 4;
    COLUMN_OF(c->descs, 4);
    for (uint32_t i = 0; i < 4; i++)
        c->descs[i] = (struct metric_desc){.name = text(s, "http.server.duration", i),
                                           .description = text(s, "what it is ", i),
                                           .unit = i ? S("ms") : S("By"),
                                           .type = (enum metric_type)(METRIC_GAUGE + i),
                                           .temporality = (uint8_t)(i % 3),
                                           .monotonic = i == 1,
                                           .metadata = attrs(s, "meta", 2, false),
                                           .resource = (uint32_t)any(s, 3),
                                           .scope = (uint32_t)any(s, 2)};
    COLUMN_OF(c->desc, n), COLUMN_OF(c->series_id, n), COLUMN_OF(c->time, n);
    COLUMN_OF(c->start_time, n), COLUMN_OF(c->attrs, n), COLUMN_OF(c->flags, n);
    COLUMN_OF(c->present, n), COLUMN_OF(c->value, n), COLUMN_OF(c->int_value, n);
    COLUMN_OF(c->count, n), COLUMN_OF(c->sum, n), COLUMN_OF(c->min, n), COLUMN_OF(c->max, n);
    COLUMN_OF(c->bucket_counts, n), COLUMN_OF(c->explicit_bounds, n), COLUMN_OF(c->scale, n);
    COLUMN_OF(c->zero_count, n), COLUMN_OF(c->zero_threshold, n);
    COLUMN_OF(c->positive_offset, n), COLUMN_OF(c->negative_offset, n);
    COLUMN_OF(c->positive_counts, n), COLUMN_OF(c->negative_counts, n);
    COLUMN_OF(c->quantiles, n), COLUMN_OF(c->quantile_values, n);
    COLUMN_OF(c->u64s, n * 12), COLUMN_OF(c->f64s, n * 12), COLUMN_OF(c->exemplar, n * 2);
    for (uint32_t i = 0; i < n; i++) {
        c->desc[i] = (uint32_t)any(s, 4);
        c->attrs[i] = attrs(s, "key.", 4, any(s, 2));
        c->series_id[i] = any(s, 30) << 40 | any(s, 2);
        c->time[i] = SAMPLE_TIME + any(s, 8'000'000) * 1'000'000 + 17;
        c->start_time[i] = any(s, 2) ? SAMPLE_TIME : 0;
        c->flags[i] = (uint32_t)any(s, 2), c->present[i] = (uint8_t)any(s, 32);
        c->value[i] = (double)any(s, 1000) / 16, c->int_value[i] = (int64_t)any(s, 9) - 4;
        if (c->present[i] & POINT_IS_INT) c->value[i] = (double)c->int_value[i];
        c->count[i] = any(s, 1000), c->sum[i] = (double)any(s, 1000);
        c->min[i] = -1, c->max[i] = (double)any(s, 10), c->scale[i] = (int32_t)any(s, 9) - 4;
        c->zero_count[i] = any(s, 3), c->zero_threshold[i] = 0.5;
        c->positive_offset[i] = -3, c->negative_offset[i] = (int32_t)any(s, 9);
        c->bucket_counts[i] = numbers(s, false), c->explicit_bounds[i] = numbers(s, true);
        c->positive_counts[i] = numbers(s, false), c->negative_counts[i] = numbers(s, false);
        c->quantiles[i] = numbers(s, true);
        c->quantile_values[i] = (struct num_range){c->quantiles[i].at, c->quantiles[i].n};
        for (uint64_t j = any(s, 3); j > 0; j--) {
            struct exemplar *x = &c->exemplar[c->n_exemplars++];
            *x = (struct exemplar){.point = i,
                                   .time = c->time[i] - j,
                                   .present = (uint8_t)any(s, 2) * POINT_IS_INT,
                                   .value = (double)j,
                                   .int_value = (int64_t)j,
                                   .attrs = attrs(s, "x", 2, false)};
            bytes(s, x->trace_id, 16), bytes(s, x->span_id, 8);
        }
    }
}

struct telemetry_block *sample_block(struct arena *a, enum signal_kind signal, uint32_t batches,
                                     uint32_t rows)
{
    struct telemetry_block *b = arena_new(a, struct telemetry_block);
    b->signal = signal;
    b->n = batches;
    b->batches = arena_array(a, struct telemetry_batch *, batches);
    for (uint32_t i = 0; i < batches; i++) {
        struct sampler s = {.arena = a,
                            .batch = arena_new(a, struct telemetry_batch),
                            .cap_attrs = 100 + rows * 32,
                            .state = i + 1};
        s.batch->signal = signal;
        s.batch->attrs = arena_array(a, struct attr, s.cap_attrs);
        fill_origins(&s);
        if (signal == SIGNAL_TRACES) fill_spans(&s, rows);
        if (signal == SIGNAL_LOGS) fill_logs(&s, rows);
        if (signal == SIGNAL_METRICS) fill_points(&s, rows);
        b->batches[i] = s.batch;
        b->rows += rows;
    }
    return b;
}

struct encode_rows sample_rows(struct arena *a, const struct telemetry_block *b)
{
    struct row_ref *rows = arena_array(a, struct row_ref, b->rows);
    size_t n = 0;
    for (uint32_t i = 0; i < b->n; i++)
        for (uint32_t r = 0; r < telemetry_batch_rows(b->batches[i]); r++)
            rows[n++] = (struct row_ref){i, r};
    return (struct encode_rows){rows, n};
}
