/* jaeger_endpoints: what jaeger.c's table names and other files hold. Private to query.
 * thread: query */
#pragma once

#include "query/ir/job.h"
#include "query/parse/jaeger_params.h"
#include "query/render/jaeger_json.h"

/* jaeger_metrics.c: /api/metrics/calls, errors, latencies, minstep (the segment). */
status jaeger_metrics(struct query_job *j, struct err *err);
