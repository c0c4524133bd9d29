#include "base/nearest.h"

enum { LEN_MAX = 64 };

/* Levenshtein distance of two texts of at most LEN_MAX bytes. */
static size_t distance(str a, str b)
{
    size_t row[LEN_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t up = row[j], best = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            if (up + 1 < best) best = up + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    return row[b.len];
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
