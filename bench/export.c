/* How fast batches become OTLP again: generated requests of 500 items, 12 resource and 8 to 10 span
 * attributes, as protobuf, as JSON, and protobuf compressed. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/decode.h"
#include "ingest/export/otlp_json.h"
#include "ingest/export/otlp_pb.h"
#include "loadgen/generate.h"
#include "net/compress.h"

enum { REQUESTS = 16, BATCH = 500 };

struct sample {
    struct arena arena;
    struct telemetry_batch *batch;
    char *bytes;
};

static void make(enum signal_kind signal, struct sample samples[REQUESTS])
{
    struct load_shape shape = {
        .seed = 1, .services = 10, .batch = BATCH, .series = REQUESTS * BATCH};
    struct load_templates *from = load_templates_new(signal, &shape);
    struct decode_options opt = {.received_at = 1700000000 * NANOS_S, .max_attributes = 128};
    for (uint64_t i = 0; i < REQUESTS; i++) {
        struct sample *s = &samples[i];
        uint32_t items;
        s->bytes = malloc(load_request_room(from) + 64);
        if (!s->bytes) abort();
        size_t n = load_request(from, i + 1, i, 1700000000 * NANOS_S, s->bytes, &items);
        arena_init(&s->arena, 256 << 20);
        struct err err;
        if (decode_request(&s->arena, signal, PAYLOAD_PROTOBUF, (str){s->bytes, n}, &opt, &s->batch,
                           &err) != ST_OK) {
            fprintf(stderr, "not decoded: %s\n", err.msg);
            exit(1);
        }
    }
    load_templates_free(from);
}

enum form { PROTOBUF, JSON, GZIP, ZSTD, FORMS };

static size_t encode(enum form form, struct arena *scratch, const struct telemetry_batch *b,
                     struct buf *out, struct buf *wire)
{
    status s = ST_OK;
    buf_clear(out);
    buf_clear(wire);
    if (form == JSON)
        otlp_json_batch(scratch, b, out);
    else
        otlp_pb_batch(scratch, b, out);
    if (form == GZIP) s = compress_gzip(buf_str(out), 1, wire, NULL);
    if (form == ZSTD) s = compress_zstd(buf_str(out), 1, wire, NULL);
    if (out->over || s != ST_OK) exit(1);
    return wire->len ? wire->len : out->len;
}

static void run(enum signal_kind signal, enum form form, const struct sample *samples)
{
    static const char *const names[FORMS] = {"protobuf", "json", "gzip", "zstd"};
    struct arena scratch;
    struct buf out, wire;
    arena_init(&scratch, 64 << 20);
    buf_init(&out, 64 << 20);
    buf_init(&wire, 64 << 20);
    uint64_t items = 0;
    size_t bytes = 0;
    nanos wall = clock_monotonic(), cpu = clock_cpu();
    for (uint64_t i = 0; clock_monotonic() - wall < NANOS_S / 2; i++) {
        const struct telemetry_batch *b = samples[i % REQUESTS].batch;
        bytes += encode(form, &scratch, b, &out, &wire);
        items += telemetry_batch_rows(b);
    }
    double s = (double)(clock_monotonic() - wall) / 1e9, us = (double)(clock_cpu() - cpu) / 1e3;
    printf("export_%s_%-8s %10.0f items/s  %.3f core-us/item  %.0f B/item\n", signal_name(signal),
           names[form], (double)items / s, us / (double)items, (double)bytes / (double)items);
    arena_done(&scratch);
    buf_done(&out);
    buf_done(&wire);
}

int main(void)
{
    for (int signal = 0; signal < SIGNAL_COUNT; signal++) {
        struct sample samples[REQUESTS];
        make((enum signal_kind)signal, samples);
        for (int form = 0; form < FORMS; form++)
            run((enum signal_kind)signal, (enum form)form, samples);
        for (int i = 0; i < REQUESTS; i++) {
            arena_done(&samples[i].arena);
            free(samples[i].bytes);
        }
    }
    return 0;
}
