/* loki_fetch: streams and records of a LogQL query out of the store. Private to query. */
#pragma once

#include "base/map.h"
#include "query/eval/logql_eval.h"
#include "query/ir/job.h"
#include "query/plan/loki_plan.h"

struct loki_source_stream {
    uint64_t id;
    struct loki_labels labels, metadata; /* of its resource */
    uint32_t service;                    /* index in plan.services */
};

/* The streams a selector selects, in the job's arena. */
struct loki_selected {
    struct loki_source_stream *v;
    uint32_t n;
    struct map by_id;
    struct loki_streams plan;
    const bool *whole; /* of plan.services: all streams of it are selected */
};

[[nodiscard]] status loki_select(struct query_job *j, const struct logql_matchers *m, nanos start,
                                 nanos end, struct loki_selected *ret, struct err *err);
const struct loki_source_stream *loki_selected_find(const struct loki_selected *s, uint64_t id);

struct loki_found {
    struct loki_stream *v; /* sorted by labels */
    uint32_t n;
    struct loki_stats stats;
};

struct loki_log_query {
    const struct logql_log *log;
    nanos start, end, interval;
    uint64_t limit;
    bool forward, categorized;
};
/* The first `limit` entries in the direction asked for. */
[[nodiscard]] status loki_find(struct query_job *j, const struct loki_log_query *q,
                               struct loki_found *ret, struct err *err);

/* A source for logql_eval; stats count what it added. */
struct loki_metric_source {
    struct logql_source source; /* first */
    struct query_job *job;
    struct loki_stats stats;
};
void loki_metric_source_init(struct loki_metric_source *s, struct query_job *j);
