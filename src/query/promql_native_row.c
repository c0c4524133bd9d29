#include "query/promql_native_row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/batch.h"

/* As they are stored. */
static_assert(HINT_RESET == (int)POINT_HINT_RESET && HINT_NOT_RESET == (int)POINT_HINT_NOT_RESET &&
              HINT_GAUGE == (int)POINT_HINT_GAUGE && HISTOGRAM_CUSTOM == (int)POINT_CUSTOM_SCALE);

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
                                       .negative_counts = native_find(b, S("negative_counts")),
                                       .bounds = native_find(b, S("quantiles")),
                                       .exact = native_find(b, S("quantile_values"))};
    return ret->count && ret->sum && ret->scale && ret->zero_count && ret->zero_threshold &&
           ret->positive_offset && ret->positive_counts && ret->negative_offset &&
           ret->negative_counts;
}

/* The counts of one side: whole ones, or exact[at ..]. */
struct side_source {
    int64_t offset;
    const struct native_column *counts, *exact;
    uint64_t at;
};

/* OTLP's bucket i begins where Prometheus' bucket i + 1 does. `by` schemas coarser. */
static struct histogram_side side(struct arena *a, const struct side_source *s, uint64_t row,
                                  int32_t by)
{
    uint64_t from = native_begin(s->counts, row), n = native_end(s->counts, row) - from;
    if (n == 0) return (struct histogram_side){0};
    int64_t first = s->offset >> by, last = (s->offset + (int64_t)n - 1) >> by;
    uint32_t width = (uint32_t)(last - first + 1);
    double *out = arena_array(a, double, width);
    memset(out, 0, width * sizeof *out);
    for (uint64_t i = 0; i < n; i++)
        out[((s->offset + (int64_t)i) >> by) - first] +=
            s->exact ? native_f64(s->exact, s->at + i)
                     : (double)native_u64(&s->counts->child[0], from + i);
    return histogram_side_trimmed((int32_t)first + 1, out, width);
}

static uint64_t run(const struct native_column *c, uint64_t row)
{
    return c ? native_end(c, row) - native_begin(c, row) : 0;
}

/* False: the buckets do not fit them. */
static bool custom_bounds(struct arena *a, const struct native_row_columns *c, uint64_t row,
                          struct histogram *h)
{
    uint64_t n = run(c->bounds, row);
    double *bounds = arena_array(a, double, n + 1);
    for (uint64_t i = 0; i < n; i++)
        bounds[i] = native_f64(&c->bounds->child[0], native_begin(c->bounds, row) + i);
    h->schema = HISTOGRAM_CUSTOM;
    h->zero_threshold = 0;
    h->custom = bounds;
    h->n_custom = (uint32_t)n;
    return !h->negative.n &&
           (!h->positive.n || (h->positive.offset >= 0 &&
                               h->positive.offset + (int64_t)h->positive.n <= (int64_t)n + 1));
}

const struct histogram *native_row_histogram(struct arena *a, const struct native_row_columns *c,
                                             uint64_t row, uint64_t present)
{
    int64_t scale = native_i64(c->scale, row);
    bool custom = scale == POINT_CUSTOM_SCALE;
    if (scale < HISTOGRAM_SCHEMA_MIN && !custom) return NULL;
    int32_t by = scale > HISTOGRAM_SCHEMA_MAX ? (int32_t)(scale - HISTOGRAM_SCHEMA_MAX) : 0;
    if (by > 31) by = 31;
    uint64_t n_positive = run(c->positive_counts, row), n_negative = run(c->negative_counts, row);
    bool exact = present & POINT_FRACTIONAL && run(c->exact, row) == 2 + n_positive + n_negative;
    const struct native_column *counts = exact ? &c->exact->child[0] : NULL;
    uint64_t at = exact ? native_begin(c->exact, row) : 0;
    const struct side_source positive = {native_i64(c->positive_offset, row), c->positive_counts,
                                         counts, at + 2},
                             negative = {native_i64(c->negative_offset, row), c->negative_counts,
                                         counts, at + 2 + n_positive};
    double zero = native_f64(c->zero_threshold, row);
    struct histogram *h = arena_new(a, struct histogram);
    *h = (struct histogram){
        .schema = (int32_t)(scale - by > HISTOGRAM_SCHEMA_MAX ? HISTOGRAM_SCHEMA_MAX : scale - by),
        .hint = (enum histogram_hint)(present >> POINT_HINT_SHIFT & 3),
        .zero_threshold = zero > 0        ? zero
                          : signbit(zero) ? 0
                                          : 1e-128, /* see the header */
        .zero_count = exact ? native_f64(counts, at + 1) : (double)native_u64(c->zero_count, row),
        .count = exact ? native_f64(counts, at) : (double)native_u64(c->count, row),
        .sum = present & POINT_HAS_SUM ? native_f64(c->sum, row) : 0,
        .positive = side(a, &positive, row, by),
        .negative = side(a, &negative, row, by)};
    return !custom || custom_bounds(a, c, row, h) ? h : NULL;
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
