/* Order and encode of 100,000 spans (12 resource and 9 span attributes, 500 per batch), 100,000 log
 * records and 100,000 data points, as a store writer does it: blocks in memory in, Native bytes
 * out; the same of spans and log records that came ten at a time; and what compressing those costs
 * on the way to a server. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "ingest/batch/batch.h"
#include "ingest/encode/encode.h"
#include "model/identity.h"
#include "model/red.h"
#include "net/compress.h"

enum { ROWS = 100'000, SERVICES = 20, ROUNDS = 7, RESOURCE_ATTRS = 12 };

static const uint64_t start = 1'700'000'000'000'000'000u;
static uint64_t state = 1;
static uint32_t per_batch = 500;

static uint64_t any(uint64_t below)
{
    state = hash_mix(state, 5);
    return state % below;
}

static str text(struct arena *a, const char *prefix, uint64_t n)
{
    char out[96];
    int len = snprintf(out, sizeof out, "%s%llu", prefix, (unsigned long long)n);
    return arena_str(a, (str){out, (size_t)len});
}

static struct attr text_attr(struct arena *a, const char *key, const char *prefix, uint64_t n)
{
    str k = arena_str(a, (str){key, strlen(key)}); /* as in a request: every key is its own bytes */
    return (struct attr){k, {.type = ATTR_STRING, .text = text(a, prefix, n)}};
}

static struct attr int_attr(struct arena *a, const char *key, uint64_t n)
{
    str k = arena_str(a, (str){key, strlen(key)});
    return (struct attr){k, {.type = ATTR_INT, .i = (int64_t)n}};
}

static void put(struct telemetry_batch *b, struct attr x) { b->attrs[b->n_attrs++] = x; }

static void put_resource(struct telemetry_batch *b, struct arena *a, uint64_t service)
{
    static const char *const keys[RESOURCE_ATTRS - 1] = {"host.name",
                                                         "host.arch",
                                                         "os.type",
                                                         "k8s.cluster.name",
                                                         "k8s.namespace.name",
                                                         "k8s.pod.name",
                                                         "k8s.node.name",
                                                         "deployment.environment",
                                                         "telemetry.sdk.name",
                                                         "telemetry.sdk.language",
                                                         "service.version"};
    put(b, text_attr(a, "service.name", "service-", service));
    for (int i = 0; i < RESOURCE_ATTRS - 1; i++)
        put(b, text_attr(a, keys[i], "value-", hash_mix(service, (uint64_t)i) % 8));
    b->n_resources = b->n_scopes = 1;
    b->resources = arena_new(a, struct resource);
    *b->resources = (struct resource){.attrs = {0, RESOURCE_ATTRS},
                                      .schema_url = S("https://opentelemetry.io/schemas/1.27.0")};
    resource_identify(b->resources, b->attrs);
    b->scopes = arena_new(a, struct scope);
    *b->scopes = (struct scope){.name = S("io.opentelemetry.http"), .version = S("2.1.0")};
}

static struct attr_range span_attrs(struct telemetry_batch *b, struct arena *a)
{
    struct attr_range r = {b->n_attrs, 9};
    put(b, text_attr(a, "http.request.method", "GET", 0));
    put(b, int_attr(a, "http.response.status_code", 200 + any(3) * 100));
    put(b, text_attr(a, "url.path", "/api/v1/items/", any(100000)));
    put(b, text_attr(a, "http.route", "/api/v1/items/:id/", any(20)));
    put(b, text_attr(a, "server.address", "server-", any(50)));
    put(b, int_attr(a, "server.port", 8080));
    put(b, text_attr(a, "network.peer.address", "10.0.0.", any(250)));
    put(b, text_attr(a, "user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) v", any(30)));
    put(b, text_attr(a, "enduser.id", "user-", any(1000000)));
    return r;
}

#define COLUMN_OF(c) \
    (c = memset(arena_array(a, typeof(*(c)), per_batch), 0, per_batch * sizeof *(c)))

/* Twelve spans to a trace, each of another service: a trace is spread over batches. */
static void fill_spans(struct telemetry_batch *b, struct arena *a, uint64_t at)
{
    struct span_columns *c = &b->spans;
    c->n = per_batch;
    COLUMN_OF(c->trace_id), COLUMN_OF(c->span_id), COLUMN_OF(c->parent_span_id);
    COLUMN_OF(c->start_time), COLUMN_OF(c->end_time), COLUMN_OF(c->resource), COLUMN_OF(c->scope);
    COLUMN_OF(c->name), COLUMN_OF(c->trace_state), COLUMN_OF(c->status_message);
    COLUMN_OF(c->flags), COLUMN_OF(c->kind), COLUMN_OF(c->status_code), COLUMN_OF(c->attrs);
    COLUMN_OF(c->dropped_attributes), COLUMN_OF(c->dropped_events), COLUMN_OF(c->dropped_links);
    COLUMN_OF(c->events), COLUMN_OF(c->links), COLUMN_OF(c->adjusted_count);
    for (uint32_t i = 0; i < per_batch; i++) {
        uint64_t trace = (at + i) % (ROWS / 12), id[2] = {hash_mix(trace, 1), hash_mix(trace, 2)};
        uint64_t span = any(UINT64_MAX);
        memcpy(c->trace_id[i], id, 16), memcpy(c->span_id[i], &span, 8);
        c->start_time[i] = start + any(2'000'000'000);
        c->end_time[i] = c->start_time[i] + any(50'000'000);
        c->name[i] = text(a, "GET /api/v1/items/:id/", any(40));
        c->kind[i] = 2, c->status_code[i] = (uint8_t)any(2), c->flags[i] = 1;
        c->attrs[i] = span_attrs(b, a);
        c->adjusted_count[i] = 1;
    }
}

static void fill_logs(struct telemetry_batch *b, struct arena *a)
{
    struct log_columns *c = &b->logs;
    c->n = per_batch;
    COLUMN_OF(c->time), COLUMN_OF(c->observed_time), COLUMN_OF(c->time_origin);
    COLUMN_OF(c->resource), COLUMN_OF(c->scope), COLUMN_OF(c->trace_id), COLUMN_OF(c->span_id);
    COLUMN_OF(c->flags), COLUMN_OF(c->severity_number), COLUMN_OF(c->severity_text);
    COLUMN_OF(c->event_name), COLUMN_OF(c->body), COLUMN_OF(c->attrs);
    COLUMN_OF(c->dropped_attributes);
    for (uint32_t i = 0; i < per_batch; i++) {
        c->time[i] = c->observed_time[i] = start + any(2'000'000'000);
        c->severity_number[i] = (uint8_t)(5 + any(4) * 4);
        c->severity_text[i] = any(2) ? S("INFO") : S("WARN");
        c->body[i] = (struct attr_value){
            .type = ATTR_STRING,
            .text = text(a, "GET /api/v1/items served from the cache in ms: ", any(100000))};
        c->attrs[i] = (struct attr_range){b->n_attrs, 4};
        put(b, text_attr(a, "log.logger", "com.example.Logger", any(10)));
        put(b, text_attr(a, "thread.name", "worker-", any(16)));
        put(b, int_attr(a, "thread.id", any(16)));
        put(b, text_attr(a, "enduser.id", "user-", any(100000)));
    }
}

static void fill_points(struct telemetry_batch *b, struct arena *a, uint64_t at)
{
    struct metric_columns *c = &b->metrics;
    c->n = per_batch;
    c->n_descs = 10;
    c->descs = arena_array(a, struct metric_desc, 10);
    for (uint32_t d = 0; d < 10; d++)
        c->descs[d] = (struct metric_desc){
            .name = text(a, "http.server.metric", d), .unit = S("s"), .type = METRIC_GAUGE};
    COLUMN_OF(c->desc), COLUMN_OF(c->series_id), COLUMN_OF(c->time), COLUMN_OF(c->start_time);
    COLUMN_OF(c->attrs), COLUMN_OF(c->flags), COLUMN_OF(c->present), COLUMN_OF(c->value);
    COLUMN_OF(c->int_value), COLUMN_OF(c->count), COLUMN_OF(c->sum), COLUMN_OF(c->min);
    COLUMN_OF(c->max), COLUMN_OF(c->bucket_counts), COLUMN_OF(c->explicit_bounds);
    COLUMN_OF(c->scale), COLUMN_OF(c->zero_count), COLUMN_OF(c->zero_threshold);
    COLUMN_OF(c->positive_offset), COLUMN_OF(c->negative_offset), COLUMN_OF(c->positive_counts);
    COLUMN_OF(c->negative_counts), COLUMN_OF(c->quantiles), COLUMN_OF(c->quantile_values);
    for (uint32_t i = 0; i < per_batch; i++) {
        c->desc[i] = i % 10;
        c->series_id[i] = hash_mix((at + i) % 10'000, 9);
        c->time[i] = start + at / 10'000 * 15'000'000'000;
        c->value[i] = (double)any(1000) / 8;
        c->attrs[i] = (struct attr_range){b->n_attrs, 1};
        put(b, text_attr(a, "http.route", "/api/v1/items/:id/", any(20)));
    }
}

static struct telemetry_block *block_new(enum signal_kind signal)
{
    struct open_block *open = open_block_new(signal, 0);
    for (uint64_t at = 0; at < ROWS; at += per_batch) {
        struct arena *a = malloc(sizeof *a);
        if (!a) abort();
        arena_init(a, (size_t)1 << 30);
        struct telemetry_batch *b = arena_new(a, struct telemetry_batch);
        b->arena = a;
        b->signal = signal;
        b->attrs = arena_array(a, struct attr, per_batch * 9 + RESOURCE_ATTRS);
        put_resource(b, a, any(SERVICES));
        if (signal == SIGNAL_TRACES) fill_spans(b, a, at);
        if (signal == SIGNAL_LOGS) fill_logs(b, a);
        if (signal == SIGNAL_METRICS) fill_points(b, a, at);
        open_block_add(open, b, at + 1, 0);
    }
    struct telemetry_block *b = open_block_seal(open);
    open_block_free(open);
    return b;
}

struct timing {
    nanos order, encode, zstd, lz4;
    uint64_t bytes, zstd_bytes, lz4_bytes;
};

/* As the server driver does, insert by insert. */
static void compress_all(const struct encoded_block *out, struct timing *t)
{
    for (size_t i = 0; i < out->n; i++) {
        str body = out->inserts[i].body;
        struct buf to;
        struct err err;
        buf_init(&to, body.len * 2 + (1 << 20));
        nanos from = clock_cpu();
        if (compress_zstd(body, 1, &to, &err) != ST_OK) abort();
        t->zstd += clock_cpu() - from;
        t->zstd_bytes += to.len;
        buf_clear(&to);
        from = clock_cpu();
        if (compress_lz4(body, &to, &err) != ST_OK) abort();
        t->lz4 += clock_cpu() - from;
        t->lz4_bytes += to.len;
        buf_done(&to);
    }
}

static struct timing run(const struct telemetry_block *b, struct encode_seen *seen)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 31);
    struct batch_partitioning p = {.traces_seconds = 3600, .max_partitions = 4};
    nanos t0 = clock_cpu();
    b = block_gather(&a, b);
    struct block_order order;
    block_order(&a, b, &p, &order);
    nanos t1 = clock_cpu();
    struct encode_rows *groups = arena_array(&a, struct encode_rows, order.n_groups);
    for (size_t i = 0; i < order.n_groups; i++)
        groups[i] = (struct encode_rows){order.rows + order.groups[i].at, order.groups[i].n};
    struct encode_options opt = {groups, order.n_groups, seen};
    struct encoded_block out;
    struct err err;
    if (encode_block(&a, b, &opt, &out, &err) != ST_OK) {
        printf("%s\n", err.msg);
        exit(1);
    }
    nanos t2 = clock_cpu();
    struct timing t = {.order = t1 - t0, .encode = t2 - t1, .bytes = out.body_bytes};
    compress_all(&out, &t);
    arena_done(&a);
    return t;
}

static void bench(enum signal_kind signal)
{
    struct telemetry_block *b = block_new(signal);
    struct encode_seen *seen = encode_seen_new(1'000'000);
    struct timing best = {0};
    for (int i = 0; i < ROUNDS; i++) {
        struct timing t = run(b, i == 0 ? NULL : seen); /* the first is not counted */
        if (i == 1 || (i > 1 && t.order + t.encode < best.order + best.encode)) best = t;
    }
    double us = (double)(best.order + best.encode) / 1000 / ROWS;
    printf("order+encode %-8s %9.0f items/s  %.3f core-us/item  (order %.3f, encode %.3f)  %.0f "
           "bytes/item, %u a request\n",
           signal_name(signal), 1e6 / us, us, (double)best.order / 1000 / ROWS,
           (double)best.encode / 1000 / ROWS, (double)best.bytes / ROWS, per_batch);
    printf("zstd 1       %-8s %26.3f core-us/item  %.0f bytes/item\n", signal_name(signal),
           (double)best.zstd / 1000 / ROWS, (double)best.zstd_bytes / ROWS);
    printf("lz4          %-8s %26.3f core-us/item  %.0f bytes/item\n", signal_name(signal),
           (double)best.lz4 / 1000 / ROWS, (double)best.lz4_bytes / ROWS);
    encode_seen_free(seen);
    telemetry_block_free(b);
}

/* What RED rows are of it. */
static void bench_red(void)
{
    struct telemetry_block *b = block_new(SIGNAL_TRACES);
    nanos best = INT64_MAX;
    uint32_t rows = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena a;
        arena_init(&a, (size_t)1 << 30);
        nanos from = clock_cpu();
        rows = red_of_block(&a, b)->n;
        nanos took = clock_cpu() - from;
        arena_done(&a);
        if (took < best) best = took;
    }
    double us = (double)best / 1000 / ROWS;
    printf("red          %-8s %9.0f items/s  %.3f core-us/item  (%u rows of %d spans)\n", "traces",
           1e6 / us, us, rows, ROWS);
    telemetry_block_free(b);
}

int main(void)
{
    bench_red();
    for (int s = 0; s < SIGNAL_COUNT; s++) bench((enum signal_kind)s);
    per_batch = 10;
    bench(SIGNAL_TRACES);
    bench(SIGNAL_LOGS);
    return 0;
}
