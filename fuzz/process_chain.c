/* Any bytes as OTLP in protobuf, decoded and run through chains of processors: the batch stays
 * consistent, its ids are those of its attributes, items add up, and the same gives the same. */
#include "base/hash.h"
#include "base/yaml.h"
#include "ingest/process/process.h"
#include "model/identity.h"
#include "otlp_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const chains[] = {
    "attributes: {actions: ["
    "{action: upsert, key: k, value: 1}, {action: insert, key: c, from_attribute: s},"
    "{action: hash, pattern: '^s'}, {action: delete, pattern: 'e$'},"
    "{action: extract, key: url, pattern: '(?P<a>.)(?P<b>.*)'},"
    "{action: convert, key: i, converted_type: string}]}\n"
    "resource: {attributes: [{action: upsert, key: service.name, value: x},"
    "{action: delete, key: s}]}\n",
    "filter: {error_mode: ignore,"
    "traces: {span: ['IsMatch(name, \"GET\") and kind > 1', 'attributes[\"i\"] < 0'],"
    "  spanevent: ['name == \"exception\"']},"
    "metrics: {metric: ['type == METRIC_DATA_TYPE_SUM'], datapoint: ['value_double < 0']},"
    "logs: {log_record: ['severity_number < 9', 'body == nil']}}\n"
    "attributes: {actions: [{action: insert, key: k, value: v}]}\n",
    "redaction: {allowed_keys: [s, i, route, code, service.name], blocked_values: ['t', '\\d+'],"
    "blocked_key_patterns: [code], redact_all_types: true, summary: debug}\n"
    "redaction/2: {allow_all_keys: true, blocked_values: ['[a-f]+'], hash_function: md5}\n",
};
static const char *const sampled =
    "probabilistic_sampler: {sampling_percentage: 50}\n"
    "probabilistic_sampler/2: {sampling_percentage: 50, mode: hash_seed, fail_closed: false}\n"
    "resource: {attributes: [{action: upsert, key: k, value: 1}]}\n";

static void check_ids(const struct telemetry_batch *b)
{
    for (uint32_t i = 0; i < b->n_resources; i++) {
        struct resource r = b->resources[i];
        resource_identify(&r, b->attrs);
        assert(r.hash == b->resources[i].hash);
        assert(str_eq(r.service_name, b->resources[i].service_name));
    }
    for (uint32_t i = 0; i < b->n_scopes; i++) {
        struct scope s = b->scopes[i];
        scope_identify(&s, b->attrs);
        assert(s.hash == b->scopes[i].hash);
    }
    for (uint32_t i = 0; b->signal == SIGNAL_METRICS && i < b->metrics.n; i++) {
        const struct metric_columns *c = &b->metrics;
        const struct metric_desc *d = &c->descs[c->desc[i]];
        struct num_range bounds = c->explicit_bounds[i];
        struct attr_range run = c->attrs[i];
        assert(c->series_id[i] ==
               metric_series_id(
                   metric_hash(d, b->resources[d->resource].hash, b->scopes[d->scope].hash),
                   d->type, bounds.n ? c->f64s + bounds.at : NULL, bounds.n,
                   attrs_hash(run.n ? b->attrs + run.at : NULL, run.n)));
    }
}

static uint64_t digest_of(const struct telemetry_batch *b)
{
    uint64_t h = telemetry_batch_rows(b);
    const struct attr_range *runs = b->signal == SIGNAL_TRACES ? b->spans.attrs
                                    : b->signal == SIGNAL_LOGS ? b->logs.attrs
                                                               : b->metrics.attrs;
    for (uint32_t i = 0; i < telemetry_batch_rows(b); i++) {
        h = hash_mix(h, attrs_hash(runs[i].n ? b->attrs + runs[i].at : NULL, runs[i].n));
        if (b->signal == SIGNAL_TRACES) h = hash_seed(b->spans.trace_state[i], h);
    }
    return h;
}

/* Decodes, runs, checks; 0 when it is not decoded. */
static uint64_t run_chain(const struct process_chain *c, enum signal_kind signal, str body)
{
    struct arena a;
    struct telemetry_batch *b;
    struct process_count counts[4] = {0};
    uint64_t digest = 0;
    arena_init(&a, 16 << 20);
    if (decode_request(&a, signal, PAYLOAD_PROTOBUF, body, &options, &b, NULL) == ST_OK) {
        uint64_t rows = telemetry_batch_rows(b);
        process_run(c, b, counts);
        for (size_t i = 0; i < process_chain_length(c); i++) {
            assert(counts[i].seen == rows && counts[i].changed <= rows &&
                   counts[i].dropped <= rows);
            rows -= counts[i].dropped;
        }
        assert(rows == telemetry_batch_rows(b));
        touch_batch(b);
        check_ids(b);
        digest = digest_of(b);
    }
    arena_done(&a);
    return digest;
}

static struct process_chain *chain_of(enum signal_kind signal, const char *yaml)
{
    static struct arena a; /* trees are borrowed for as long as the chain is */
    const struct tree *t;
    struct process_spec specs[4];
    struct process_chain *c;
    struct err err;
    size_t n = 0;
    if (!a.budget) arena_init(&a, 1 << 20);
    if (yaml_parse(&a, str_of(yaml), "chain", NULL, NULL, &t, &err) != ST_OK) abort();
    for (const struct tree *e = t->first; e; e = e->next)
        specs[n++] = (struct process_spec){e->key, e, NULL};
    if (process_chain_new(signal, specs, n, &c, &err) != ST_OK) abort();
    return c;
}

/* The first byte chooses the signal, the rest is the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { N = sizeof chains / sizeof *chains };
    static struct process_chain *made[SIGNAL_COUNT][N + 1];
    if (size == 0) return 0;
    enum signal_kind signal = (enum signal_kind)(data[0] % 3);
    str body = {(const char *)data + 1, size - 1};
    added_attributes = 64;
    for (size_t i = 0; i < N + (signal != SIGNAL_METRICS); i++) {
        struct process_chain **c = &made[signal][i];
        if (!*c) *c = chain_of(signal, i < N ? chains[i] : sampled);
        uint64_t digest = run_chain(*c, signal, body);
        assert(run_chain(*c, signal, body) == digest);
    }
    return 0;
}
