/* extent: the steps of a range answer between two borders, as the payload of a cache entry. Pure.
 *
 * Bits of numbers are kept as they are; histograms too. What is read back lies in the arena. */
#pragma once

#include "base/buf.h"
#include "query/ir/series.h"

struct extent {
    struct value value;    /* VALUE_VECTOR or VALUE_SCALAR; its grid is the caller's */
    struct notes warnings; /* of these steps alone */
    struct notes infos;
    str text;      /* the query the places in the notes are of; empty: there are no notes */
    unsigned used; /* enum promql_used */
};

/* Steps [first, first + n) of e->value. Past the ceiling of `out` it is over. */
void extent_encode(struct buf *out, const struct extent *e, uint32_t first, uint32_t n);

/* ST_INVALID: not an extent of `steps` steps. `bytes` may come from anywhere. */
[[nodiscard]] status extent_decode(struct arena *a, str bytes, uint32_t steps, struct extent *ret,
                                   struct err *err);
