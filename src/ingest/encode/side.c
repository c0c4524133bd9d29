#include "ingest/encode/side.h"

#include <stdlib.h>

void side_add(struct side_rows *rows, struct side_row r)
{
    if (rows->n == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 256;
        struct side_row *wider = arena_array(rows->arena, struct side_row, rows->cap);
        if (rows->n) memcpy(wider, rows->list, rows->n * sizeof *wider);
        rows->list = wider;
    }
    rows->list[rows->n++] = r;
}

static int cmp_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int cmp_row(const void *x, const void *y)
{
    const struct side_row *p = x, *q = y;
    int c = cmp_u64(p->partition, q->partition);
    if (!c) c = str_compare(p->a, q->a);
    if (!c) c = str_compare(p->b, q->b);
    if (!c) c = cmp_u64(p->u, q->u);
    if (!c) c = cmp_u64(p->v, q->v);
    if (!c) c = cmp_u64(p->ref.batch, q->ref.batch);
    return c ? c : cmp_u64(p->ref.row, q->ref.row);
}

void side_sort(struct side_rows *rows)
{
    if (rows->n) qsort(rows->list, rows->n, sizeof *rows->list, cmp_row);
}

size_t side_take(const struct side_rows *rows, size_t from)
{
    size_t i = from;
    for (unsigned partitions = 0; i < rows->n; i++) {
        if (i > from && rows->list[i].partition == rows->list[i - 1].partition) continue;
        if (partitions++ == SIDE_MAX_PARTITIONS) break;
    }
    return i - from;
}

/* Days to the civil calendar, in years that begin in March. */
uint64_t side_month(uint64_t day)
{
    uint64_t shifted = day + 719'468, era = shifted / 146'097, in_era = shifted % 146'097;
    uint64_t year = (in_era - in_era / 1460 + in_era / 36'524 - in_era / 146'096) / 365;
    uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    return (era * 400 + year) * 12 + (5 * in_year + 2) / 153;
}
