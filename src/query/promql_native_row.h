/* Stored histograms to native ones. Private to query. */
#pragma once

#include "native/reader.h"
#include "query/ir/histogram.h"

struct native_row_columns {
    const struct native_column *count, *sum, *scale, *zero_count, *zero_threshold, *positive_offset,
        *positive_counts, *negative_offset, *negative_counts;
    const struct native_column *bounds, *exact; /* NULL: windows of rollups have none */
};

/* False: the block has not all of them, those that may be NULL aside. */
bool native_row_columns(const struct native_block *b, struct native_row_columns *ret);

/* The row as a histogram of schema -4 to 8 or of custom buckets, in the arena, with the hint that
 * came with it. `present`: the row's (model/batch.h). Finer scales are made coarser; NULL for a
 * coarser one than -4, which Prometheus has no word for. A zero threshold of 0 is one that was not
 * said, and becomes Prometheus' default; -0 is one that is nothing. Spec: Prometheus, OTLP
 * ingestion. */
const struct histogram *native_row_histogram(struct arena *a, const struct native_row_columns *c,
                                             uint64_t row, uint64_t present);

/* An explicit histogram as one of custom buckets: `counts` of each bucket, the last without a
 * bound. Lies in the arena and borrows the bounds. */
const struct histogram *native_row_custom(struct arena *a, const double *bounds, uint32_t n_bounds,
                                          double *counts, uint32_t n_counts, double count,
                                          double sum);
