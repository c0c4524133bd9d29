/* Requests of our own that use every field, and a comparison of two batches. For the tests here. */
#pragma once

#include "base/pb_out.h"
#include "ingest/decode/decode.h"

#define SAMPLE_TIME 1700000000000000000u

/* Writes a request of the signal into `out` (initialised by the caller). */
void sample_request(enum signal_kind signal, struct buf *out);

void put_attr_str(struct pb_out *p, uint32_t field, str key, str value);
void put_attr_int(struct pb_out *p, uint32_t field, str key, int64_t value);
/* Opens the KeyValue `key` and its AnyValue; end both with pb_end twice. */
void begin_attr(struct pb_out *p, uint32_t field, str key);

/* A minimal valid span, in the innermost open message. */
void put_span_ids(struct pb_out *p, str trace_id, str span_id);

/* Fails the test, saying where, unless the two batches hold the same. */
void check_equal_batches(const struct telemetry_batch *a, const struct telemetry_batch *b);

struct decoded {
    struct arena arena;
    struct err err;
    status status;
    struct telemetry_batch *batch;
    char *body; /* a copy of its own size: reading past it is seen */
    size_t len;
};

void decode_sample(struct decoded *d, enum signal_kind signal, enum payload_format format, str body,
                   const struct decode_options *opt);
void decoded_done(struct decoded *d);
