/* How fast requests become batches: generated ones of 500 items, 12 resource and 8 to 10 span
 * attributes. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "loadgen/generate.h"

enum { REQUESTS = 16, BATCH = 500 };

struct request {
    char *bytes;
    size_t len;
    uint32_t items;
};

static void decode_one(enum signal_kind signal, const struct request *r, size_t *io_used)
{
    struct decode_options opt = {.received_at = 1700000000 * NANOS_S, .max_attributes = 128};
    struct arena arena;
    struct telemetry_batch *batch;
    struct err err;
    arena_init(&arena, 256 << 20);
    if (decode_request(&arena, signal, PAYLOAD_PROTOBUF, (str){r->bytes, r->len}, &opt, &batch,
                       &err) != ST_OK ||
        telemetry_batch_rows(batch) != r->items) {
        fprintf(stderr, "not decoded: %s\n", err.msg);
        exit(1);
    }
    *io_used += arena.used;
    arena_done(&arena);
}

static void run(enum signal_kind signal)
{
    struct load_shape shape = {
        .seed = 1, .services = 10, .batch = BATCH, .series = REQUESTS * BATCH};
    struct load_templates *from = load_templates_new(signal, &shape);
    struct request requests[REQUESTS];
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct request *r = &requests[i];
        r->bytes =
            malloc(load_request_room(from) + 64); /* the slack that decode_request asks for */
        if (!r->bytes) abort();
        r->len = load_request(from, i + 1, i, 1700000000 * NANOS_S, r->bytes, &r->items);
    }
    uint64_t items = 0;
    size_t bytes = 0, used = 0;
    nanos wall = clock_monotonic(), cpu = clock_cpu();
    for (uint64_t i = 0; clock_monotonic() - wall < NANOS_S; i++) {
        const struct request *r = &requests[i % REQUESTS];
        decode_one(signal, r, &used);
        items += r->items;
        bytes += r->len;
    }
    double s = (double)(clock_monotonic() - wall) / 1e9, us = (double)(clock_cpu() - cpu) / 1e3;
    printf("decode_%-8s %10.0f items/s  %.3f core-us/item  %.0f MB/s  %.0f wire B/item  %.0f arena "
           "B/item\n",
           signal_name(signal), (double)items / s, us / (double)items, (double)bytes / s / 1e6,
           (double)bytes / (double)items, (double)used / (double)items);
    for (int i = 0; i < REQUESTS; i++) free(requests[i].bytes);
    load_templates_free(from);
}

static void generate(enum signal_kind signal)
{
    struct load_shape shape = {
        .seed = 1, .services = 10, .batch = BATCH, .series = REQUESTS * BATCH};
    struct load_templates *from = load_templates_new(signal, &shape);
    char *out = malloc(load_request_room(from));
    if (!out) abort();
    uint64_t items = 0;
    nanos wall = clock_monotonic(), cpu = clock_cpu();
    for (uint64_t i = 0; clock_monotonic() - wall < NANOS_S / 4; i++) {
        uint32_t n;
        (void)load_request(from, i + 1, i, wall, out, &n);
        items += n;
    }
    double s = (double)(clock_monotonic() - wall) / 1e9, us = (double)(clock_cpu() - cpu) / 1e3;
    printf("generate_%-6s %10.0f items/s  %.3f core-us/item\n", signal_name(signal),
           (double)items / s, us / (double)items);
    free(out);
    load_templates_free(from);
}

int main(void)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) run((enum signal_kind)i);
    for (int i = 0; i < SIGNAL_COUNT; i++) generate((enum signal_kind)i);
    return 0;
}
