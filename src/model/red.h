/* red: rate, errors and duration of spans per five minutes, service, operation and kind: the rows
 * of otel_traces_red_5m.
 *
 * Taken before sampling thins the spans out: by the process stage in front of its first sampler, or
 * by encode from the rows of the block when there is none. Counts are sums of adjusted counts, so
 * spans that were sampled before they came count for what they stand for. A span that ends before
 * it starts took no time. Pure. */
#pragma once

#include "model/block.h"

enum { RED_SECONDS = 300 };

/* Duration histogram: bucket = floor(log2(ns) * 8), 0 for 0 and 1 ns; ns < 2^63. */
struct red_bucket {
    uint16_t index;
    double count;
};

struct red_row {
    uint32_t time; /* seconds since 1970, a multiple of RED_SECONDS, of the span's start */
    uint8_t kind;
    str service_name, span_name;
    double count, errors;
    double duration_sum; /* ns */
    uint64_t duration_max;
    uint32_t n_buckets;
    struct red_bucket *buckets; /* by index */
};

struct red_rows {
    uint32_t n;
    struct red_row *rows; /* by time, service, span name, kind */
};

/* RED of the batch's spans as they are now. Lies in the arena; strings borrow from the batch. */
struct red_rows *red_take(struct arena *a, const struct telemetry_batch *b);

/* RED of a block of spans: of each batch what was taken before sampling (batch->red), else what its
 * rows say. A function of the block. Lies in the arena; strings borrow from the block. */
struct red_rows *red_of_block(struct arena *a, const struct telemetry_block *b);

unsigned red_bucket_of(uint64_t ns);
