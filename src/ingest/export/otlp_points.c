#include "ingest/export/otlp_points.h"

/* A counting sort: they mostly stand in order, but nothing says that they must. */
struct exemplar_index exemplar_index_make(struct arena *a, const struct metric_columns *c)
{
    if (c->n_exemplars == 0) return (struct exemplar_index){0};
    size_t n = (size_t)c->n + 2;
    uint32_t *from = arena_array(a, uint32_t, n);
    uint32_t *order = arena_array(a, uint32_t, c->n_exemplars);
    memset(from, 0, n * sizeof *from);
    for (uint32_t i = 0; i < c->n_exemplars; i++) from[c->exemplar[i].point + 2]++;
    for (size_t i = 1; i < n; i++) from[i] += from[i - 1];
    for (uint32_t i = 0; i < c->n_exemplars; i++) order[from[c->exemplar[i].point + 1]++] = i;
    return (struct exemplar_index){from, order};
}
