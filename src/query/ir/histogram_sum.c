/* Adding histograms up: layouts are brought together first (the coarser schema, the wider zero
 * bucket, the custom bounds both have), then cells are added one by one. */
#include <float.h>
#include <math.h>

#include "query/ir/histogram.h"

enum { INDEX_MOST = 300000 }; /* no finite bound of any schema lies beyond it */

struct histogram_side histogram_side_trimmed(int32_t offset, const double *counts, uint32_t n)
{
    while (n > 0 && counts[n - 1] == 0) n--;
    uint32_t skip = 0;
    while (skip < n && counts[skip] == 0) skip++;
    if (skip == n) return (struct histogram_side){0};
    return (struct histogram_side){offset + (int32_t)skip, n - skip, counts + skip};
}

/* 2^(part / 2^schema) as Prometheus' tables have it, to the bit: the product of the roots of two
 * whose powers are set in `part`, from the square root down. That one is rounded down there. */
static double root_of_two(int64_t part, int32_t schema)
{
    static const double roots[] = {0x1.6a09e667f3bccp+0, 0x1.306fe0a31b715p+0, 0x1.172b83c7d517bp+0,
                                   0x1.0b5586cf9890fp+0, 0x1.059b0d3158574p+0, 0x1.02c9a3e778061p+0,
                                   0x1.0163da9fb3335p+0, 0x1.00b1afa5abcbfp+0};
    double v = 1;
    for (int32_t i = 0; i < schema; i++)
        if (part >> (schema - 1 - i) & 1) v *= roots[i];
    return v;
}

double histogram_bound(int64_t index, int32_t schema)
{
    if (schema <= 0) {
        int64_t e = index * ((int64_t)1 << -schema);
        if (e >= 1024) return DBL_MAX;
        return ldexp(1, e < -5000 ? -5000 : (int)e);
    }
    int64_t e = index >> schema, part = index & (((int64_t)1 << schema) - 1);
    if (e >= 1024) return DBL_MAX;
    return ldexp(root_of_two(part, schema), e < -5000 ? -5000 : (int)e);
}

static void cell_add(struct histogram_cell *c, double v, bool exact)
{
    double t = c->v + v;
    if (!exact || isinf(t))
        c->lost = 0;
    else if (fabs(c->v) >= fabs(v))
        c->lost += (c->v - t) + v;
    else
        c->lost += (v - t) + c->v;
    c->v = t;
}

static void cell_join(struct histogram_cell *to, struct histogram_cell from, bool exact)
{
    cell_add(to, from.v, exact);
    to->lost += from.lost;
}

/* Room for [from, to). */
static void cells_cover(struct arena *a, struct histogram_cells *c, int32_t from, int32_t to)
{
    if (c->n == 0) {
        c->offset = from;
        c->n = 0;
    }
    int32_t low = c->n && c->offset < from ? c->offset : from;
    int32_t high = c->n && c->offset + (int32_t)c->n > to ? c->offset + (int32_t)c->n : to;
    uint32_t n = (uint32_t)(high - low);
    if (c->n == n) return;
    if (n <= c->cap && low == c->offset) {
        memset(c->cells + c->n, 0, (n - c->n) * sizeof *c->cells);
    } else {
        uint32_t cap = n + n / 2 + 8;
        struct histogram_cell *cells = arena_array(a, struct histogram_cell, cap);
        memset(cells, 0, cap * sizeof *cells);
        if (c->n) memcpy(cells + (c->offset - low), c->cells, c->n * sizeof *cells);
        c->cells = cells;
        c->cap = cap;
        c->offset = low;
    }
    c->n = n;
}

static int32_t coarser(int64_t index, int32_t by) { return (int32_t)(((index - 1) >> by) + 1); }

static void cells_coarsen(struct arena *a, struct histogram_cells *c, int32_t by, bool exact)
{
    struct histogram_cells old = *c;
    *c = (struct histogram_cells){0};
    if (!old.n) return;
    cells_cover(a, c, coarser(old.offset, by), coarser((int64_t)old.offset + old.n - 1, by) + 1);
    for (uint32_t i = 0; i < old.n; i++)
        cell_join(&c->cells[coarser((int64_t)old.offset + i, by) - c->offset], old.cells[i], exact);
}

/* ---- the zero bucket ---- */

/* A zero bucket as wide as `*io_threshold`, or wider when that would cut a bucket in use: adds what
 * it takes in to *io_count. `count(i)` is what bucket i of a side holds. Spec: "Zero bucket". */
struct zero_view {
    int32_t schema;
    const struct histogram_sum *sum; /* one of the two */
    const struct histogram *of;
};

static void view_side(const struct zero_view *v, bool negative, int32_t *offset, uint32_t *n)
{
    if (v->sum) {
        const struct histogram_cells *c = negative ? &v->sum->negative : &v->sum->positive;
        *offset = c->offset, *n = c->n;
    } else {
        const struct histogram_side *s = negative ? &v->of->negative : &v->of->positive;
        *offset = s->offset, *n = s->n;
    }
}

static struct histogram_cell view_cell(const struct zero_view *v, bool negative, uint32_t i)
{
    if (v->sum) return (negative ? &v->sum->negative : &v->sum->positive)->cells[i];
    return (struct histogram_cell){(negative ? &v->of->negative : &v->of->positive)->counts[i], 0};
}

static struct histogram_cell zero_widened(const struct zero_view *v, struct histogram_cell zero,
                                          double *io_threshold, bool exact)
{
    for (;;) {
        struct histogram_cell count = zero;
        bool again = false;
        for (int side = 0; side < 2 && !again; side++) {
            int32_t offset;
            uint32_t n;
            view_side(v, side, &offset, &n);
            for (uint32_t i = 0; i < n; i++) {
                int64_t index = (int64_t)offset + i;
                if (histogram_bound(index - 1, v->schema) >= *io_threshold) break;
                struct histogram_cell c = view_cell(v, side, i);
                cell_join(&count, c, exact);
                double upper = histogram_bound(index, v->schema);
                if (upper <= *io_threshold) continue;
                if (c.v != 0) {
                    *io_threshold = upper;
                    again = side == 1; /* the positive side has been read with the narrower one */
                }
                break;
            }
        }
        if (!again) return count;
    }
}

static void cells_clear_below(struct histogram_cells *c, int32_t schema, double threshold)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (histogram_bound((int64_t)c->offset + i - 1, schema) >= threshold) break;
        c->cells[i] = (struct histogram_cell){0};
    }
}

/* Both zero buckets as wide as each other; returns what the other's holds then. */
static double reconcile_zero(struct histogram_sum *s, const struct histogram *h)
{
    struct histogram_cell other = {h->zero_count, 0};
    double threshold = h->zero_threshold;
    while (threshold != s->zero_threshold) {
        if (s->zero_threshold > threshold) {
            struct zero_view v = {.schema = h->schema, .of = h};
            threshold = s->zero_threshold;
            other = zero_widened(&v, (struct histogram_cell){h->zero_count, 0}, &threshold, false);
        }
        if (threshold > s->zero_threshold) {
            struct zero_view v = {.schema = s->schema, .sum = s};
            double wider = threshold;
            s->zero = zero_widened(&v, s->zero, &wider, s->exact);
            s->zero_threshold = wider;
            cells_clear_below(&s->positive, s->schema, wider);
            cells_clear_below(&s->negative, s->schema, wider);
        }
    }
    return other.v;
}

/* ---- adding ---- */

static void add_side(struct arena *a, struct histogram_sum *s, struct histogram_cells *to,
                     const struct histogram_side *from, const struct histogram *h, double times)
{
    int32_t by = h->schema - s->schema; /* the sum's schema is the coarser by now */
    for (uint32_t i = 0; i < from->n; i++) {
        int64_t index = (int64_t)from->offset + i;
        if (from->counts[i] == 0 || index > INDEX_MOST || index < -INDEX_MOST) continue;
        if (histogram_bound(index, h->schema) <= s->zero_threshold)
            continue; /* in the zero bucket */
        int32_t at = coarser(index, by);
        cells_cover(a, to, at, at + 1);
        cell_add(&to->cells[at - to->offset], times * from->counts[i], s->exact);
    }
}

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* To the bit. */
static bool same_bounds(const double *x, uint32_t n_x, const double *y, uint32_t n_y)
{
    if (n_x != n_y) return false;
    for (uint32_t i = 0; i < n_x; i++)
        if (bits_of(x[i]) != bits_of(y[i])) return false;
    return true;
}

/* Bucket of the bounds that holds all of a bucket whose upper bound is old[i]. */
static uint32_t bucket_in(const double *bounds, uint32_t n, const double *old, uint32_t n_old,
                          uint32_t i)
{
    uint32_t at = 0;
    if (i >= n_old) return n;
    while (at < n && bounds[at] < old[i]) at++;
    return at;
}

static void reconcile_custom(struct arena *a, struct histogram_sum *s, const struct histogram *h)
{
    double *common = arena_array(a, double, s->n_custom + 1);
    uint32_t n = 0;
    for (uint32_t i = 0, k = 0; i < s->n_custom && k < h->n_custom;) {
        if (s->custom[i] == h->custom[k]) {
            common[n++] = s->custom[i];
            i++, k++;
        } else if (s->custom[i] < h->custom[k])
            i++;
        else
            k++;
    }
    struct histogram_cells old = s->positive;
    s->positive = (struct histogram_cells){0};
    cells_cover(a, &s->positive, 0, (int32_t)n + 1);
    for (uint32_t i = 0; i < old.n; i++)
        cell_join(&s->positive.cells[bucket_in(common, n, s->custom, s->n_custom,
                                               (uint32_t)old.offset + i)],
                  old.cells[i], s->exact);
    s->custom = common;
    s->n_custom = n;
    s->reconciled = true;
}

static void add_custom(struct arena *a, struct histogram_sum *s, const struct histogram *h,
                       double times)
{
    if (!same_bounds(s->custom, s->n_custom, h->custom, h->n_custom)) reconcile_custom(a, s, h);
    for (uint32_t i = 0; i < h->positive.n; i++) {
        uint32_t at = bucket_in(s->custom, s->n_custom, h->custom, h->n_custom,
                                (uint32_t)h->positive.offset + i);
        cells_cover(a, &s->positive, (int32_t)at, (int32_t)at + 1);
        cell_add(&s->positive.cells[(int32_t)at - s->positive.offset],
                 times * h->positive.counts[i], s->exact);
    }
}

/* Spec: "Counter reset hints" under addition. */
static void join_hints(struct histogram_sum *s, enum histogram_hint hint)
{
    if (s->hint == hint || s->hint == HINT_GAUGE) return;
    if (hint == HINT_GAUGE) {
        s->hint = HINT_GAUGE;
        return;
    }
    s->resets_collide |= s->hint != HINT_UNKNOWN && hint != HINT_UNKNOWN;
    s->hint = HINT_UNKNOWN;
}

void histogram_sum_add(struct arena *a, struct histogram_sum *s, const struct histogram *h,
                       double times)
{
    if (!s->any) {
        s->any = true;
        s->schema = h->schema;
        s->hint = h->hint;
        s->zero_threshold = h->zero_threshold;
        s->custom = h->custom;
        s->n_custom = h->n_custom;
    }
    if ((s->schema == HISTOGRAM_CUSTOM) != histogram_is_custom(h)) s->incompatible = true;
    if (s->incompatible) return;
    join_hints(s, h->hint);
    cell_add(&s->count, times * h->count, s->exact);
    cell_add(&s->sum, times * h->sum, s->exact);
    if (histogram_is_custom(h)) {
        add_custom(a, s, h, times);
        return;
    }
    cell_add(&s->zero, times * reconcile_zero(s, h), s->exact);
    if (h->schema < s->schema) {
        cells_coarsen(a, &s->positive, s->schema - h->schema, s->exact);
        cells_coarsen(a, &s->negative, s->schema - h->schema, s->exact);
        s->schema = h->schema;
    }
    add_side(a, s, &s->positive, &h->positive, h, times);
    add_side(a, s, &s->negative, &h->negative, h, times);
}

static void cells_scale(struct histogram_cells *c, double by)
{
    for (uint32_t i = 0; i < c->n; i++) {
        c->cells[i].v *= by;
        c->cells[i].lost *= by;
    }
}

void histogram_sum_scale(struct histogram_sum *s, double by)
{
    struct histogram_cell *const cells[] = {&s->zero, &s->count, &s->sum};
    for (int i = 0; i < 3; i++) {
        cells[i]->v *= by;
        cells[i]->lost *= by;
    }
    cells_scale(&s->positive, by);
    cells_scale(&s->negative, by);
}

static bool cells_overflow(const struct histogram_cells *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (isinf(c->cells[i].v)) return true;
    return false;
}

bool histogram_sum_overflows(const struct histogram_sum *s)
{
    return isinf(s->zero.v) || isinf(s->count.v) || isinf(s->sum.v) ||
           cells_overflow(&s->positive) || cells_overflow(&s->negative);
}

static void cells_copy(struct arena *a, struct histogram_cells *c)
{
    struct histogram_cell *cells = arena_array(a, struct histogram_cell, c->n + 1);
    if (c->n) memcpy(cells, c->cells, c->n * sizeof *cells);
    c->cells = cells;
    c->cap = c->n;
}

struct histogram_sum histogram_sum_copy(struct arena *a, const struct histogram_sum *s)
{
    struct histogram_sum out = *s;
    cells_copy(a, &out.positive);
    cells_copy(a, &out.negative);
    return out;
}

static double cell_value(struct histogram_cell c) { return isinf(c.v) ? c.v : c.v + c.lost; }

static struct histogram_side side_of(struct arena *a, const struct histogram_cells *c)
{
    double *counts = arena_array(a, double, c->n + 1);
    for (uint32_t i = 0; i < c->n; i++) counts[i] = cell_value(c->cells[i]);
    return histogram_side_trimmed(c->offset, counts, c->n);
}

const struct histogram *histogram_sum_value(struct arena *a, const struct histogram_sum *s)
{
    struct histogram *h = arena_new(a, struct histogram);
    *h = (struct histogram){.schema = s->schema,
                            .hint = s->hint,
                            .zero_threshold = s->zero_threshold,
                            .zero_count = cell_value(s->zero),
                            .count = cell_value(s->count),
                            .sum = cell_value(s->sum),
                            .positive = side_of(a, &s->positive),
                            .negative = side_of(a, &s->negative),
                            .custom = s->custom,
                            .n_custom = s->n_custom};
    return h;
}

/* ---- comparing ---- */

static double side_at(const struct histogram_side *s, int64_t index)
{
    int64_t i = index - s->offset;
    return i >= 0 && i < s->n ? s->counts[i] : 0;
}

/* Does any bucket of `before`, in `h`'s layout, hold more than `h`'s? */
static bool side_fell(struct arena *a, const struct histogram_side *h, const struct histogram *of,
                      const struct histogram *before, const struct histogram_side *was,
                      double threshold)
{
    struct histogram_sum s = {.any = true, .schema = of->schema, .zero_threshold = threshold};
    add_side(a, &s, &s.positive, was, before, 1);
    for (uint32_t i = 0; i < s.positive.n; i++)
        if (side_at(h, (int64_t)s.positive.offset + i) < s.positive.cells[i].v) return true;
    return false;
}

static bool custom_fell(struct arena *a, const struct histogram *h, const struct histogram *before)
{
    struct histogram_sum now = {0}, was = {0};
    histogram_sum_add(a, &now, h, 1);
    if (!same_bounds(now.custom, now.n_custom, before->custom, before->n_custom))
        reconcile_custom(a, &now, before);
    was = (struct histogram_sum){
        .any = true, .schema = HISTOGRAM_CUSTOM, .custom = now.custom, .n_custom = now.n_custom};
    add_custom(a, &was, before, 1);
    for (uint32_t i = 0; i <= now.n_custom; i++) {
        int64_t p = (int64_t)i - now.positive.offset, q = (int64_t)i - was.positive.offset;
        double x = p >= 0 && p < now.positive.n ? now.positive.cells[p].v : 0;
        double y = q >= 0 && q < was.positive.n ? was.positive.cells[q].v : 0;
        if (x < y) return true;
    }
    return false;
}

bool histogram_is_reset(struct arena *a, const struct histogram *h, const struct histogram *before)
{
    if (h->hint == HINT_RESET) return true;
    if (h->hint == HINT_NOT_RESET) return false;
    if (histogram_is_custom(h) != histogram_is_custom(before)) return true;
    if (h->count < before->count) return true;
    if (histogram_is_custom(h)) return custom_fell(a, h, before);
    if (h->schema > before->schema || h->zero_threshold < before->zero_threshold) return true;
    struct zero_view v = {.schema = before->schema, .of = before};
    double threshold = h->zero_threshold;
    struct histogram_cell zero = {before->zero_count, 0};
    if (threshold != before->zero_threshold) zero = zero_widened(&v, zero, &threshold, false);
    if (threshold != h->zero_threshold || h->zero_count < zero.v) return true;
    return side_fell(a, &h->positive, h, before, &before->positive, threshold) ||
           side_fell(a, &h->negative, h, before, &before->negative, threshold);
}

enum histogram_hint histogram_hint_after(struct arena *a, const struct histogram *h,
                                         const struct histogram *before)
{
    if (h->hint == HINT_GAUGE) return HINT_GAUGE;
    if (!before || before->hint == HINT_GAUGE || h->hint == HINT_RESET ||
        h->schema != before->schema || h->zero_threshold != before->zero_threshold ||
        !same_bounds(h->custom, h->n_custom, before->custom, before->n_custom))
        return HINT_UNKNOWN;
    struct histogram plain = *h;
    plain.hint = HINT_UNKNOWN;
    return histogram_is_reset(a, &plain, before) ? HINT_UNKNOWN : HINT_NOT_RESET;
}
