#include "ingest/journal/blocks.h"

#include <stdlib.h>
#include <string.h>

void block_set_done(struct block_set *s)
{
    free(s->at);
    *s = (struct block_set){0};
}

/* How many blocks begin at or before `seq`. */
static size_t count_until(const struct block_set *s, uint64_t seq)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->at[mid].first <= seq)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void block_set_begin_block(struct block_set *s, uint64_t first, uint64_t last)
{
    size_t i = count_until(s, first);
    if (i > 0 && s->at[i - 1].first == first) {
        s->at[i - 1].last = last;
        return;
    }
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->at = realloc(s->at, s->cap * sizeof *s->at);
        if (!s->at) abort();
    }
    memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof *s->at);
    s->n++;
    s->at[i] = (struct block_bounds){.first = first, .last = last};
}

void block_set_end_block(struct block_set *s, uint64_t first, uint64_t last)
{
    size_t from = first > 0 ? count_until(s, first - 1) : 0, kept = from;
    for (size_t i = from; i < s->n; i++)
        if (s->at[i].last > last) s->at[kept++] = s->at[i];
    s->n = kept;
}

const struct block_bounds *block_set_find(const struct block_set *s, uint64_t seq)
{
    size_t i = count_until(s, seq);
    if (i == 0) return NULL;
    const struct block_bounds *b = &s->at[i - 1];
    return seq <= b->last ? b : NULL;
}
