/* otlp_points: what the encoders of both formats need to walk data points: exemplars by their
 * point. Pure. */
#pragma once

#include "model/batch.h"

/* Exemplars of row i: those numbered order[from[i]] up to order[from[i + 1]]. NULL when the batch
 * has none. */
struct exemplar_index {
    const uint32_t *from, *order;
};

/* Lies in the arena. */
struct exemplar_index exemplar_index_make(struct arena *a, const struct metric_columns *c);
