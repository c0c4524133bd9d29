/* api: the endpoints of the three dialects, each a function from a job to its answer. Each dialect's file (prometheus.c,
 * loki.c, jaeger.c) names the stages its queries go through.
 *
 * A handler fills job->body (and http_status, content_type) also for errors, in the dialect's own error form; it returns the
 * status for metrics and the log only. thread: query */
#pragma once

#include "base/err.h"
#include "query/ir/job.h"

struct query_route {
    const char *method; /* "GET", "POST", or "GET POST" */
    const char *path;   /* "/api/v1/label/{}/values": at most one {} */
    status (*run)(struct query_job *j, struct err *err);
    unsigned api; /* slot of the API label in obs/metrics: 0 prometheus, 1 loki, 2 jaeger */
};

extern const struct query_route prometheus_routes[]; /* ends with path NULL */
extern const struct query_route loki_routes[];
extern const struct query_route jaeger_routes[];
