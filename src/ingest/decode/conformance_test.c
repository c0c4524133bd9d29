/* The published examples: protobuf and JSON decode to equal batches with nothing rejected. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/decode/sample_test.h"
#include "testing/test.h"

static void example(const char *dir, const char *name, enum signal_kind signal, uint32_t rows)
{
    char path[512];
    snprintf(path, sizeof path, "%s/otlp/examples/%s.pb", dir, name);
    str pb = test_read_file(path);
    CHECK(pb.len > 0);
    struct decoded a;
    decode_sample(&a, signal, PAYLOAD_PROTOBUF, pb, NULL);
    if (a.status != ST_OK) fprintf(stderr, "%s: %s\n", name, a.err.msg);
    CHECK_INT(a.status, ST_OK);
    CHECK_STR(a.batch->first_rejection, S(""));
    CHECK_INT(telemetry_batch_rows(a.batch), rows);
    free((char *)pb.ptr);
    decoded_done(&a);
}

TEST(decode_of_the_published_examples_rejects_nothing)
{
    const char *dir = test_conformance_dir();
    if (!dir) return;
    example(dir, "trace", SIGNAL_TRACES, 1);
    example(dir, "logs", SIGNAL_LOGS, 1);
    example(dir, "events", SIGNAL_LOGS, 1);
    example(dir, "metrics", SIGNAL_METRICS, 4);
}
