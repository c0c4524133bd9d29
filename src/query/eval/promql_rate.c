/* rate, increase and delta: of one window, and of the windows of many steps one after the other. */
#include "query/eval/promql_eval.h"

static inline double factor_of(int64_t from, int64_t to, int64_t t0, int64_t t1, uint32_t n,
                               bool counter, double first, double v, bool per_second)
{
    double to_start = (double)(t0 - from) / 1000, to_end = (double)(to - t1) / 1000;
    double sampled = (double)(t1 - t0) / 1000, average = sampled / (n - 1);
    double threshold = average * 1.1;
    if (to_start >= threshold) to_start = average / 2;
    if (counter && v > 0 && first >= 0) {
        double to_zero = sampled * (first / v); /* a counter was not below zero */
        if (to_zero < to_start) to_start = to_zero;
    }
    if (to_end >= threshold) to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    return per_second ? factor / ((double)(to - from) / 1000) : factor;
}

double window_factor(const struct window *w, int64_t t0, int64_t t1, uint32_t n, bool counter,
                     double first, double v, bool per_second)
{
    return factor_of(w->from, w->to, t0, t1, n, counter, first, v, per_second);
}

double window_factor_from(const struct window *w, int64_t start, int64_t t0, int64_t t1, uint32_t n,
                          bool per_second)
{
    double sampled = (double)(t1 - start) / 1000, to_end = (double)(w->to - t1) / 1000;
    double average = n > 1 ? (double)(t1 - t0) / 1000 / (n - 1) : 0;
    if (to_end >= average * 1.1) to_end = average / 2;
    double factor = (sampled + to_end) / sampled;
    return per_second ? factor / ((double)(w->to - w->from) / 1000) : factor;
}

bool window_change(const struct window *w, bool counter, bool per_second, double *ret)
{
    const struct sample *first = &w->s[0], *last = &w->s[w->n - 1];
    bool zero = counter && w->starts && w->n && window_has_start(w, w->starts[0], first->t);
    if (w->n < 2 && !zero) return false;
    double v = last->v - first->v;
    for (uint32_t i = 1; counter && i < w->n; i++)
        if (w->s[i].v < w->s[i - 1].v || window_restarts(w, i)) v += w->s[i - 1].v;
    if (zero) {
        *ret = (v + first->v) *
               window_factor_from(w, w->starts[0], first->t, last->t, w->n, per_second);
        return true;
    }
    *ret = v * window_factor(w, first->t, last->t, w->n, counter, first->v, v, per_second);
    return true;
}

/* Goes on to the window (from, to]. */
static inline void slide_to(struct sliding *x, int64_t from, int64_t to)
{
    uint32_t lo = x->lo, hi = x->hi;
    for (; hi < x->n && x->s[hi].t <= to; hi++)
        if (hi && x->s[hi].v < x->s[hi - 1].v) x->fell = hi;
    while (lo < hi && x->s[lo].t <= from) lo++;
    x->lo = lo;
    x->hi = hi;
    x->looked += hi - lo;
}

/* Only a window in which the counter fell is looked through: what is added has to be added in the
 * order of time. */
static double change_of(const struct sliding *x)
{
    double v = x->s[x->hi - 1].v - x->s[x->lo].v;
    if (!x->counter || x->fell <= x->lo) return v;
    for (uint32_t i = x->lo + 1; i <= x->fell; i++)
        if (x->s[i].v < x->s[i - 1].v) v += x->s[i - 1].v;
    return v;
}

uint32_t window_slide(struct sliding *io_x, const int64_t *ends, uint32_t n, double *ret_v,
                      uint8_t *ret_has)
{
    struct sliding x = *io_x;
    uint32_t made = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t to = ends[i], from = to - x.length;
        slide_to(&x, from, to);
        ret_has[i] = x.hi - x.lo > 1 ? POINT_FLOAT : POINT_NONE;
        if (x.hi - x.lo < 2) continue;
        const struct sample *first = &x.s[x.lo], *last = &x.s[x.hi - 1];
        double v = change_of(&x);
        ret_v[i] = v * factor_of(from, to, first->t, last->t, x.hi - x.lo, x.counter, first->v, v,
                                 x.per_second);
        made++;
    }
    x.several |= made > 0;
    *io_x = x;
    return made;
}
