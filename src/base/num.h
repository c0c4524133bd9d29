/* num: numbers and text. Pure; locale-free.
 *
 * num_format_* write at most NUM_MAX bytes, no NUL, and return how many. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { NUM_MAX = 400 };

size_t num_format_u64(uint64_t v, char *out);
size_t num_format_i64(int64_t v, char *out);

/* Shortest text that reads back as the same double, as Prometheus prints sample values: Go's 'f'
 * form, 'e' form ("1e-07", "1e+21") when |v| < 1e-6 or >= 1e21, "NaN", "+Inf", "-Inf". */
size_t num_format_prometheus(double v, char *out);

/* Go's %g: an exponent when |v| < 1e-4 or >= 1e6. "NaN", "+Inf", "-Inf". */
size_t num_format_go(double v, char *out);

/* Go's strconv.FormatFloat(v, 'f', -1, 64): never an exponent. "NaN", "+Inf", "-Inf". */
size_t num_format_f(double v, char *out);

/* Shortest, for JSON and attribute values: Go's encoding/json form of a finite double ("1.5",
 * "100", "1e+21"); NaN and infinities as NaN, Infinity, -Infinity (not valid JSON: callers quote).
 */
size_t num_format_json(double v, char *out);

/* The whole of `s` must be the number. No surrounding space, no hex. False when not, or out of
 * range. */
bool num_parse_i64(str s, int64_t *ret);
bool num_parse_u64(str s, uint64_t *ret);
bool num_parse_f64(str s, double *ret); /* decimal, exponent, inf, +Inf, NaN in any case */
