/* histogram: Prometheus' native histogram as eval sees it: float counts, exponential buckets
 * (schema -4 to 8) or custom bounds (schema -53). Data and arithmetic; everything lies in the arena
 * given, and a histogram is not changed once made.
 *
 * Bucket i of an exponential schema s covers (2^((i-1) * 2^-s), 2^(i * 2^-s)], mirrored for
 * negative ones; with custom bounds bucket i covers (custom[i-1], custom[i]], the first from -Inf,
 * the one behind the last bound to +Inf. Buckets are dense: counts[k] belongs to bucket offset + k;
 * at both ends there is no empty one.
 *
 * Spec: Prometheus, "Native Histograms" (docs/specs/native_histograms.md). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum { HISTOGRAM_CUSTOM = -53, HISTOGRAM_SCHEMA_MIN = -4, HISTOGRAM_SCHEMA_MAX = 8 };
enum histogram_hint { HINT_UNKNOWN, HINT_RESET, HINT_NOT_RESET, HINT_GAUGE };

struct histogram_side {
    int32_t offset;
    uint32_t n;
    const double *counts;
};

struct histogram {
    int32_t schema;
    enum histogram_hint hint;
    double zero_threshold, zero_count, count, sum;
    struct histogram_side positive, negative; /* custom bounds: positive only */
    const double *custom;                     /* upper bounds, ascending */
    uint32_t n_custom;
};

static inline bool histogram_is_custom(const struct histogram *h)
{
    return h->schema == HISTOGRAM_CUSTOM;
}

/* Without empty buckets at the ends. */
struct histogram_side histogram_side_trimmed(int32_t offset, const double *counts, uint32_t n);

/* The upper bound of a bucket of an exponential schema (at most 8), to the bit as in Prometheus. */
double histogram_bound(int64_t index, int32_t schema);

/* A sum of histograms in the making. Zeroed: nothing yet. With `exact` what each addition loses to
 * rounding is kept beside the sum (Neumaier) and added at the end. */
struct histogram_sum {
    bool any, exact;
    bool incompatible;   /* custom bounds and exponential buckets met: the sum means nothing */
    bool resets_collide; /* hints said "reset" and "not reset" */
    bool reconciled;     /* custom bounds differed: only the common ones are left */
    int32_t schema;
    enum histogram_hint hint;
    double zero_threshold;
    struct histogram_cell {
        double v, lost;
    } zero, count, sum;
    struct histogram_cells {
        int32_t offset;
        uint32_t n, cap; /* cells[0 .. n) are in use */
        struct histogram_cell *cells;
    } positive, negative;
    const double *custom;
    uint32_t n_custom;
};
/* Adds `times` (1 or -1) the histogram. */
void histogram_sum_add(struct arena *a, struct histogram_sum *s, const struct histogram *h,
                       double times);
void histogram_sum_scale(struct histogram_sum *s, double by);
bool histogram_sum_overflows(const struct histogram_sum *s); /* something is infinite */
struct histogram_sum histogram_sum_copy(struct arena *a, const struct histogram_sum *s);
const struct histogram *histogram_sum_value(struct arena *a, const struct histogram_sum *s);

const struct histogram *histogram_mul(struct arena *a, const struct histogram *h, double by);
const struct histogram *histogram_div(struct arena *a, const struct histogram *h, double by);
const struct histogram *histogram_with_hint(struct arena *a, const struct histogram *h,
                                            enum histogram_hint hint);

bool histogram_equal(const struct histogram *x, const struct histogram *y); /* hints aside */

/* Was the counter reset between `before` and `h`? */
bool histogram_is_reset(struct arena *a, const struct histogram *h, const struct histogram *before);

/* What a store knows of counter resets: a histogram that goes on from the one before it (`before`,
 * NULL when there is none or a number came between) says so, any other says nothing. Gauges stay.
 */
enum histogram_hint histogram_hint_after(struct arena *a, const struct histogram *h,
                                         const struct histogram *before);

struct histogram_bucket {
    double lower, upper, count;
};

/* The buckets that are not empty, from the lowest to the highest, the zero bucket between the sides
 * and the others clipped where it reaches into them. Returns how many; in the arena. */
uint32_t histogram_buckets(struct arena *a, const struct histogram *h,
                           struct histogram_bucket **ret);

/* Takes away what lies above (`above`) or below `at`; a bucket around it is cut by interpolation.
 */
const struct histogram *histogram_cut(struct arena *a, const struct histogram *h, double at,
                                      bool above);

/* "{count:4, sum:5, (0.5,1]:1, ...}", as Prometheus prints one. */
void histogram_print(struct buf *out, const struct histogram *h);
