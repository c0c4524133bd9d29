/* What chains of processors cost: generated requests of 500 spans with 8 to 10 attributes, decoded
 * outside of the time that is measured. */
#include <stdio.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "ingest/decode/decode.h"
#include "ingest/process/process.h"
#include "loadgen/generate.h"

enum { REQUESTS = 16, BATCH = 500 };

struct request {
    char *bytes;
    size_t len;
    uint32_t items;
};

static struct process_chain *chain_of(struct arena *a, const char *yaml)
{
    const struct tree *t;
    struct process_spec specs[4];
    struct process_chain *c;
    struct err err;
    size_t n = 0;
    status s = yaml_parse(a, str_of(yaml), "bench", NULL, NULL, &t, &err);
    if (s == ST_OK) {
        for (const struct tree *e = t->first; e; e = e->next)
            specs[n++] = (struct process_spec){e->key, e, NULL};
        s = process_chain_new(SIGNAL_TRACES, specs, n, &c, &err);
    }
    if (s == ST_OK) return c;
    fprintf(stderr, "no chain: %s\n", err.msg);
    exit(1);
}

/* Time in process_run alone. */
static nanos process_one(const struct process_chain *c, const struct request *r, uint64_t *io_kept)
{
    struct decode_options opt = {.received_at = 1700000000 * NANOS_S, .max_attributes = 128};
    struct arena arena;
    struct telemetry_batch *batch;
    struct err err;
    arena_init(&arena, 256 << 20);
    if (decode_request(&arena, SIGNAL_TRACES, PAYLOAD_PROTOBUF, (str){r->bytes, r->len}, &opt,
                       &batch, &err) != ST_OK) {
        fprintf(stderr, "not decoded: %s\n", err.msg);
        exit(1);
    }
    nanos cpu = clock_cpu();
    process_run(c, batch, NULL);
    cpu = clock_cpu() - cpu;
    *io_kept += telemetry_batch_rows(batch);
    arena_done(&arena);
    return cpu;
}

static void run(const char *name, const char *yaml, const struct request *requests)
{
    struct arena a;
    uint64_t items = 0, kept = 0;
    nanos cpu = 0, wall = clock_monotonic();
    arena_init(&a, 1 << 20);
    struct process_chain *c = chain_of(&a, yaml);
    for (uint64_t i = 0; clock_monotonic() - wall < NANOS_S; i++) {
        cpu += process_one(c, &requests[i % REQUESTS], &kept);
        items += requests[i % REQUESTS].items;
    }
    printf("process_%-22s %10.0f items/s  %.3f core-us/item  %.1f %% kept\n", name,
           (double)items / ((double)cpu / 1e9), (double)cpu / 1e3 / (double)items,
           100 * (double)kept / (double)items);
    process_chain_free(c);
    arena_done(&a);
}

int main(void)
{
    struct load_shape shape = {
        .seed = 1, .services = 10, .batch = BATCH, .series = REQUESTS * BATCH};
    struct load_templates *from = load_templates_new(SIGNAL_TRACES, &shape);
    struct request requests[REQUESTS];
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct request *r = &requests[i];
        r->bytes = malloc(load_request_room(from) + 64); /* the slack that decode asks for */
        if (!r->bytes) abort();
        r->len = load_request(from, i + 1, i, 1700000000 * NANOS_S, r->bytes, &r->items);
    }
    run("empty", "{}", requests);
    run("attributes_2_actions",
        "attributes: {actions: [{action: upsert, key: deployment, value: blue},"
        " {action: delete, key: http.request.method}]}",
        requests);
    run("resource_2_actions",
        "resource: {attributes: [{action: upsert, key: deployment, value: blue},"
        " {action: delete, key: host.name}]}",
        requests);
    run("filter_2_conditions",
        "filter: {traces: {span: ['name == \"GET /health\" and kind == SPAN_KIND_SERVER',"
        " 'attributes[\"http.response.status_code\"] == 599']}}",
        requests);
    run("filter_regex", "filter: {traces: {span: ['IsMatch(name, \"^health\")']}}", requests);
    run("sampler_10_percent", "probabilistic_sampler: {sampling_percentage: 10}", requests);
    run("redaction_2_values",
        "redaction: {allow_all_keys: true, blocked_values: ['4\\d{15}', '\\d{3}-\\d{2}-\\d{4}']}",
        requests);
    for (int i = 0; i < REQUESTS; i++) free(requests[i].bytes);
    load_templates_free(from);
    return 0;
}
