/* The published examples: protobuf and JSON decode to equal batches with nothing rejected, and no
 * beginning of one is taken for a whole one. */
#include <stdio.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

static str read_example(const char *dir, const char *name, enum payload_format format)
{
    char path[512];
    snprintf(path, sizeof path, "%s/otlp/examples/%s.%s", dir, name,
             format == PAYLOAD_JSON ? "json" : "pb");
    str text = test_read_file(path);
    CHECK(text.len > 0);
    return text;
}

static void decode_file(struct decoded *d, const char *dir, const char *name,
                        enum payload_format format, enum signal_kind signal)
{
    decode_sample(d, signal, format, read_example(dir, name, format), NULL);
    if (d->status != ST_OK) fprintf(stderr, "%s: %s\n", name, d->err.msg);
    CHECK_INT(d->status, ST_OK);
    CHECK_STR(d->batch->first_rejection, S(""));
}

static void example(const char *dir, const char *name, enum signal_kind signal, uint32_t rows)
{
    struct decoded pb, json;
    decode_file(&pb, dir, name, PAYLOAD_PROTOBUF, signal);
    decode_file(&json, dir, name, PAYLOAD_JSON, signal);
    CHECK_INT(telemetry_batch_rows(pb.batch), rows);
    check_equal_batches(pb.batch, json.batch);
    decoded_done(&pb);
    decoded_done(&json);
}

TEST(decode_of_the_published_examples_is_the_same_from_both_formats)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    example(dir, "trace", SIGNAL_TRACES, 1);
    example(dir, "logs", SIGNAL_LOGS, 1);
    example(dir, "events", SIGNAL_LOGS, 1);
    example(dir, "metrics", SIGNAL_METRICS, 4);
}

/* Each has one group of items, so that only nothing at all is a request too. */
static void truncations(const char *dir, const char *name, enum signal_kind signal)
{
    for (int i = 0; i < 2; i++) {
        enum payload_format format = i ? PAYLOAD_JSON : PAYLOAD_PROTOBUF;
        str whole = read_example(dir, name, format);
        while (i && whole.ptr[whole.len - 1] != '}') whole.len--;
        for (size_t n = 1; n < whole.len; n++) {
            struct decoded d;
            decode_sample(&d, signal, format, (str){whole.ptr, n}, NULL);
            CHECK_INT(d.status, ST_INVALID);
            CHECK(d.err.pos <= n && d.err.msg[0]);
            decoded_done(&d);
        }
    }
}

TEST(decode_of_every_truncation_of_the_published_examples_is_refused_with_its_place)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    truncations(dir, "trace", SIGNAL_TRACES);
    truncations(dir, "logs", SIGNAL_LOGS);
    truncations(dir, "events", SIGNAL_LOGS);
    truncations(dir, "metrics", SIGNAL_METRICS);
}
