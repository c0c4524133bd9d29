/* promql_targets: target_info, which is no stored series: a series for each resource that tells
 * more than its job and instance, 1 whenever it sent metrics. Private to query. thread: query */
#pragma once

#include "query/promql_reading.h"

/* The resources of the scope's days whose target_info the matchers accept. ST_EXECUTION: more than
 * the job's limit of series. */
[[nodiscard]] status targets_find(struct reading *r, const struct promql_scope *scope,
                                  struct err *err);
/* Their samples. */
[[nodiscard]] status targets_read(struct reading *r, const struct promql_scope *scope,
                                  struct err *err);
