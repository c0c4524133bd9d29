/* promql_reach: what of the store the value of an expression at one step depends on. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "query/ir/promql.h"

/* Samples from t - before_ms to t + after_ms, for the value at t. Either may be negative. */
struct promql_span {
    int64_t before_ms, after_ms;
};

/* False: the value at a step is not a function of the samples around that step alone: @, start(),
 * end() and range(), what picks by order (limitk, limit_ratio), what is experimental, anchored and
 * smoothed ranges, and resets of native histograms told before they are summed up; or it reads
 * nothing. */
bool promql_reach_of(const struct promql_expr *e, int64_t lookback_ms, struct promql_span *ret);
