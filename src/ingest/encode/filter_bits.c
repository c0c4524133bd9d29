#include "ingest/encode/filter_bits.h"

#include <assert.h>

enum { PAIR_BITS = 14, PAIRS_AT_FIRST = 1 << 10, LEAST_BITS = 1 << 6, MOST_BITS = 1 << 20 };

struct filter_pairs *filter_pairs_new(struct arena *a)
{
    struct filter_pairs *p = arena_new(a, struct filter_pairs);
    p->arena = a;
    p->recent[0] = 1; /* whose place is another: no pair came yet, not even 0 */
    return p;
}

void filter_pairs_grow(struct filter_pairs *p, size_t more)
{
    size_t cap = p->cap ? p->cap * 2 : PAIRS_AT_FIRST;
    if (cap - p->n < more) cap = p->n + more;
    uint32_t *wider = arena_array(p->arena, uint32_t, cap);
    if (p->n) memcpy(wider, p->list, p->n * sizeof *wider);
    p->list = wider;
    p->cap = cap;
}

/* Each pair once, the first of it where it was among the others. How many there are. */
static size_t distinct(struct arena *a, uint32_t *list, size_t n)
{
    struct arena_mark m = arena_mark(a);
    size_t slots = 64, kept = 0;
    while (slots < n + n / 4) slots *= 2;
    uint32_t *seen = memset(arena_alloc(a, slots * 4, 64), 0, slots * 4); /* 0: none */
    bool zero = false;
    for (size_t i = 0; i < n; i++) {
        uint32_t pair = list[i];
        size_t at = pair & (slots - 1);
        while (seen[at] != 0 && seen[at] != pair) at = (at + 1) & (slots - 1);
        bool again = pair ? seen[at] == pair : zero;
        zero |= pair == 0;
        seen[at] = pair;
        list[kept] = pair;
        kept += !again;
    }
    arena_rewind(a, m);
    return kept;
}

/* The same bits as filter_set's, without its division: hash % n_bits is the fraction of
 * hash / n_bits, which has 64 bits here, times n_bits. That is exact for numbers of 32 bits. */
static void set_pairs(uint8_t *bits, uint64_t n_bits, const uint32_t *pairs, size_t n)
{
    assert(n_bits <= UINT32_MAX);
    uint64_t inverse = UINT64_MAX / n_bits + 1;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < FILTER_PAIR_HASHES; k++) {
            uint64_t fraction = inverse * filter_pair_hash(pairs[i], k);
            uint64_t at = (uint64_t)((unsigned __int128)fraction * n_bits >> 64);
            bits[at / 8] = (uint8_t)(bits[at / 8] | 1u << at % 8);
        }
}

str filter_of_pairs(struct filter_pairs *p, struct arena *a)
{
    p->n = distinct(a, p->list, p->n);
    size_t bytes = (p->n * PAIR_BITS + LEAST_BITS - 1) / LEAST_BITS * 8;
    if (!bytes) bytes = LEAST_BITS / 8;
    uint8_t *bits = memset(arena_alloc(a, bytes, 8), 0, bytes);
    set_pairs(bits, bytes * 8, p->list, p->n);
    return (str){(char *)bits, bytes};
}

static uint64_t word_at(str line, size_t at)
{
    uint64_t v;
    memcpy(&v, line.ptr + at, 8);
    return v;
}

static void set_gram(uint64_t *bits, uint32_t mask, uint64_t gram)
{
    uint32_t at = filter_gram_of(gram & 0xff'ffff'ffff) & mask;
    bits[at / 64] |= (uint64_t)1 << at % 64;
}

/* The four pieces that lie in eight bytes. */
static void set_word(uint64_t *bits, uint32_t mask, uint64_t word)
{
    for (unsigned shift = 0; shift <= 24; shift += 8) set_gram(bits, mask, word >> shift);
}

/* `like`: a line whose pieces are set; where this one has the same bytes nothing is to be done. */
static void set_grams(uint64_t *bits, uint32_t mask, str line, str like)
{
    size_t i = 0, both = line.len < like.len ? line.len : like.len;
    for (; i + 8 <= line.len; i += 4) {
        uint64_t word = word_at(line, i);
        if (i + 8 > both || word != word_at(like, i)) set_word(bits, mask, word);
    }
    for (; i + FILTER_GRAM <= line.len; i++) {
        uint32_t at = filter_gram_hash(line.ptr + i) & mask;
        bits[at / 64] |= (uint64_t)1 << at % 64;
    }
}

/* Lines of one format are alike. They are found by their length and first bytes. */
enum { FORMATS = 64 };

static str *format_of(str formats[FORMATS], str line)
{
    uint64_t head = line.len >= 8 ? word_at(line, 0) : 0;
    return &formats[((head ^ line.len) * 0x9e3779b97f4a7c15u) >> 58];
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
    str formats[FORMATS] = {0};
    for (size_t i = 0; i < n; i++) {
        str *like = format_of(formats, lines[i]);
        set_grams(bits, size - 1, lines[i], *like);
        *like = lines[i];
    }
    return (str){(char *)bits, fold(bits, size / 64) * 8};
}
