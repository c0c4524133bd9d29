/* filter_bits: makes filters (model/filter.h). Private to ingest/encode. */
#pragma once

#include "base/arena.h"
#include "model/attr.h"
#include "model/filter.h"

enum { FILTER_RECENT = 256 };

/* The pairs of some spans. Most come again and again: those that came lately are not noted once
 * more. Begin with filter_pairs_new. */
struct filter_pairs {
    struct arena *arena;
    uint32_t *list;
    size_t n, cap;
    uint32_t recent[FILTER_RECENT]; /* by their lowest bits */
};

struct filter_pairs *filter_pairs_new(struct arena *a);

void filter_pairs_grow(struct filter_pairs *p, size_t more);

/* Room for `n` pairs to come. */
static inline void filter_pairs_room(struct filter_pairs *p, size_t n)
{
    if (p->cap - p->n < n) filter_pairs_grow(p, n);
}

/* There must be room. Without a branch: whether one is new nobody can foretell. */
static inline void filter_pairs_add(struct filter_pairs *p, uint32_t pair)
{
    uint32_t *recent = &p->recent[pair % FILTER_RECENT];
    p->list[p->n] = pair;
    p->n += *recent != pair;
    *recent = pair;
}

/* Their filter, in `a`: fourteen bits a pair, of which one in four hundred others seems to be in
 * it. Leaves each pair once in the list. */
str filter_of_pairs(struct filter_pairs *p, struct arena *a);

/* The filter of lines: an eighth to a fourth of its bits are set; more only where the lines have
 * more different pieces than FILTER_LINES_BITS leave room for. */
enum { FILTER_LINES_BITS = 1 << 18 };
str filter_of_lines(struct arena *a, const str *lines, size_t n);
