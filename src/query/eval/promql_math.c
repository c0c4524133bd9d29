#include <stdlib.h>

#include "query/eval/promql_eval.h"

/* Neumaier's form: what the sum lost is kept in c. */
void kahan_add(struct kahan *k, double v)
{
    double t = k->sum + v;
    if (isinf(t))
        k->c = 0;
    else if (fabs(k->sum) >= fabs(v))
        k->c += (k->sum - t) + v;
    else
        k->c += (v - t) + k->sum;
    k->sum = t;
}

double kahan_value(const struct kahan *k) { return k->sum + k->c; }

int promql_compare_f64(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    if (isnan(a) || isnan(b)) return (isnan(b) != 0) - (isnan(a) != 0);
    return (a > b) - (a < b);
}

double promql_quantile(double q, double *values, uint32_t n)
{
    if (n == 0 || isnan(q)) return NAN;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    qsort(values, n, sizeof *values, promql_compare_f64);
    double rank = q * (n - 1), lower = floor(rank), weight = rank - lower;
    uint32_t at = (uint32_t)lower, next = at + 1 < n ? at + 1 : n - 1;
    return values[at] * (1 - weight) + values[next] * weight;
}
