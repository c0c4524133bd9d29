/* loki_params: the parameters of Loki's query endpoints. Pure. Private to query. */
#pragma once

#include "base/err.h"
#include "query/ir/job.h"

/* 10 digits or fewer: seconds; more: nanoseconds; with a point: seconds with milliseconds; or RFC
 * 3339. */
[[nodiscard]] status loki_time(str s, nanos *ret, struct err *err);
/* Seconds, or 5m, 1h30m, 1500ms, 5d. */
[[nodiscard]] status loki_duration(str s, nanos *ret, struct err *err);

/* start and end, or since; the last hour by default. */
[[nodiscard]] status loki_bounds(const struct query_job *j, nanos *ret_start, nanos *ret_end,
                                 struct err *err);

struct loki_range_params {
    nanos start, end, step, interval;
    uint64_t limit;
    bool forward;
};
[[nodiscard]] status loki_range_params(const struct query_job *j, struct loki_range_params *ret,
                                       struct err *err);

/* limit and direction, which instant queries have too. */
[[nodiscard]] status loki_limit(const struct query_job *j, uint64_t *ret, struct err *err);
[[nodiscard]] status loki_direction(const struct query_job *j, bool *ret_forward, struct err *err);
nanos loki_default_step(nanos start, nanos end);
