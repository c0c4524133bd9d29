/* parts: what a graph names, opened: exporters, stores of other ClickHouse servers, chains of
 * processors. thread: main */
#pragma once

#include "cmd/graph.h"
#include "ingest/pipeline.h"

struct store;

struct parts {
    struct pipeline_exporter *exporters;
    struct pipeline_route *routes;
    unsigned n_exporters, n_routes;
    struct process_chain **chains;
    struct store **stores; /* other servers' */
    size_t n_chains, n_stores;
};

/* Would a start say yes? All but what needs the network, the engine or ports: no resource is
 * detected, no server asked, no file written. ST_INVALID: an option is wrong, with its place.
 * ST_UNAVAILABLE: a file cannot be read. */
[[nodiscard]] status parts_check(const struct config *c, const struct graph *g, struct err *err);

/* `own`: weir's store, borrowed; NULL when the graph does not need it. Detects resources, which
 * takes as long as the detectors' timeouts at most. `ret` is in the arena but for what parts_close
 * closes, also after a failure. */
[[nodiscard]] status parts_open(struct arena *a, const struct graph *g, struct store *own,
                                struct parts *ret, struct err *err);
void parts_close(struct parts *p);

/* Is an exporter weir's own store? */
bool parts_need_store(const struct graph *g);
