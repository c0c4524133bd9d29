/* Reads every byte that a batch names: under ASan a string outside of body and arena is a crash. Of
 * what was accepted, ids, times and numbers of attributes are within what the options say. */
#pragma once

#include <assert.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"

static const struct decode_options options = {
    .received_at = 1700000000000000000,
    .oldest = 1600000000000000000,
    .newest = 1800000000000000000,
    .max_attributes = 64,
};

/* What processors may have added to an item of at most options.max_attributes. */
static uint32_t added_attributes;

static volatile unsigned char touched;

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++) touched = (unsigned char)s.ptr[i];
}

static void touch_value(const struct attr_value *v)
{
    assert(v->type < ATTR_TYPES);
    if (v->type == ATTR_STRING || v->type == ATTR_BYTES || v->type == ATTR_ARRAY ||
        v->type == ATTR_KVLIST)
        touch(v->text);
}

static void touch_attrs(const struct telemetry_batch *b, struct attr_range r)
{
    assert(r.at <= b->n_attrs && r.n <= b->n_attrs - r.at);
    for (uint32_t i = 0; i < r.n; i++) {
        touch(b->attrs[r.at + i].key);
        touch_value(&b->attrs[r.at + i].value);
    }
}

/* The attributes of an accepted item. */
static void touch_own_attrs(const struct telemetry_batch *b, struct attr_range r, uint64_t time)
{
    assert(r.n <= options.max_attributes + added_attributes);
    assert(time >= (uint64_t)options.oldest && time <= (uint64_t)options.newest);
    touch_attrs(b, r);
    for (uint32_t i = 0; i < r.n; i++)
        for (uint32_t k = 0; k < i; k++)
            assert(!str_eq(b->attrs[r.at + i].key, b->attrs[r.at + k].key));
}

static void touch_spans(const struct telemetry_batch *b)
{
    const struct span_columns *c = &b->spans;
    for (uint32_t i = 0; i < c->n; i++) {
        assert(c->resource[i] < b->n_resources && c->scope[i] < b->n_scopes);
        assert(c->kind[i] <= 5 && c->status_code[i] <= 2 && c->adjusted_count[i] >= 1);
        assert(c->events[i].n == 0 || c->events[i].at + c->events[i].n <= c->n_events);
        assert(c->links[i].n == 0 || c->links[i].at + c->links[i].n <= c->n_links);
        touch(c->name[i]), touch(c->trace_state[i]), touch(c->status_message[i]);
        static const uint8_t zeros[16];
        assert(memcmp(c->trace_id[i], zeros, 16) && memcmp(c->span_id[i], zeros, 8));
        touch_own_attrs(b, c->attrs[i], c->start_time[i]);
    }
    for (uint32_t i = 0; i < c->n_events; i++)
        touch(c->event[i].name), touch_attrs(b, c->event[i].attrs);
    for (uint32_t i = 0; i < c->n_links; i++)
        touch(c->link[i].trace_state), touch_attrs(b, c->link[i].attrs);
}

static void touch_logs(const struct telemetry_batch *b)
{
    const struct log_columns *c = &b->logs;
    for (uint32_t i = 0; i < c->n; i++) {
        assert(c->resource[i] < b->n_resources && c->scope[i] < b->n_scopes);
        assert(c->severity_number[i] <= 24 && c->time_origin[i] <= LOG_TIME_ARRIVAL);
        touch(c->severity_text[i]), touch(c->event_name[i]);
        touch_value(&c->body[i]);
        touch_own_attrs(b, c->attrs[i], c->time[i]);
    }
}

static void check_run(struct num_range r, uint32_t n)
{
    assert(r.n == 0 || (r.at <= n && r.n <= n - r.at));
}

/* What only Prometheus' histograms have: model/batch.h. */
static void touch_prometheus(const struct metric_columns *c, uint32_t i)
{
    uint32_t bounds = c->quantiles ? c->quantiles[i].n : 0;
    uint32_t exact = c->quantile_values ? c->quantile_values[i].n : 0;
    assert(!bounds || c->scale[i] == POINT_CUSTOM_SCALE);
    assert((exact > 0) == ((c->present[i] & POINT_FRACTIONAL) != 0));
    assert(!exact || exact == 2 + c->positive_counts[i].n + c->negative_counts[i].n);
    for (uint32_t k = 1; k < bounds; k++) {
        const double *bound = c->f64s + c->quantiles[i].at + k;
        assert(bound[-1] < bound[0]);
    }
    if (bounds && c->positive_counts[i].n) {
        assert(c->positive_offset[i] >= -1);
        assert((int64_t)c->positive_offset[i] + c->positive_counts[i].n <= (int64_t)bounds);
    }
}

static void touch_distribution(const struct metric_columns *c, uint32_t i)
{
    enum metric_type type = c->descs[c->desc[i]].type;
    assert(c->count || type == METRIC_GAUGE || type == METRIC_SUM);
    assert(c->bucket_counts || type != METRIC_HISTOGRAM);
    assert(c->scale || type != METRIC_EXP_HISTOGRAM);
    assert(c->quantiles || type != METRIC_SUMMARY);
    if (c->bucket_counts) {
        check_run(c->bucket_counts[i], c->n_u64s);
        check_run(c->explicit_bounds[i], c->n_f64s);
        uint32_t counts = c->bucket_counts[i].n;
        assert(counts == 0 || counts == c->explicit_bounds[i].n + 1);
    }
    if (c->scale) {
        check_run(c->positive_counts[i], c->n_u64s);
        check_run(c->negative_counts[i], c->n_u64s);
    }
    if (c->quantiles) {
        check_run(c->quantiles[i], c->n_f64s);
        check_run(c->quantile_values[i], c->n_f64s);
        assert(type == METRIC_EXP_HISTOGRAM || c->quantiles[i].n == c->quantile_values[i].n);
    }
    if (type == METRIC_EXP_HISTOGRAM) touch_prometheus(c, i);
}

static void touch_metrics(const struct telemetry_batch *b)
{
    const struct metric_columns *c = &b->metrics;
    for (uint32_t i = 0; i < c->n_descs; i++) {
        assert(c->descs[i].resource < b->n_resources && c->descs[i].scope < b->n_scopes);
        touch(c->descs[i].name), touch(c->descs[i].unit), touch(c->descs[i].description);
        touch_attrs(b, c->descs[i].metadata);
    }
    for (uint32_t i = 0; i < c->n; i++) {
        assert(c->desc[i] < c->n_descs);
        touch_own_attrs(b, c->attrs[i], c->time[i]);
        touch_distribution(c, i);
    }
    for (uint32_t i = 0; i < c->n_exemplars; i++) {
        assert(c->exemplar[i].point < c->n);
        touch_attrs(b, c->exemplar[i].attrs);
    }
}

static void touch_batch(const struct telemetry_batch *b)
{
    uint32_t dropped = 0;
    for (int i = 0; i < DROP_POLICIES; i++) dropped += b->dropped[i];
    assert(b->received == telemetry_batch_rows(b) + telemetry_batch_rejected(b) + dropped);
    assert((telemetry_batch_rejected(b) == 0) == (b->first_rejection.len == 0));
    touch(b->first_rejection);
    for (uint32_t i = 0; i < b->n_resources; i++) {
        touch(b->resources[i].schema_url), touch(b->resources[i].entity_refs);
        touch(b->resources[i].service_name);
        touch_attrs(b, b->resources[i].attrs);
    }
    for (uint32_t i = 0; i < b->n_scopes; i++) {
        touch(b->scopes[i].name), touch(b->scopes[i].version), touch(b->scopes[i].schema_url);
        touch_attrs(b, b->scopes[i].attrs);
    }
    switch (b->signal) {
    case SIGNAL_TRACES: touch_spans(b); break;
    case SIGNAL_LOGS: touch_logs(b); break;
    default: touch_metrics(b); break;
    }
}

/* The first byte chooses the signal, the rest is the body. */
static inline int fuzz_decode(const uint8_t *data, size_t size, enum payload_format format)
{
    if (size == 0) return 0;
    struct arena a;
    arena_init(&a, 16 << 20);
    struct telemetry_batch *b;
    struct err err;
    str body = {(const char *)data + 1, size - 1};
    status s =
        decode_request(&a, (enum signal_kind)(data[0] % 3), format, body, &options, &b, &err);
    if (s == ST_OK)
        touch_batch(b);
    else
        assert((s == ST_INVALID || s == ST_LIMIT) && s == err.code && err.msg[0] &&
               (err.pos == ERR_NOPOS || err.pos <= body.len));
    arena_done(&a);
    return 0;
}
