/* api: the endpoints of the three dialects, each a function from a job to its answer. Each
 * dialect's file (prometheus.c, loki.c, jaeger.c) names the stages its queries go through, and
 * defines its table. What a handler does: ir/route.h. Who starts the engine passes the tables
 * (engine.h), so that a program may serve one dialect only. */
#pragma once

#include "query/ir/route.h"

extern const struct query_route prometheus_routes[]; /* ends with path NULL */
extern const struct query_route loki_routes[];
extern const struct query_route jaeger_routes[];
