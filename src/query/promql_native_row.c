#include "query/promql_native_row.h"

#include <math.h>
#include <string.h>

bool native_row_columns(const struct native_block *b, struct native_row_columns *ret)
{
    *ret = (struct native_row_columns){.count = native_find(b, S("count")),
                                       .sum = native_find(b, S("sum")),
                                       .scale = native_find(b, S("scale")),
                                       .zero_count = native_find(b, S("zero_count")),
                                       .zero_threshold = native_find(b, S("zero_threshold")),
                                       .positive_offset = native_find(b, S("positive_offset")),
                                       .positive_counts = native_find(b, S("positive_counts")),
                                       .negative_offset = native_find(b, S("negative_offset")),
                                       .negative_counts = native_find(b, S("negative_counts"))};
    return ret->count && ret->sum && ret->scale && ret->zero_count && ret->zero_threshold &&
           ret->positive_offset && ret->positive_counts && ret->negative_offset &&
           ret->negative_counts;
}

/* OTLP's bucket i begins where Prometheus' bucket i + 1 does. `by` schemas coarser. */
static struct histogram_side side(struct arena *a, int64_t offset,
                                  const struct native_column *counts, uint64_t row, int32_t by)
{
    uint64_t from = native_begin(counts, row), n = native_end(counts, row) - from;
    if (n == 0) return (struct histogram_side){0};
    int64_t first = offset >> by, last = (offset + (int64_t)n - 1) >> by;
    uint32_t width = (uint32_t)(last - first + 1);
    double *out = arena_array(a, double, width);
    memset(out, 0, width * sizeof *out);
    for (uint64_t i = 0; i < n; i++)
        out[((offset + (int64_t)i) >> by) - first] +=
            (double)native_u64(&counts->child[0], from + i);
    return histogram_side_trimmed((int32_t)first + 1, out, width);
}

const struct histogram *native_row_histogram(struct arena *a, const struct native_row_columns *c,
                                             uint64_t row, bool has_sum)
{
    int64_t scale = native_i64(c->scale, row);
    if (scale < HISTOGRAM_SCHEMA_MIN) return NULL;
    int32_t by = scale > HISTOGRAM_SCHEMA_MAX ? (int32_t)(scale - HISTOGRAM_SCHEMA_MAX) : 0;
    if (by > 31) by = 31;
    double zero = native_f64(c->zero_threshold, row);
    struct histogram *h = arena_new(a, struct histogram);
    *h = (struct histogram){
        .schema = (int32_t)(scale - by > HISTOGRAM_SCHEMA_MAX ? HISTOGRAM_SCHEMA_MAX : scale - by),
        .zero_threshold = zero > 0        ? zero
                          : signbit(zero) ? 0
                                          : 1e-128, /* see the header */
        .zero_count = (double)native_u64(c->zero_count, row),
        .count = (double)native_u64(c->count, row),
        .sum = has_sum ? native_f64(c->sum, row) : 0,
        .positive = side(a, native_i64(c->positive_offset, row), c->positive_counts, row, by),
        .negative = side(a, native_i64(c->negative_offset, row), c->negative_counts, row, by)};
    return h;
}

const struct histogram *native_row_custom(struct arena *a, const double *bounds, uint32_t n_bounds,
                                          double *counts, uint32_t n_counts, double count,
                                          double sum)
{
    struct histogram *h = arena_new(a, struct histogram);
    if (n_bounds && isinf(bounds[n_bounds - 1])) { /* what is beyond is in it */
        if (n_counts == n_bounds + 1) counts[n_bounds - 1] += counts[n_bounds];
        if (n_counts > n_bounds) n_counts = n_bounds;
        n_bounds--;
    }
    *h = (struct histogram){.schema = HISTOGRAM_CUSTOM,
                            .count = count,
                            .sum = sum,
                            .positive = histogram_side_trimmed(0, counts, n_counts),
                            .custom = bounds,
                            .n_custom = n_bounds};
    return h;
}
