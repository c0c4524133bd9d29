/* rollup_oracle: random data points, and what every window of theirs should be, computed from them
 * one by one: the plain version of src/lifecycle/rollups. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { BUCKETS = 4, SPREAD = 64 };

struct side {
    int32_t offset, n;
    uint64_t counts[SPREAD];
};

/* A row of otel_metrics. */
struct point {
    int64_t t; /* ms */
    bool gone; /* a marker that ends the series */
    double value, sum, min, max;
    uint64_t count, buckets[BUCKETS], zero_count;
    int32_t scale;
    struct side positive, negative;
};

struct oracle_series {
    uint64_t id;
    int type; /* as stored: 1 gauge, 2 sum, 3 histogram, 4 exponential, 5 summary */
    bool delta;
    struct point *points; /* in the order of their times, each time once */
    unsigned n;
};

/* Deterministic: the same seed gives the same numbers. */
uint32_t oracle_random(uint64_t *seed, uint32_t below);

/* Points every 15 s or so from `from` to `to` (ms), with gaps, resets and markers. */
void oracle_fill(struct oracle_series *s, uint64_t *seed, int64_t from, int64_t to);

/* (a, b, ...) for INSERT ... VALUES with the columns of ORACLE_COLUMNS. */
#define ORACLE_COLUMNS                                                                        \
    "timestamp, metric_name, series_id, type, flags, present, value, int_value, count, sum, " \
    "min, max, bucket_counts, scale, zero_count, positive_offset, positive_counts, "          \
    "negative_offset, negative_counts, quantiles, quantile_values"
void oracle_values(struct buf *out, const struct oracle_series *s, const struct point *p);

/* A line for each window of `width` s that has samples, as ORACLE_SELECT gives it. */
#define ORACLE_SELECT                                                                             \
    "SELECT toUnixTimestamp(time), series_id, type, flags, present, samples, "                    \
    "toUnixTimestamp64Milli(first_timestamp), toUnixTimestamp64Milli(last_timestamp), min, max, " \
    "sum, first, last, increase, first_count, last_count, count_increase, first_le, last_le, "    \
    "le_increase, first_exponential, last_exponential, exponential_increase.scale, "              \
    "exponential_increase.zero_count, "                                                           \
    "arrayFilter(x -> x.2 != 0, arrayZip(exponential_increase.positive_index, "                   \
    "exponential_increase.positive_counts)), "                                                    \
    "arrayFilter(x -> x.2 != 0, arrayZip(exponential_increase.negative_index, "                   \
    "exponential_increase.negative_counts)), quantile_values"
void oracle_windows(struct buf *out, const struct oracle_series *s, int64_t width);
