/* jaeger_params: the URL parameters of Jaeger's HTTP API into what they ask for. Pure.
 * ST_INVALID: a parameter is malformed; the error is worded for the client. */
#pragma once

#include "base/err.h"
#include "query/ir/job.h"
#include "query/ir/trace.h"

enum { JAEGER_TAGS_MAX = 64, JAEGER_IDS_MAX = 1000 };

/* GET /api/traces without traceID: service, operation, start, end, lookback, limit, minDuration,
 * maxDuration, tag, tags. */
[[nodiscard]] status jaeger_search(const struct query_job *j, struct trace_search *ret,
                                   struct err *err);

/* The traceID parameters; *ret_n 0 when there are none. */
[[nodiscard]] status jaeger_trace_ids(const struct query_job *j, const struct trace_id **ret,
                                      size_t *ret_n, struct err *err);

/* start and end in microseconds, as hints where a trace is: INT64_MIN and INT64_MAX when absent. */
struct jaeger_range {
    nanos start, end;
};
[[nodiscard]] status jaeger_hint(const struct query_job *j, struct jaeger_range *ret,
                                 struct err *err);

/* endTs and lookback in milliseconds (default: now, 24 hours). */
[[nodiscard]] status jaeger_dependency_range(const struct query_job *j, struct jaeger_range *ret,
                                             struct err *err);

/* GET /api/metrics/{calls,errors,latencies} (the job's segment): service, quantile,
 * groupByOperation, endTs, lookback, step, ratePer, spanKind. Times go to whole windows of five
 * minutes: the end back, the rest up. ST_NOT_FOUND: another segment. */
[[nodiscard]] status jaeger_red_query(const struct query_job *j, struct trace_red_query *ret,
                                      struct err *err);

/* raw=true, prettyPrint=true. Absent: false. */
[[nodiscard]] status jaeger_flag(const struct query_job *j, str name, bool *ret, struct err *err);

/* Go's duration: "1.2s", "100ms", "250us", "1h30m"; also d and w, as the Jaeger UI's lookback has.
 */
bool jaeger_duration(str s, int64_t *ret_ns);
