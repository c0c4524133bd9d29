/* Rows: making, merging and sorting them. */
#include <stdlib.h>

#include "base/map.h"
#include "query/eval/promql_eval.h"

struct row *rows_add(struct evaluator *ev, struct rows *r, struct labels l, uint32_t steps)
{
    if (r->n == r->cap) {
        uint32_t cap = r->cap ? r->cap * 2 : 16;
        struct row *list = arena_array(ev->arena, struct row, cap);
        if (r->n) memcpy(list, r->list, r->n * sizeof *list);
        r->list = list;
        r->cap = cap;
    }
    struct row *row = &r->list[r->n++];
    *row = (struct row){.labels = l,
                        .v = arena_array(ev->arena, double, steps),
                        .has = arena_array(ev->arena, uint8_t, steps)};
    memset(row->has, 0, steps);
    ev->samples += steps;
    return row;
}

void row_put(struct row *r, uint32_t step, double v)
{
    r->v[step] = v;
    r->has[step] = POINT_FLOAT;
}

void row_put_cell(struct evaluator *ev, struct row *r, uint32_t step, uint32_t steps, struct cell c)
{
    r->v[step] = c.v;
    r->has[step] = c.h ? POINT_HISTOGRAM : POINT_FLOAT;
    if (!c.h) return;
    if (!r->h) r->h = arena_array(ev->arena, const struct histogram *, steps);
    r->h[step] = c.h;
}

void row_drop_histograms(struct row *r, uint32_t steps)
{
    for (uint32_t i = 0; r->h && i < steps; i++)
        if (r->has[i] == POINT_HISTOGRAM) r->has[i] = POINT_NONE;
    r->h = NULL;
}

struct value rows_value(struct rows r, struct grid g)
{
    return (struct value){.kind = VALUE_VECTOR, .grid = g, .rows = r.list, .n_rows = r.n};
}

status rows_hand_over(struct evaluator *ev, struct rows r, struct grid g,
                      const struct row_sink *sink)
{
    struct value v = rows_value(r, g);
    uint64_t held = (uint64_t)r.n * g.n;
    if (!ev->opt.delayed_names) TRY(rows_unite(ev, &v));
    TRY(sink->take(sink->ctx, &v));
    ev->samples -= held; /* they go now */
    return ST_OK;
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = ((const struct row *)a)->rank, y = ((const struct row *)b)->rank;
    return x < y ? -1 : x > y;
}

struct value rows_ranked(struct rows r, struct grid g)
{
    uint32_t i = 1;
    while (i < r.n && r.list[i - 1].rank <= r.list[i].rank) i++;
    if (i < r.n) qsort(r.list, r.n, sizeof *r.list, by_rank);
    return rows_value(r, g);
}

struct labels without_name(struct evaluator *ev, struct labels l)
{
    static const str names[] = {{"__name__", 8}, {"__type__", 8}, {"__unit__", 8}};
    return labels_drop(ev->arena, l, names, 3);
}

void row_drop_name(struct evaluator *ev, struct row *r)
{
    if (ev->opt.delayed_names)
        r->drop_name = true;
    else
        r->labels = without_name(ev, r->labels);
}

static bool same_labels(const void *ctx, uint32_t at)
{
    const void *const *c = ctx;
    const struct row *list = c[0];
    return labels_equal(list[at].labels, *(const struct labels *)c[1]);
}

struct row *rows_with(struct evaluator *ev, struct rows *r, struct map *index, struct labels l,
                      uint32_t steps)
{
    const void *ctx[] = {r->list, &l};
    uint64_t h = labels_hash(l);
    uint32_t at;
    if (map_find(index, h, same_labels, ctx, &at)) return &r->list[at];
    map_add(index, h, r->n);
    return rows_add(ev, r, l, steps);
}

status rows_unite(struct evaluator *ev, struct value *v)
{
    if (v->n_rows < 2) return ST_OK;
    struct map index;
    map_init(&index, ev->arena, v->n_rows);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        struct row *r = &v->rows[i];
        const void *ctx[] = {v->rows, &r->labels};
        uint64_t h = labels_hash(r->labels);
        uint32_t at;
        if (!map_find(&index, h, same_labels, ctx, &at)) {
            map_add(&index, h, n);
            v->rows[n++] = *r;
            continue;
        }
        struct row *to = &v->rows[at];
        for (uint32_t s = 0; s < v->grid.n; s++) {
            if (!r->has[s]) continue;
            if (to->has[s])
                return err_set(ev->err, ST_EXECUTION, ERR_NOPOS,
                               "vector cannot contain metrics with the same labelset");
            row_put_cell(ev, to, s, v->grid.n, row_cell(r, s));
        }
        to->drop_name &= r->drop_name;
    }
    v->n_rows = n;
    return ST_OK;
}

static int by_labels(const void *a, const void *b)
{
    return labels_compare(((const struct row *)a)->labels, ((const struct row *)b)->labels);
}

void rows_sort(struct value *v)
{
    if (v->n_rows) qsort(v->rows, v->n_rows, sizeof *v->rows, by_labels);
}
