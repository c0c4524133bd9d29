/* Functions of native histograms: count, sum, avg, variance, quantiles, fractions; and what is
 * noted about histograms. Spec: Prometheus, "Native Histograms", PromQL. */
#include "base/num.h"
#include "query/eval/promql_eval.h"

void note_mixed_buckets(struct evaluator *ev, const struct promql_expr *at, str name)
{
    eval_warn(ev, at,
              "vector contains a mix of histograms with exponential and custom buckets "
              "schemas for metric name \"" STR_FMT "\"",
              STR_ARG(name));
}

void note_sum(struct evaluator *ev, const struct promql_expr *at, const struct histogram_sum *s,
              const char *doing)
{
    if (s->resets_collide)
        eval_warn(ev, at, "conflicting counter resets during histogram %s", doing);
    if (s->reconciled)
        eval_info(ev, at, "mismatched custom buckets were reconciled during %s", doing);
}

/* The bucket around zero leans to the side that has buckets. */
static void lean(const struct histogram *h, struct histogram_bucket *b)
{
    if (!h->negative.n && h->positive.n) b->lower = 0;
    if (!h->positive.n && h->negative.n) b->upper = 0;
}

static double interpolate(const struct histogram *h, const struct histogram_bucket *b,
                          double fraction)
{
    if (histogram_is_custom(h) || (b->lower <= 0 && b->upper >= 0))
        return b->lower + (b->upper - b->lower) * fraction;
    double low = log2(fabs(b->lower)), high = log2(fabs(b->upper));
    if (b->lower > 0) return exp2(low + (high - low) * fraction);
    return -exp2(high + (low - high) * (1 - fraction));
}

double native_quantile(struct evaluator *ev, const struct promql_expr *at, double q,
                       const struct histogram *h, str name)
{
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    if (h->count == 0 || isnan(q)) return NAN;
    struct histogram_bucket *list, b = {0};
    uint32_t n = histogram_buckets(ev->arena, h, &list);
    bool has_nan = isnan(h->sum), forward = has_nan || q < 0.5;
    double rank = (forward ? q : 1 - q) * h->count, count = 0, all = 0;
    for (uint32_t i = 0; i < n; i++) all += list[i].count;
    for (uint32_t i = 0; i < n; i++) {
        b = list[forward ? i : n - 1 - i];
        count += b.count;
        if (count >= rank) break;
    }
    if (!histogram_is_custom(h) && b.lower < 0 && b.upper > 0) {
        lean(h, &b);
    } else if (histogram_is_custom(h)) {
        if (b.lower == -INFINITY) {
            if (b.upper <= 0) return b.upper;
            b.lower = 0;
        } else if (b.upper == INFINITY) {
            return b.lower;
        }
    }
    if (count > h->count) count = h->count;
    if (count < rank) { /* observations that are NaN are in no bucket */
        if (!has_nan) return b.upper;
        eval_info(ev, at,
                  "input to histogram_quantile has NaN observations, result is NaN for metric name "
                  "\"" STR_FMT "\"",
                  STR_ARG(name));
        return NAN;
    }
    if (has_nan && all < h->count)
        eval_info(ev, at,
                  "input to histogram_quantile has NaN observations, result is skewed higher for "
                  "metric name \"" STR_FMT "\"",
                  STR_ARG(name));
    rank = forward ? rank - (count - b.count) : count - rank;
    return interpolate(h, &b, rank / b.count);
}

/* How many observations of the bucket are at or below `v`, which is inside it. */
static double part_of(const struct histogram *h, const struct histogram_bucket *b, double v)
{
    if (histogram_is_custom(h) || (b->lower <= 0 && b->upper >= 0)) {
        if (b->lower == -INFINITY) return b->count;
        return b->count * (v - b->lower) / (b->upper - b->lower);
    }
    double low = log2(fabs(b->lower)), high = log2(fabs(b->upper)), at = log2(fabs(v));
    return b->count * (v > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high));
}

static double rank_at(const struct histogram *h, const struct histogram_bucket *list, uint32_t n,
                      double v, double most)
{
    double rank = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct histogram_bucket b = list[i];
        if (b.lower <= 0 && b.upper >= 0) lean(h, &b);
        if (b.lower >= v) return rank > most ? most : rank;
        if (b.upper > v) {
            rank += part_of(h, &b, v);
            return rank > most ? most : rank;
        }
        rank += b.count;
    }
    return most;
}

double native_fraction(struct evaluator *ev, const struct promql_expr *at, double lower,
                       double upper, const struct histogram *h, str name)
{
    if (h->count == 0 || isnan(lower) || isnan(upper)) return NAN;
    if (lower >= upper) return 0;
    struct histogram_bucket *list;
    uint32_t n = histogram_buckets(ev->arena, h, &list);
    double most = h->count;
    if (isnan(h->sum)) {
        double all = 0;
        for (uint32_t i = 0; i < n; i++) all += list[i].count;
        if (all < h->count)
            eval_info(ev, at,
                      "input to histogram_fraction has NaN observations, which are excluded from "
                      "all fractions for metric name \"" STR_FMT "\"",
                      STR_ARG(name));
        most = all;
    }
    return (rank_at(h, list, n, upper, most) - rank_at(h, list, n, lower, most)) / h->count;
}

static double variance(struct evaluator *ev, const struct histogram *h)
{
    double mean = h->sum / h->count;
    struct histogram_bucket *list;
    uint32_t n = histogram_buckets(ev->arena, h, &list);
    struct kahan k = {};
    for (uint32_t i = 0; i < n; i++) {
        const struct histogram_bucket *b = &list[i];
        double v = 0; /* the zero bucket */
        if (histogram_is_custom(h))
            v = (b->upper + b->lower) / 2;
        else if (!(b->lower <= 0 && b->upper >= 0))
            v = b->upper < 0 ? -sqrt(b->upper * b->lower) : sqrt(b->upper * b->lower);
        kahan_add(&k, b->count * (v - mean) * (v - mean));
    }
    return kahan_value(&k) / h->count;
}

static double figure(struct evaluator *ev, const char *name, const struct histogram *h)
{
    if (strcmp(name, "histogram_count") == 0) return h->count;
    if (strcmp(name, "histogram_sum") == 0) return h->sum;
    if (strcmp(name, "histogram_avg") == 0) return h->sum / h->count;
    double v = variance(ev, h);
    return strcmp(name, "histogram_stddev") == 0 ? sqrt(v) : v;
}

status eval_native_map(struct evaluator *ev, struct promql_expr *e, struct grid g,
                       struct value *ret)
{
    TRY(eval_expr(ev, e->call.args[0], g, ret));
    for (uint32_t r = 0; r < ret->n_rows; r++) {
        struct row *row = &ret->rows[r];
        for (uint32_t i = 0; i < g.n; i++) {
            if (row->has[i] == POINT_HISTOGRAM)
                row_put(row, i, figure(ev, e->call.fn->name, row->h[i]));
            else
                row->has[i] = POINT_NONE;
        }
        row->h = NULL;
        row_drop_name(ev, row);
        TRY(eval_check(ev));
    }
    return ev->opt.delayed_names ? ST_OK : rows_unite(ev, ret);
}
