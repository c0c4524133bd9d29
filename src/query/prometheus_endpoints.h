/* prometheus_endpoints: what prometheus.c's table names and other files hold. Private to query.
 * thread: query */
#pragma once

#include "base/json_out.h"
#include "query/ir/job.h"
#include "query/promql_store.h"

/* prometheus_status.c: about the server; none reads the store. Only rules can fail. */
status prometheus_buildinfo(struct query_job *j, struct err *err);
status prometheus_runtimeinfo(struct query_job *j, struct err *err);
status prometheus_flags(struct query_job *j, struct err *err);
status prometheus_config(struct query_job *j, struct err *err);
status prometheus_targets(struct query_job *j, struct err *err);
status prometheus_targets_metadata(struct query_job *j, struct err *err);
status prometheus_scrape_pools(struct query_job *j, struct err *err);
status prometheus_rules(struct query_job *j, struct err *err);
status prometheus_alerts(struct query_job *j, struct err *err);
status prometheus_alertmanagers(struct query_job *j, struct err *err);
status prometheus_healthy(struct query_job *j, struct err *err);
status prometheus_ready(struct query_job *j, struct err *err);

/* prometheus_metadata.c */
status prometheus_metadata(struct query_job *j, struct err *err);

status prometheus_walreplay(struct query_job *j, struct err *err);
status prometheus_features(struct query_job *j, struct err *err);
/* 204, nothing in it. */
status prometheus_no_data(struct query_job *j);

/* prometheus_tsdb.c: what the series of the last day are, from the store. */
[[nodiscard]] status prometheus_tsdb(struct query_job *j, struct err *err);

/* prometheus_federate.c: text, not JSON, for errors too. */
status prometheus_federate(struct query_job *j, struct err *err);

/* prometheus_read.c: remote read; protobuf, and text for errors. */
status prometheus_read(struct query_job *j, struct err *err);

/* prometheus_exemplars.c: the exemplars of all series that any of the selectors selects, as the
 * data member of query_exemplars. */
[[nodiscard]] status prometheus_exemplars(struct query_job *j, const struct selector *selectors,
                                          uint32_t n, int64_t from_ms, int64_t to_ms,
                                          struct notes *warnings, struct json_out *out,
                                          struct err *err);
