#include "engine/rollup_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint32_t oracle_random(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

/* --- points */

struct state { /* of a process that counts */
    double value, sum;
    uint64_t count, buckets[BUCKETS], zero;
    int32_t scale;
    uint64_t positive[SPREAD], negative[SPREAD]; /* [i]: bucket i - SPREAD / 2 */
};

static int32_t index_of(int i) { return i - SPREAD / 2; }
static int32_t down(int32_t index, int32_t by) { return (int32_t)floor(index / exp2(by)); }

static void coarsen(uint64_t *counts)
{
    uint64_t out[SPREAD] = {};
    for (int i = 0; i < SPREAD; i++) out[down(index_of(i), 1) + SPREAD / 2] += counts[i];
    memcpy(counts, out, sizeof out);
}

static void restart(struct state *st) { *st = (struct state){.scale = 4}; }

static struct side side_of(const uint64_t *counts)
{
    struct side s = {};
    int first = 0, last = SPREAD - 1;
    while (first < SPREAD && !counts[first]) first++;
    while (last > first && !counts[last]) last--;
    if (first == SPREAD) return s;
    s.offset = index_of(first);
    s.n = last - first + 1;
    memcpy(s.counts, counts + first, (size_t)s.n * sizeof *counts);
    return s;
}

static void go_on(struct state *st, uint64_t *seed, int type)
{
    if (type == 1) {
        st->value = (oracle_random(seed, 4000) - 2000.0) / 4;
        return;
    }
    st->value += oracle_random(seed, 40) / 4.0;
    for (uint32_t k = oracle_random(seed, 5); k > 0; k--) {
        st->count++;
        st->sum += oracle_random(seed, 100) / 4.0;
        st->buckets[oracle_random(seed, BUCKETS)]++;
        uint32_t where = oracle_random(seed, 10);
        uint32_t i = SPREAD / 2 - 6 + oracle_random(seed, 12);
        if (where == 0)
            st->zero++;
        else if (where < 7)
            st->positive[i]++;
        else
            st->negative[i]++;
    }
    if (oracle_random(seed, 40) == 0 && st->scale > 0) {
        coarsen(st->positive);
        coarsen(st->negative);
        st->scale--;
    }
}

static struct point point_of(const struct state *st, uint64_t *seed, int64_t t)
{
    struct point p = {.t = t,
                      .value = st->value,
                      .sum = st->sum,
                      .min = oracle_random(seed, 10) / 4.0,
                      .max = 10 + oracle_random(seed, 10) / 4.0,
                      .count = st->count,
                      .zero_count = st->zero,
                      .scale = st->scale,
                      .positive = side_of(st->positive),
                      .negative = side_of(st->negative)};
    memcpy(p.buckets, st->buckets, sizeof p.buckets);
    return p;
}

void oracle_fill(struct oracle_series *s, uint64_t *seed, int64_t from, int64_t to)
{
    struct state st;
    restart(&st);
    s->points = calloc((size_t)((to - from) / 5000 + 2), sizeof *s->points);
    if (!s->points) abort();
    for (int64_t t = from; t <= to; t += 5000 + 5000 * oracle_random(seed, 4)) {
        if (oracle_random(seed, 60) == 0) t += 60000 * (int64_t)oracle_random(seed, 12); /* a gap */
        if (t > to) break;
        bool gone = oracle_random(seed, 80) == 0;
        if (s->delta || oracle_random(seed, 50) == 0) {
            int32_t scale = st.scale;
            restart(&st);
            if (s->delta) st.scale = scale;
        }
        go_on(&st, seed, s->type);
        s->points[s->n] = point_of(&st, seed, t);
        s->points[s->n++].gone = gone;
    }
}

/* --- as text */

static void add_counts(struct buf *out, const uint64_t *counts, int n)
{
    buf_char(out, '[');
    for (int i = 0; i < n; i++) buf_printf(out, "%s%lu", i ? "," : "", counts[i]);
    buf_char(out, ']');
}

void oracle_values(struct buf *out, const struct oracle_series *s, const struct point *p)
{
    bool h = s->type == 3, e = s->type == 4, q = s->type == 5, number = s->type < 3;
    /* Integers as encode has them; every other one as rows from before migration 5 do. */
    long whole = number && p->value == (double)(long)p->value ? (long)p->value : 0;
    double value = number && (!whole || whole % 2) ? p->value : 0;
    buf_printf(
        out,
        "(fromUnixTimestamp64Milli(toInt64(%ld), 'UTC'), 'm%d', %lu, %d, %d, %d, %.17g, %ld, %lu, "
        "%.17g, %.17g, %.17g, ",
        p->t, s->type, s->id, s->type, p->gone,
        h || e ? 7
        : q    ? 1
               : 0,
        value, whole, number ? 0 : p->count, number ? 0.0 : p->sum, h || e ? p->min : 0.0,
        h || e ? p->max : 0.0);
    add_counts(out, p->buckets, h ? BUCKETS : 0);
    buf_printf(out, ", %d, %lu, %d, ", e ? p->scale : 0, e ? p->zero_count : 0,
               e ? p->positive.offset : 0);
    add_counts(out, p->positive.counts, e ? p->positive.n : 0);
    buf_printf(out, ", %d, ", e ? p->negative.offset : 0);
    add_counts(out, p->negative.counts, e ? p->negative.n : 0);
    if (q)
        buf_printf(out, ", [0.5], [%.17g])", p->value);
    else
        buf_add(out, S(", [], [])"));
}

/* --- windows */

/* What a cumulative number gained from `a` to `b`. */
static double gained(double a, double b) { return b < a ? b : b - a; }

static uint64_t upto(const struct point *p, int bound)
{
    uint64_t n = 0;
    for (int i = 0; i <= bound; i++) n += p->buckets[i];
    return n;
}

static uint64_t count_at(const struct side *s, int32_t index)
{
    return index >= s->offset && index < s->offset + s->n ? s->counts[index - s->offset] : 0;
}

static bool fell(const struct side *a, const struct side *b)
{
    for (int32_t i = a->offset; i < a->offset + a->n; i++)
        if (count_at(a, i) > count_at(b, i)) return true;
    return false;
}

static bool is_reset(const struct point *a, const struct point *b)
{
    if (b->count < a->count || b->zero_count < a->zero_count || b->scale > a->scale) return true;
    return a->scale == b->scale &&
           (fell(&a->positive, &b->positive) || fell(&a->negative, &b->negative));
}

struct exponential {
    int32_t scale;
    int64_t zero, count;
    double sum;
    int64_t positive[SPREAD], negative[SPREAD];
};

static void add_side(int64_t *to, const struct side *s, int32_t by, int sign)
{
    for (int32_t i = 0; i < s->n; i++)
        to[down(s->offset + i, by) + SPREAD / 2] += sign * (int64_t)s->counts[i];
}

static void add_point(struct exponential *e, const struct point *p, int sign)
{
    e->zero += sign * (int64_t)p->zero_count;
    e->count += sign * (int64_t)p->count;
    e->sum += sign * p->sum;
    add_side(e->positive, &p->positive, p->scale - e->scale, sign);
    add_side(e->negative, &p->negative, p->scale - e->scale, sign);
}

static void add_pairs(struct buf *out, const int64_t *counts)
{
    bool any = false;
    buf_char(out, '[');
    for (int i = 0; i < SPREAD; i++)
        if (counts[i]) {
            buf_printf(out, "%s(%d,%ld)", any ? "," : "", index_of(i), counts[i]);
            any = true;
        }
    buf_char(out, ']');
}

static void add_snapshot(struct buf *out, const struct point *p, bool is)
{
    buf_printf(out, "(%d,0,%lu,%d,", is ? p->scale : 0, is ? p->zero_count : 0,
               is ? p->positive.offset : 0);
    add_counts(out, p->positive.counts, is ? p->positive.n : 0);
    buf_printf(out, ",%d,", is ? p->negative.offset : 0);
    add_counts(out, p->negative.counts, is ? p->negative.n : 0);
    buf_char(out, ')');
}

/* The samples of one window, markers left out. */
struct window {
    const struct oracle_series *s;
    const struct point **p;
    unsigned n;
    int64_t end;
    bool gone; /* the last row is a marker */
};

static void add_numbers(struct buf *out, const struct window *w)
{
    double min = INFINITY, max = -INFINITY, sum = 0, increase = 0;
    for (unsigned i = 0; i < w->n; i++) {
        double v = w->p[i]->value;
        min = fmin(min, v);
        max = fmax(max, v);
        sum += v;
        if (i) increase += gained(w->p[i - 1]->value, v);
    }
    /* a gauge is no counter, but its increase is computed as if */
    if (w->s->delta) increase = sum;
    buf_printf(out, "%.15g\t%.15g\t%.15g\t%.15g\t%.15g\t%.15g\t0\t0\t0", min, max, sum,
               w->p[0]->value, w->p[w->n - 1]->value, increase);
}

static void add_histogram_numbers(struct buf *out, const struct window *w, double increase,
                                  int64_t count_increase)
{
    double min = INFINITY, max = -INFINITY, sum = 0;
    bool has = w->s->type != 5;
    for (unsigned i = 0; i < w->n; i++) {
        if (has) min = fmin(min, w->p[i]->min);
        if (has) max = fmax(max, w->p[i]->max);
        sum += w->p[i]->sum;
    }
    buf_printf(out, "%.15g\t%.15g\t%.15g\t%.15g\t%.15g\t%.15g\t%lu\t%lu\t%ld", min, max, sum,
               w->p[0]->sum, w->p[w->n - 1]->sum, increase, w->p[0]->count, w->p[w->n - 1]->count,
               count_increase);
}

static void add_plain_histogram(struct buf *out, const struct window *w)
{
    double sum = 0, count = 0, le[BUCKETS] = {};
    for (unsigned i = 0; i < w->n; i++) {
        const struct point *b = w->p[i], *a = i ? w->p[i - 1] : b;
        bool delta = w->s->delta;
        if (!i && !delta) continue;
        sum += delta ? b->sum : gained(a->sum, b->sum);
        count += delta ? (double)b->count : gained((double)a->count, (double)b->count);
        for (int k = 0; k < BUCKETS; k++)
            le[k] += delta ? (double)upto(b, k) : gained((double)upto(a, k), (double)upto(b, k));
    }
    add_histogram_numbers(out, w, sum, (int64_t)count);
    uint64_t first[BUCKETS], last[BUCKETS], more[BUCKETS];
    for (int k = 0; k < BUCKETS; k++) {
        first[k] = upto(w->p[0], k);
        last[k] = upto(w->p[w->n - 1], k);
        more[k] = (uint64_t)le[k];
    }
    int n = w->s->type == 3 ? BUCKETS : 0;
    buf_char(out, '\t');
    add_counts(out, first, n);
    buf_char(out, '\t');
    add_counts(out, last, n);
    buf_char(out, '\t');
    /* a window of one cumulative sample gained nothing, bucket by bucket unsaid */
    add_counts(out, more, w->n == 1 && !w->s->delta ? 0 : n);
}

static struct exponential exponential_increase(const struct window *w)
{
    struct exponential e = {.scale = INT32_MAX};
    for (unsigned i = 0; i < w->n; i++)
        if (w->p[i]->scale < e.scale) e.scale = w->p[i]->scale;
    for (unsigned i = 0; i < w->n; i++) {
        if (!i && !w->s->delta) continue;
        add_point(&e, w->p[i], 1);
        if (!w->s->delta && !is_reset(w->p[i - 1], w->p[i])) add_point(&e, w->p[i - 1], -1);
    }
    return e;
}

static void add_window(struct buf *out, const struct window *w)
{
    bool exponential = w->s->type == 4;
    struct exponential e = {};
    if (exponential) e = exponential_increase(w);
    buf_printf(out, "%ld\t%lu\t%d\t%d\t%d\t%u\t%ld\t%ld\t", w->end, w->s->id, w->s->type, w->gone,
               w->s->type < 3    ? 0
               : w->s->type == 5 ? 1
                                 : 7,
               w->n, w->p[0]->t, w->p[w->n - 1]->t);
    if (w->s->type < 3)
        add_numbers(out, w);
    else if (exponential)
        add_histogram_numbers(out, w, e.sum, e.count);
    else
        add_plain_histogram(out, w);
    if (w->s->type < 3 || exponential) buf_add(out, S("\t[]\t[]\t[]"));
    buf_char(out, '\t');
    add_snapshot(out, w->p[0], exponential);
    buf_char(out, '\t');
    add_snapshot(out, w->p[w->n - 1], exponential);
    buf_printf(out, "\t%d\t%ld\t", exponential ? e.scale : 0, e.zero);
    add_pairs(out, e.positive);
    buf_char(out, '\t');
    add_pairs(out, e.negative);
    if (w->s->type == 5)
        buf_printf(out, "\t[%.15g]\n", w->p[w->n - 1]->value);
    else
        buf_add(out, S("\t[]\n"));
}

void oracle_windows(struct buf *out, const struct oracle_series *s, int64_t width)
{
    const struct point **list = calloc(s->n + 1, sizeof *list);
    if (!list) abort();
    for (unsigned i = 0; i < s->n;) {
        int64_t end = (s->points[i].t + width * 1000 - 1) / (width * 1000) * width;
        struct window w = {.s = s, .p = list, .end = end};
        for (; i < s->n && s->points[i].t <= end * 1000; i++) {
            w.gone = s->points[i].gone;
            if (!w.gone) list[w.n++] = &s->points[i];
        }
        if (w.n) add_window(out, &w);
    }
    free(list);
}
