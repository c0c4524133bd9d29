#include "query/ir/series.h"

#include <stdlib.h>

void notes_add(struct notes *n, str text)
{
    for (uint32_t i = 0; i < n->n; i++)
        if (str_eq(n->list[i], text)) return;
    if (n->n == n->cap) {
        uint32_t cap = n->cap ? n->cap * 2 : 8;
        str *list = arena_array(n->arena, str, cap);
        if (n->n) memcpy(list, n->list, n->n * sizeof *list);
        n->list = list;
        n->cap = cap;
    }
    n->list[n->n++] = arena_str(n->arena, text);
}

static int by_text(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

void notes_sort(struct notes *n)
{
    if (n->n) qsort(n->list, n->n, sizeof *n->list, by_text);
}
