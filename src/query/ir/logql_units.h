/* logql_units: durations and byte sizes as LogQL writes them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"

/* How many bytes at the front of `s` are a duration ("1h15m30.9s", "5d", "-1s"): units y w d h m s
 * ms us µs ns. 0 when there is none. Past the range of nanos it is none. */
size_t logql_duration_prefix(str s, nanos *ret);

/* The same of a size: "250kB", "1.5GiB". The units of logs: B, kB..., KiB...; letters
 * case-insensitive, i means 1024. */
size_t logql_bytes_prefix(str s, double *ret);
