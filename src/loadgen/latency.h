/* latency: how long answers took, in buckets of 1/32 of their size. */
#pragma once

#include "base/clock.h"
#include "loadgen/loadgen.h"

enum { LATENCY_SUB = 32, LATENCY_BUCKETS = 40 * LATENCY_SUB };

struct latency {
    uint64_t counts[LATENCY_BUCKETS], n;
    nanos max;
};

void latency_add(struct latency *l, nanos took);
struct load_latency latency_summary(const struct latency *l);
