/* One histogram: scaling, comparing, its buckets, cutting, printing. Sums are in histogram_sum.c.
 */
#include "query/ir/histogram.h"

#include <float.h>
#include <math.h>

#include "base/num.h"

static struct histogram_side side_scaled(struct arena *a, const struct histogram_side *s, double by,
                                         bool divide)
{
    double *counts = arena_array(a, double, s->n + 1);
    for (uint32_t i = 0; i < s->n; i++) counts[i] = divide ? s->counts[i] / by : s->counts[i] * by;
    return histogram_side_trimmed(s->offset, counts, s->n);
}

static const struct histogram *scaled(struct arena *a, const struct histogram *h, double by,
                                      bool divide)
{
    struct histogram *out = arena_new(a, struct histogram);
    *out = *h;
    out->zero_count = divide ? h->zero_count / by : h->zero_count * by;
    out->count = divide ? h->count / by : h->count * by;
    out->sum = divide ? h->sum / by : h->sum * by;
    if (by < 0) out->hint = HINT_GAUGE;
    bool none = divide && by == 0; /* division by zero leaves no buckets */
    out->positive = none ? (struct histogram_side){0} : side_scaled(a, &h->positive, by, divide);
    out->negative = none ? (struct histogram_side){0} : side_scaled(a, &h->negative, by, divide);
    return out;
}

const struct histogram *histogram_mul(struct arena *a, const struct histogram *h, double by)
{
    return scaled(a, h, by, false);
}

const struct histogram *histogram_div(struct arena *a, const struct histogram *h, double by)
{
    return scaled(a, h, by, true);
}

const struct histogram *histogram_with_hint(struct arena *a, const struct histogram *h,
                                            enum histogram_hint hint)
{
    if (h->hint == hint) return h;
    struct histogram *out = arena_new(a, struct histogram);
    *out = *h;
    out->hint = hint;
    return out;
}

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static bool same_f64(double a, double b) { return bits_of(a) == bits_of(b) || a == b; }

static bool same_side(const struct histogram_side *x, const struct histogram_side *y)
{
    if (x->n != y->n || (x->n && x->offset != y->offset)) return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (!same_f64(x->counts[i], y->counts[i])) return false;
    return true;
}

bool histogram_equal(const struct histogram *x, const struct histogram *y)
{
    if (x->schema != y->schema || !same_f64(x->count, y->count) || !same_f64(x->sum, y->sum) ||
        x->n_custom != y->n_custom)
        return false;
    if (!histogram_is_custom(x) &&
        (x->zero_threshold != y->zero_threshold || !same_f64(x->zero_count, y->zero_count)))
        return false;
    for (uint32_t i = 0; i < x->n_custom; i++)
        if (x->custom[i] != y->custom[i]) return false;
    return same_side(&x->positive, &y->positive) && same_side(&x->negative, &y->negative);
}

static struct histogram_bucket custom_bucket(const struct histogram *h, uint32_t k)
{
    int64_t i = (int64_t)h->positive.offset + k;
    return (struct histogram_bucket){.lower = i > 0 ? h->custom[i - 1] : -INFINITY,
                                     .upper = i < h->n_custom ? h->custom[i] : INFINITY,
                                     .count = h->positive.counts[k]};
}

static struct histogram_bucket positive_bucket(const struct histogram *h, uint32_t k)
{
    int64_t i = (int64_t)h->positive.offset + k;
    return (struct histogram_bucket){.lower = histogram_bound(i - 1, h->schema),
                                     .upper = histogram_bound(i, h->schema),
                                     .count = h->positive.counts[k]};
}

static struct histogram_bucket negative_bucket(const struct histogram *h, uint32_t k)
{
    int64_t i = (int64_t)h->negative.offset + k;
    return (struct histogram_bucket){.lower = -histogram_bound(i, h->schema),
                                     .upper = -histogram_bound(i - 1, h->schema),
                                     .count = h->negative.counts[k]};
}

uint32_t histogram_buckets(struct arena *a, const struct histogram *h,
                           struct histogram_bucket **ret)
{
    struct histogram_bucket *out =
        arena_array(a, struct histogram_bucket, h->positive.n + h->negative.n + 1);
    uint32_t n = 0;
    double zero = h->zero_threshold;
    for (uint32_t k = h->negative.n; k-- > 0;) {
        struct histogram_bucket b = negative_bucket(h, k);
        if (b.upper > -zero) b.upper = -zero;
        if (b.count != 0) out[n++] = b;
    }
    if (h->zero_count > 0 && !histogram_is_custom(h))
        out[n++] = (struct histogram_bucket){-zero, zero, h->zero_count};
    for (uint32_t k = 0; k < h->positive.n; k++) {
        bool custom = histogram_is_custom(h);
        struct histogram_bucket b = custom ? custom_bucket(h, k) : positive_bucket(h, k);
        if (!custom && b.lower < zero) b.lower = zero;
        if (b.count != 0) out[n++] = b;
    }
    *ret = out;
    return n;
}

/* ---- cutting ---- */

enum shape { LINEAR, EXPONENTIAL };

struct cut {
    double at;
    bool above; /* what lies above goes */
    bool cut;   /* something went */
    double count, sum;
};

static double middle(const struct histogram_bucket *b, enum shape shape)
{
    if (shape == LINEAR) return (b->lower + b->upper) / 2;
    return b->lower < 0 ? -sqrt(b->lower * b->upper) : sqrt(b->lower * b->upper);
}

/* What part of the bucket lies below the cut, which is inside it. */
static double part_below(const struct histogram_bucket *b, double at, enum shape shape)
{
    if (shape == LINEAR) return (at - b->lower) / (b->upper - b->lower);
    double low = log2(fabs(b->lower)), high = log2(fabs(b->upper)), v = log2(fabs(at));
    return at > 0 ? (v - low) / (high - low) : 1 - (v - high) / (low - high);
}

/* Custom buckets without an end: nothing is known of where in them the observations lie. */
static bool endless(struct cut *c, struct histogram_bucket *b, double *ret_middle)
{
    bool low = isinf(b->lower), high = isinf(b->upper);
    if (low && !high && b->upper > 0 && (c->above || c->at >= 0)) {
        b->lower = 0; /* observations are rarely negative */
        return false;
    }
    if (!low && !high) return false;
    bool all = c->above ? c->at == INFINITY : c->at == -INFINITY;
    bool none = c->above ? c->at == -INFINITY : c->at == INFINITY;
    bool keeps = all || (!none && (c->above ? low && !high : high && !low));
    if (!keeps) {
        c->cut |= b->count != 0;
        b->count = 0;
    }
    double end = low ? b->upper : b->lower;
    *ret_middle = low ? fmin(end, c->at) : fmax(end, c->at);
    if (all) *ret_middle = end;
    return true;
}

/* What is left of a bucket's count. */
static double cut_bucket(struct cut *c, struct histogram_bucket b, enum shape shape)
{
    double mid;
    if (shape == EXPONENTIAL || !endless(c, &b, &mid)) {
        if (b.lower < c->at && c->at < b.upper) {
            double below = part_below(&b, c->at, shape);
            b.count *= c->above ? below : 1 - below;
            *(c->above ? &b.upper : &b.lower) = c->at;
            c->cut = true;
        } else if (c->above ? b.lower >= c->at : b.upper <= c->at) {
            bool is_point = b.lower == c->at && b.upper == c->at;
            if (!is_point) {
                c->cut |= b.count != 0;
                b.count = 0;
            }
        }
        mid = middle(&b, shape);
    }
    c->count += b.count;
    if (b.count != 0) c->sum += b.count * mid;
    return b.count;
}

static double cut_zero(struct cut *c, const struct histogram *h)
{
    struct histogram_bucket b = {-h->zero_threshold, h->zero_threshold, h->zero_count};
    if (h->positive.n && !h->negative.n) b.lower = 0;
    if (h->negative.n && !h->positive.n) b.upper = 0;
    return cut_bucket(c, b, LINEAR);
}

const struct histogram *histogram_cut(struct arena *a, const struct histogram *h, double at,
                                      bool above)
{
    struct cut c = {.at = at, .above = above};
    bool custom = histogram_is_custom(h);
    double *positive = arena_array(a, double, h->positive.n + 1);
    double *negative = arena_array(a, double, h->negative.n + 1);
    struct histogram *out = arena_new(a, struct histogram);
    *out = *h;
    for (uint32_t k = 0; k < h->positive.n; k++)
        positive[k] = cut_bucket(&c, custom ? custom_bucket(h, k) : positive_bucket(h, k),
                                 custom ? LINEAR : EXPONENTIAL);
    for (uint32_t k = 0; k < h->negative.n; k++)
        negative[k] = cut_bucket(&c, negative_bucket(h, k), EXPONENTIAL);
    if (!custom) out->zero_count = cut_zero(&c, h);
    if (!c.cut) return h;
    out->positive = histogram_side_trimmed(h->positive.offset, positive, h->positive.n);
    out->negative = histogram_side_trimmed(h->negative.offset, negative, h->negative.n);
    out->count = c.count;
    out->sum = c.sum;
    return out;
}

/* ---- printing ---- */

static void print_f64(struct buf *out, double v)
{
    char text[NUM_MAX];
    buf_add(out, (str){text, num_format_prometheus(v, text)});
}

static void print_bucket(struct buf *out, const char *open, const struct histogram_bucket *b,
                         const char *close)
{
    buf_printf(out, ", %s", open);
    print_f64(out, b->lower);
    buf_char(out, ',');
    print_f64(out, b->upper);
    buf_printf(out, "%s:", close);
    print_f64(out, b->count);
}

void histogram_print(struct buf *out, const struct histogram *h)
{
    buf_add(out, S("{count:"));
    print_f64(out, h->count);
    buf_add(out, S(", sum:"));
    print_f64(out, h->sum);
    for (uint32_t k = h->negative.n; k-- > 0;) {
        struct histogram_bucket b = negative_bucket(h, k);
        if (b.count != 0) print_bucket(out, "[", &b, ")");
    }
    struct histogram_bucket zero = {-h->zero_threshold, h->zero_threshold, h->zero_count};
    if (h->zero_count != 0) print_bucket(out, "[", &zero, "]");
    for (uint32_t k = 0; k < h->positive.n; k++) {
        bool custom = histogram_is_custom(h);
        struct histogram_bucket b = custom ? custom_bucket(h, k) : positive_bucket(h, k);
        if (b.count != 0)
            print_bucket(out, custom && k + (uint32_t)h->positive.offset == 0 ? "[" : "(", &b, "]");
    }
    buf_char(out, '}');
}
