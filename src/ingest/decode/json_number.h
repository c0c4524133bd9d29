/* Integers as JSON writes them: 12, -3, 1.5e3, 120e-1, when the value is whole. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* False when `s` is not a number, not whole, or outside the type. Exact: never through a double. */
bool json_number_i64(str s, int64_t *ret);
bool json_number_u64(str s, uint64_t *ret);
