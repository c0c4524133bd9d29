/* api: the endpoints of the three dialects, each a function from a job to its answer. Each
 * dialect's file (prometheus.c, loki.c, jaeger.c) names the stages its queries go through, and
 * defines its table. What a handler does: ir/route.h. Who starts the engine passes the tables
 * (engine.h), so that a program may serve one dialect only. */
#pragma once

#include "query/ir/route.h"

extern const struct query_route prometheus_routes[]; /* ends with path NULL */
extern const struct query_route loki_routes[];
extern const struct query_route jaeger_routes[];

/* Asks about the last day of one metric, for what a first query of a process has to read from disk:
 * the engine's code, and of some files what it keeps in memory. For engine_options.warm_up; an
 * error is nothing to anybody. */
[[nodiscard]] status prometheus_warm_up(struct query_job *j, struct err *err);
