#include "loadgen/latency.h"

/* Microseconds: 0..31 one by one, then 32 buckets for each power of two. */
static uint32_t bucket(uint64_t us)
{
    if (us < LATENCY_SUB) return (uint32_t)us;
    unsigned top = 63 - (unsigned)__builtin_clzll(us); /* 5 and more */
    uint32_t b = (top - 4) * LATENCY_SUB + (uint32_t)(us >> (top - 5) & (LATENCY_SUB - 1));
    return b < LATENCY_BUCKETS ? b : LATENCY_BUCKETS - 1;
}

/* The upper end of a bucket, in microseconds. */
static double upper(uint32_t b)
{
    if (b < LATENCY_SUB) return b + 1;
    unsigned top = b / LATENCY_SUB + 4;
    return (double)((uint64_t)(LATENCY_SUB + b % LATENCY_SUB + 1) << (top - 5));
}

void latency_add(struct latency *l, nanos took)
{
    if (took < 0) took = 0;
    l->counts[bucket((uint64_t)took / 1000)]++;
    l->n++;
    if (took > l->max) l->max = took;
}

static double quantile_ms(const struct latency *l, double q)
{
    double want = q * (double)l->n, seen = 0, max = (double)l->max / 1e6;
    for (uint32_t b = 0; b < LATENCY_BUCKETS; b++) {
        seen += (double)l->counts[b];
        if (l->counts[b] && seen >= want) return upper(b) / 1000 < max ? upper(b) / 1000 : max;
    }
    return max;
}

struct load_latency latency_summary(const struct latency *l)
{
    if (l->n == 0) return (struct load_latency){0};
    return (struct load_latency){
        .p50_ms = quantile_ms(l, 0.5),
        .p90_ms = quantile_ms(l, 0.9),
        .p99_ms = quantile_ms(l, 0.99),
        .max_ms = (double)l->max / 1e6,
    };
}
