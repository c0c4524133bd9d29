#include "ingest/journal/blocks.h"

#include <stdlib.h>
#include <string.h>

void block_set_done(struct block_set *s)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) free(s->of[i].at);
    *s = (struct block_set){0};
}

/* How many blocks begin at or before `seq`. */
static size_t count_until(const struct block_set *s, enum signal_kind signal, uint64_t seq)
{
    size_t lo = 0, hi = s->of[signal].n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->of[signal].at[mid].first <= seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct block_bounds *put(struct block_set *s, enum signal_kind signal, uint64_t first,
                                uint64_t last)
{
    size_t i = count_until(s, signal, first);
    if (i > 0 && s->of[signal].at[i - 1].first == first) {
        struct block_bounds *b = &s->of[signal].at[i - 1];
        if (b->last != last) *b = (struct block_bounds){.first = first, .last = last};
        return b;
    }
    if (s->of[signal].n == s->of[signal].cap) {
        s->of[signal].cap = s->of[signal].cap ? s->of[signal].cap * 2 : 64;
        s->of[signal].at = realloc(s->of[signal].at, s->of[signal].cap * sizeof *s->of[signal].at);
        if (!s->of[signal].at) abort();
    }
    struct block_bounds *b = &s->of[signal].at[i];
    memmove(b + 1, b, (s->of[signal].n - i) * sizeof *b);
    s->of[signal].n++;
    *b = (struct block_bounds){.first = first, .last = last};
    return b;
}

void block_set_begin_block(struct block_set *s, enum signal_kind signal, uint64_t first,
                           uint64_t last)
{
    put(s, signal, first, last);
}

void block_set_end_block(struct block_set *s, enum signal_kind signal, uint64_t first,
                         uint64_t last)
{
    put(s, signal, first, last)->done = true;
}

const struct block_bounds *block_set_find(const struct block_set *s, enum signal_kind signal,
                                          uint64_t seq)
{
    size_t i = count_until(s, signal, seq);
    if (i == 0) return NULL;
    const struct block_bounds *b = &s->of[signal].at[i - 1];
    return seq <= b->last ? b : NULL;
}
