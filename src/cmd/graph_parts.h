/* graph_parts: the readers of single components, for graph.c. */
#pragma once

#include "cmd/graph.h"

/* Is `type` a processor that is a setting of the pipeline and none of ingest/process? */
bool graph_is_batch(str type);
bool graph_is_memory_limiter(str type);

/* Options of a `batch` processor over the configuration's batch.*. */
[[nodiscard]] status graph_read_batch(const struct tree *options, struct batch_limits *io,
                                      struct err *err);

/* The options of an exporter that do not concern its protocol; of `clickhouse` all. `e->name`,
 * `at`, `options` and `is_clickhouse` are set. */
[[nodiscard]] status graph_read_exporter(const struct config *c, struct graph_exporter *e,
                                         struct err *err);

/* The sections whose parts are in no pipeline: extensions (and service.extensions), connectors. */
[[nodiscard]] status graph_check_extensions(const struct tree *root, struct err *err);

/* A key that the Collector knows and weir refuses, with what to do instead. */
struct graph_refusal {
    str key;
    const char *why;
};
[[nodiscard]] status graph_refuse(const struct tree *map, const struct graph_refusal *all, size_t n,
                                  struct err *err);
#define GRAPH_REFUSE(map, err, list) graph_refuse(map, list, sizeof(list) / sizeof *(list), err)
