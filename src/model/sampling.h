/* sampling: what a W3C tracestate says of sampling. Spec: OpenTelemetry's entry `ot`, its fields
 * `th` (rejection threshold) and `rv` (explicit randomness), both of 56 bits in hexadecimal. A span
 * is kept when its randomness is not below the threshold. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { SAMPLING_DIGITS = 14 };
#define SAMPLING_ALL (1ull << 56) /* one above the greatest threshold */

struct sampling_state {
    bool has_threshold, has_randomness;
    uint64_t threshold, randomness; /* below SAMPLING_ALL */
};

/* Fields that are not well-formed are as if they were not there. */
struct sampling_state sampling_read(str trace_state);

/* The trace state with these fields in its `ot` entry, which goes to the front, as the spec of
 * tracestate asks of whoever changes an entry; the rest stays as it is. In the arena. */
str sampling_write(struct arena *a, str trace_state, const struct sampling_state *s);

/* How many items one that was kept stands for. */
double sampling_count(uint64_t threshold);

/* The same for a trace state. 1 when none is stated. */
double sampling_adjusted_count(str trace_state);

/* A threshold's digits: the most significant ones first, without trailing zeros, at least one.
 * Returns how many. */
size_t sampling_threshold_text(uint64_t threshold, char out[SAMPLING_DIGITS]);

/* 1 to 14 digits (threshold), exactly 14 (randomness). */
bool sampling_parse_threshold(str hex, uint64_t *ret);
bool sampling_parse_randomness(str hex, uint64_t *ret);

/* The threshold of a probability above 0, rounded to `precision` hexadecimal digits, leading ones
 * of `f` not counted. SAMPLING_ALL when it is too small for 56 bits. */
uint64_t sampling_threshold(double probability, unsigned precision);
