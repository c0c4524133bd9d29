#include "ingest/encode/seen.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS_AT_FIRST = 1024 };

struct encode_seen {
    uint64_t *slots; /* 0 = empty */
    size_t mask, n, max;
};

static uint64_t *slots_new(size_t n)
{
    uint64_t *slots = calloc(n, sizeof *slots);
    if (!slots) abort();
    return slots;
}

struct encode_seen *encode_seen_new(size_t max_entries)
{
    assert(max_entries > 0);
    struct encode_seen *s = malloc(sizeof *s);
    if (!s) abort();
    *s = (struct encode_seen){
        .slots = slots_new(SLOTS_AT_FIRST), .mask = SLOTS_AT_FIRST - 1, .max = max_entries};
    return s;
}

void encode_seen_free(struct encode_seen *s)
{
    if (!s) return;
    free(s->slots);
    free(s);
}

static bool put(struct encode_seen *s, uint64_t hash)
{
    for (size_t i = hash & s->mask;; i = (i + 1) & s->mask) {
        if (s->slots[i] == hash) return false;
        if (s->slots[i] == 0) {
            s->slots[i] = hash;
            return true;
        }
    }
}

static void grow(struct encode_seen *s)
{
    uint64_t *old = s->slots;
    size_t n = s->mask + 1;
    s->slots = slots_new(n * 2);
    s->mask = n * 2 - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i]) put(s, old[i]);
    free(old);
}

bool seen_add(struct encode_seen *s, uint64_t hash)
{
    if (hash == 0) hash = 1;
    if (!put(s, hash)) return false;
    if (++s->n > s->max) {
        memset(s->slots, 0, (s->mask + 1) * sizeof *s->slots);
        put(s, hash);
        s->n = 1;
    }
    if (s->n * 2 > s->mask) grow(s);
    return true;
}
