/* trace_hash: what otel_trace_index keeps of a trace id. Stored: must never change. */
#pragma once

#include <stdint.h>

#include "base/hash.h"

static inline uint32_t trace_hash(const uint8_t trace_id[16])
{
    return (uint32_t)XXH3_64bits(trace_id, 16);
}
