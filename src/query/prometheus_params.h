/* prometheus_params: parameters of Prometheus' HTTP API, with its messages. Private to query. */
#pragma once

#include "query/ir/job.h"
#include "query/promql_store.h"

/* `fallback` when the parameter is absent or empty. */
[[nodiscard]] status prometheus_time_param(const struct query_job *j, str name, int64_t fallback,
                                           int64_t *ret_ms, struct err *err);
[[nodiscard]] status prometheus_span_param(const struct query_job *j, str name, int64_t fallback,
                                           int64_t *ret_ms, struct err *err);
/* Absent is an error. */
[[nodiscard]] status prometheus_time_needed(const struct query_job *j, str name, int64_t *ret_ms,
                                            struct err *err);
[[nodiscard]] status prometheus_span_needed(const struct query_job *j, str name, int64_t *ret_ms,
                                            struct err *err);

[[nodiscard]] status prometheus_limit(const struct query_job *j, uint64_t *ret,
                                      struct err *err); /* 0: none */
/* A whole number; absent: -1. */
[[nodiscard]] status prometheus_number_param(const struct query_job *j, str name, int64_t *ret,
                                             struct err *err);
/* Brings the job's deadline nearer when `timeout` says so. */
[[nodiscard]] status prometheus_timeout(struct query_job *j, struct err *err);

/* All match[]. */
[[nodiscard]] status prometheus_matches(const struct query_job *j, struct selector **ret,
                                        uint32_t *ret_n, struct err *err);
/* {name} of the path; U__ forms are decoded. */
[[nodiscard]] status prometheus_segment_label(const struct query_job *j, str *ret, struct err *err);

/* Sorts, keeps each once; returns how many are left. */
uint32_t prometheus_sort_names(str *names, uint32_t n);
