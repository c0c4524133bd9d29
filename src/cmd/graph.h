/* graph: the pipelines of a configuration file, in the OpenTelemetry Collector's shape (receivers,
 * processors, exporters, extensions, service), as what the path in needs. Without those sections:
 * otlp to the store, for each signal.
 *
 * Reading opens nothing and asks nobody. thread: main, at start. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"
#include "ingest/batch/batch.h"
#include "ingest/export/export.h"
#include "ingest/process/process.h"
#include "model/batch.h"
#include "store/store.h"

struct graph_exporter {
    str name;                   /* "otlp/eu" */
    const struct tree *at;      /* its entry, for messages; NULL: the default one */
    const struct tree *options; /* NULL: none given */
    bool is_clickhouse;
    struct store_options store; /* of clickhouse; url empty: weir's own store */
    struct export_common common;
};

struct graph_pipeline {
    str name; /* "traces/eu" */
    enum signal_kind signal;
    struct process_spec *processors; /* without batch and memory_limiter, in order */
    size_t n_processors;
    struct batch_limits batch;
    unsigned *exporters; /* indices; clickhouse first, else the file's order */
    size_t n_exporters;
};

struct graph {
    struct graph_exporter *exporters; /* those that a pipeline names */
    struct graph_pipeline *pipelines; /* in the file's order */
    str *warnings;                    /* "file:line:column: path: why" */
    size_t n_exporters, n_pipelines, n_warnings;
};

/* Everything lies in `a` or borrows from `c`. ST_INVALID: "file:line:column: path: why". */
[[nodiscard]] status graph_read(struct arena *a, const struct config *c, struct graph *ret,
                                struct err *err);

/* "traces: otlp -> filter, batch -> clickhouse" for each pipeline, as YAML comments. */
void graph_print(const struct graph *g, struct buf *out);
