/* loki_render: answers in the JSON of Loki's HTTP API. Pure. */
#pragma once

#include "base/json_out.h"
#include "query/ir/logql_value.h"

/* `categorized`: values are triples with the structured metadata, and the answer says so. */
void loki_render_streams(struct buf *out, const struct loki_stream *v, size_t n, bool categorized,
                         const struct loki_stats *stats);
void loki_render_matrix(struct buf *out, const struct logql_matrix *m, const struct logql_grid *g,
                        const struct loki_stats *stats);
/* At the grid's first time: a vector, or a scalar. */
void loki_render_instant(struct buf *out, const struct logql_matrix *m, const struct logql_grid *g,
                         const struct loki_stats *stats);
/* {status, data: [...]} of labels, values and series. */
void loki_render_strings(struct buf *out, const str *v, size_t n);
void loki_render_series(struct buf *out, const struct loki_labels *v, size_t n);
