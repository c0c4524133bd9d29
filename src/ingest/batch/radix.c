#include "ingest/batch/radix.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS, FEW = 48 };

static void insertion_sort(struct radix_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct radix_item it = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key > it.key; j--) items[j] = items[j - 1];
        items[j] = it;
    }
}

static uint32_t digit(uint64_t key, int d)
{
    return (uint32_t)(key >> (d * DIGIT_BITS)) & (BUCKETS - 1);
}

static void pass(const struct radix_item *from, struct radix_item *to, size_t n, int d,
                 uint32_t *count)
{
    uint32_t at = 0;
    for (int b = 0; b < BUCKETS; b++) {
        uint32_t here = count[b];
        count[b] = at;
        at += here;
    }
    for (size_t i = 0; i < n; i++) to[count[digit(from[i].key, d)]++] = from[i];
}

struct radix_item *radix_sort(struct radix_item *items, struct radix_item *spare, size_t n)
{
    if (n <= FEW) {
        insertion_sort(items, n);
        return items;
    }
    uint64_t differs = 0;
    for (size_t i = 1; i < n; i++) differs |= items[i].key ^ items[0].key;
    if (differs == 0) return items;

    uint32_t count[DIGITS][BUCKETS];
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++) count[d][digit(items[i].key, d)]++;
    for (int d = 0; d < DIGITS; d++) {
        if (digit(differs, d) == 0) continue;
        pass(items, spare, n, d, count[d]);
        struct radix_item *t = items;
        items = spare;
        spare = t;
    }
    return items;
}
