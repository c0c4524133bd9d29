#include "base/nearest.h"

enum { LEN_MAX = 64 };

/* Edits between two texts of at most LEN_MAX bytes: a byte more, less or another, two swapped. */
static size_t distance(str a, str b)
{
    size_t rows[3][LEN_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++) last[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = last[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b.len];
}

str nearest_name(str wrong, str (*names)(size_t i, void *ctx), void *ctx)
{
    if (wrong.len > LEN_MAX) return (str){0};
    size_t best = wrong.len / 3 + 1, best_i = 0;
    bool found = false;
    for (size_t i = 0;; i++) {
        str name = names(i, ctx);
        if (!name.len) break;
        size_t d = name.len <= LEN_MAX ? distance(wrong, name) : best;
        /* the last part of a dotted name alone is a common slip: "batch_timeout" is found by
         * distance, "timeout" by its end */
        if (wrong.len >= 4 && name.len > wrong.len &&
            str_eq(str_drop(name, name.len - wrong.len), wrong))
            d = 1;
        if (d < best) {
            best = d;
            best_i = i;
            found = true;
        }
    }
    return found ? names(best_i, ctx) : (str){0};
}
