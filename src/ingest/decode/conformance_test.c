/* The published examples: protobuf and JSON decode to equal batches with nothing rejected. */
#include <stdio.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

static void decode_file(struct decoded *d, const char *dir, const char *name, const char *ending,
                        enum signal_kind signal)
{
    char path[512];
    snprintf(path, sizeof path, "%s/otlp/examples/%s.%s", dir, name, ending);
    str text = test_read_file(path);
    CHECK(text.len > 0);
    decode_sample(d, signal, ending[0] == 'j' ? PAYLOAD_JSON : PAYLOAD_PROTOBUF, text, NULL);
    if (d->status != ST_OK) fprintf(stderr, "%s: %s\n", path, d->err.msg);
    CHECK_INT(d->status, ST_OK);
    CHECK_STR(d->batch->first_rejection, S(""));
}

static void example(const char *dir, const char *name, enum signal_kind signal, uint32_t rows)
{
    struct decoded pb, json;
    decode_file(&pb, dir, name, "pb", signal);
    decode_file(&json, dir, name, "json", signal);
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
