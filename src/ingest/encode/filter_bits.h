/* filter_bits: makes filters (model/filter.h). Private to ingest/encode. */
#pragma once

#include "base/arena.h"
#include "model/attr.h"
#include "model/filter.h"

/* The pairs of some spans, each once. Begin with it zeroed. */
struct filter_pairs {
    uint32_t *slots; /* 0: empty */
    uint32_t n, mask;
    bool has_zero;
};

/* What it grows by lies in `a`. */
void filter_pairs_grow(struct filter_pairs *p, struct arena *a);

static inline void filter_pairs_add(struct filter_pairs *p, struct arena *a, uint32_t pair)
{
    if (p->n * 2 >= p->mask) filter_pairs_grow(p, a);
    if (pair == 0) p->has_zero = true;
    for (uint32_t i = pair & p->mask; pair; i = (i + 1) & p->mask) {
        if (p->slots[i] == pair) return;
        if (p->slots[i]) continue;
        p->slots[i] = pair;
        p->n++;
        return;
    }
}

/* Their filter: fourteen bits a pair, of which one in four hundred others seems to be in it. */
str filter_of_pairs(const struct filter_pairs *p, struct arena *a);

/* The filter of lines: an eighth to a fourth of its bits are set; more only where the lines have
 * more different pieces than FILTER_LINES_BITS leave room for. */
enum { FILTER_LINES_BITS = 1 << 18 };
str filter_of_lines(struct arena *a, const str *lines, size_t n);
