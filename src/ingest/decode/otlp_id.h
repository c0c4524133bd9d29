/* Trace and span ids as they come: bytes of any length. */
#pragma once

#include <stdint.h>

#include "base/str.h"

static inline bool id_is_zero(const uint8_t *id, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) any |= id[i];
    return any == 0;
}

/* Copies an id of exactly `n` bytes; one of another length is unset: zeros. */
static inline void id_or_zeros(str id, uint8_t *out, size_t n)
{
    if (id.len == n)
        memcpy(out, id.ptr, n);
    else
        memset(out, 0, n);
}
