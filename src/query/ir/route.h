/* route: one row of a dialect's table of endpoints. serve matches paths against it, the engine runs
 * it. */
#pragma once

#include "base/err.h"
#include "query/ir/job.h"

/* Slots of the API label in obs/metrics, and whose form an error takes. */
enum query_api { QUERY_PROMETHEUS, QUERY_LOKI, QUERY_JAEGER };

struct query_route {
    const char *method; /* "GET", "POST", or "GET POST" */
    const char *path;   /* "/api/v1/label/{}/values": at most one {}, a whole segment */
    /* Fills job->body (and http_status, content_type), for errors too, in the dialect's own form.
     * When it fails and leaves the answer empty, the engine writes the error in the dialect's form.
     * thread: query */
    status (*run)(struct query_job *j, struct err *err);
    unsigned api; /* enum query_api */
};
