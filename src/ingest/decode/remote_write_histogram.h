/* A native histogram of remote write as an OTLP ExponentialHistogramDataPoint; and the bits and
 * pieces of values. Private to decode. */
#pragma once

#include "base/arena.h"
#include "base/pb_out.h"

struct rw_buckets {
    int32_t offset; /* OTLP's: bucket i is (base^i, base^(i+1)] */
    uint64_t *counts;
    double *exact; /* of a histogram of float counts */
    uint32_t n;
};

struct rw_histogram {
    uint64_t count, zero_count;
    double exact_count, exact_zero_count; /* of one of float counts */
    double sum, zero_threshold;
    int32_t schema;
    struct rw_buckets positive, negative;
    double *bounds; /* of schema -53, custom buckets */
    uint32_t n_bounds;
    unsigned hint;            /* POINT_HINT_... */
    bool is_float;            /* it came with float counts */
    bool fractional;          /* and they are no whole numbers: `counts` are the nearest ones */
    int64_t timestamp, start; /* ms */
};

/* NULL, or why it cannot be stored. *ret_bad: where it is malformed. */
const char *rw_histogram_read(struct arena *a, str msg, struct rw_histogram *ret,
                              const uint8_t **ret_bad);
/* The members of the data point that hold counts. A zero threshold of nothing is written as -0:
 * OTLP's 0 is one that was not said. What OTLP has no word for goes into a field of ours. */
void rw_histogram_put(struct pb_out *out, const struct rw_histogram *h);

/* Prometheus' NaN that ends a series. */
bool rw_is_stale(double v);

/* A label trace_id or span_id of the right length is the Exemplar's id: written, true. */
bool rw_exemplar_id(struct pb_out *out, str name, str value);
