/* fold: the data points of many requests as one batch.
 *
 * A request is mostly its body and the attributes of its points, the same in each request of a
 * series; what is stored of a point is a few numbers. So a series' attributes and bounds, and the
 * texts of its metric, resource and scope, are kept once, as they came first, and the request can
 * be let go of. Rows stay in the order they came. Private to ingest/batch: the door is
 * open_block_fold. thread: one at a time. */
#pragma once

#include "model/batch.h"

struct fold;

struct fold *fold_new(void); /* lies in the arena of its batch */
struct telemetry_batch *fold_batch(struct fold *f);

/* Appends the points and exemplars of `from`, of which it keeps nothing. */
void fold_add(struct fold *f, const struct telemetry_batch *from);

/* Memory that is used; what arrays have room for beyond it is not touched yet. */
uint64_t fold_bytes(const struct fold *f);
