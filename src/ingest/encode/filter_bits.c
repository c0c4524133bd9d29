#include "ingest/encode/filter_bits.h"

enum {
    PAIR_BITS = 14,
    SLOTS_AT_FIRST = 1 << 8,
    LEAST_BITS = 1 << 6,
    MOST_BITS = 1 << 20,
    AHEAD = 8
};

void filter_pairs_grow(struct filter_pairs *p, struct arena *a)
{
    struct filter_pairs wider = {.mask = p->slots ? p->mask * 2 + 1 : SLOTS_AT_FIRST - 1,
                                 .n = p->n,
                                 .has_zero = p->has_zero};
    size_t size = ((size_t)wider.mask + 1) * sizeof *wider.slots;
    wider.slots = memset(arena_alloc(a, size, 64), 0, size);
    for (uint32_t i = 0; p->slots && i <= p->mask; i++) {
        uint32_t pair = p->slots[i], at = pair & wider.mask;
        if (!pair) continue;
        while (wider.slots[at]) at = (at + 1) & wider.mask;
        wider.slots[at] = pair;
    }
    *p = wider;
}

static void set_pair(uint8_t *bits, uint64_t n_bits, uint32_t pair)
{
    for (unsigned i = 0; i < FILTER_PAIR_HASHES; i++)
        filter_set(bits, n_bits, filter_pair_hash(pair, i));
}

str filter_of_pairs(const struct filter_pairs *p, struct arena *a)
{
    size_t bytes = ((size_t)(p->n + p->has_zero) * PAIR_BITS + LEAST_BITS - 1) / LEAST_BITS * 8;
    if (!bytes) bytes = LEAST_BITS / 8;
    uint8_t *bits = memset(arena_alloc(a, bytes, 8), 0, bytes);
    if (p->has_zero) set_pair(bits, bytes * 8, 0);
    for (uint32_t i = 0; p->slots && i <= p->mask; i++)
        if (p->slots[i]) set_pair(bits, bytes * 8, p->slots[i]);
    return (str){(char *)bits, bytes};
}

static void set_grams(uint64_t *bits, uint32_t mask, str line)
{
    for (size_t i = 0; i + FILTER_GRAM <= line.len; i++) {
        uint32_t at = filter_gram_hash(line.ptr + i) & mask;
        bits[at / 64] |= (uint64_t)1 << at % 64;
    }
}

static uint64_t count_bits(const uint64_t *words, size_t n)
{
    uint64_t set = 0;
    for (size_t i = 0; i < n; i++) set += (uint64_t)__builtin_popcountll(words[i]);
    return set;
}

/* Half as many bits while at most a fourth of them would be set: sizes are powers of two, so the
 * bit of a hash in the half is the one in the whole or the one half the size behind it. */
static size_t fold(uint64_t *words, size_t n)
{
    for (; n * 64 > LEAST_BITS; n /= 2) {
        if (n * 64 <= FILTER_LINES_BITS && count_bits(words, n) > n * 64 / 8) break;
        for (size_t i = 0; i < n / 2; i++) words[i] |= words[i + n / 2];
    }
    return n;
}

str filter_of_lines(struct arena *a, const str *lines, size_t n)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += lines[i].len;
    uint32_t size = LEAST_BITS;
    while (size < MOST_BITS && size < bytes * 4) size *= 2;
    uint64_t *bits = memset(arena_alloc(a, size / 8, 64), 0, size / 8);
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) __builtin_prefetch(lines[i + AHEAD].ptr);
        set_grams(bits, size - 1, lines[i]);
    }
    return (str){(char *)bits, fold(bits, size / 64) * 8};
}
