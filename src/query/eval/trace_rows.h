/* trace_rows: rows of jaeger_plan_spans into traces. Pure.
 *
 * Everything kept is copied into the arena; equal resources are kept once. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "query/ir/sql.h"
#include "query/ir/trace.h"

struct trace_rows {
    struct arena *arena;
    struct trace_span **spans; /* in the order read */
    size_t n, cap;
    struct map by_hash; /* resources */
    const struct trace_resource **resources;
    uint32_t n_resources, cap_resources;
};

void trace_rows_init(struct trace_rows *r, struct arena *a);

/* Adds the block's rows. ST_INTERNAL: a column is missing or has another type. */
[[nodiscard]] status trace_rows_add(struct trace_rows *r, const struct native_block *b,
                                    struct err *err);

/* The traces, in the order of `ids`, those without spans left out; spans sorted by start time. With
 * `dedupe`, a span that was stored twice is there once. Returns how many; *ret lies in the arena.
 */
size_t trace_rows_traces(struct trace_rows *r, const struct trace_id *ids, size_t n, bool dedupe,
                         const struct trace **ret);
