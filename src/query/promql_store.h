/* promql_store: series and samples of the store for PromQL: plan makes the SQL, the job's fetcher
 * runs it, and stored rows become the series Prometheus knows (see query/plan/promql_plan.h).
 * Private to query. thread: query */
#pragma once

#include "query/ir/job.h"
#include "query/ir/promql.h"
#include "query/ir/series.h"

/* (after, to] of what a long range is read from, ms, one behind the other (promql_change.h). */
struct change_parts {
    int64_t fine_after, hours_after, hours_to;
    int64_t from, to, whole; /* of what it is; hours_to 0: samples have to be read */
};

struct promql_store {
    struct series_source source; /* first */
    struct query_job *job;
    nanos spent;       /* on reading */
    unsigned used;     /* bits of enum promql_used: where samples came from */
    bool horizon_read; /* of the rollups, once a query */
    struct horizon horizon;
    bool with_starts;          /* start times are read with the samples */
    uint64_t batch_samples;    /* how many are read at a time, about; 0: two million */
    struct found *found;       /* series that were looked up (promql_found.h) */
    struct change_parts parts; /* as of the last selection that windows were looked for */
};
enum promql_used {
    PROMQL_USED_RAW = 1,
    PROMQL_USED_5M = 2,
    PROMQL_USED_1H = 4,
    PROMQL_USED_DELTA_HISTOGRAMS = 8 /* native ones of delta temporality were among them */
};

void promql_store_init(struct promql_store *s, struct query_job *job);
/* "1h, 5m, raw": the bits of `used`, coarsest first; empty: none. */
str promql_store_resolutions(struct arena *a, unsigned used);
/* Start times are read when a function of `e` looks at them. */
void promql_store_starts_for(struct promql_store *s, struct promql_expr *e);

/* The label sets of the series that have any of the selectors' matchers, sorted, each once; without
 * samples. */
struct label_sets {
    struct labels *list;
    uint32_t n;
};
struct selector {
    const struct label_matcher *matchers;
    uint32_t n;
};
[[nodiscard]] status promql_store_series(struct promql_store *s, const struct selector *selectors,
                                         uint32_t n, int64_t from_ms, int64_t to_ms,
                                         struct notes *warnings, struct label_sets *ret,
                                         struct err *err);

/* A series exemplars can belong to: those of stored series `id` with above < value <= upto. */
struct exemplar_series {
    uint64_t id;
    str metric_name;
    struct labels labels;
    double above, upto;
    bool whole; /* every exemplar, whatever its value */
};

/* Gauges, sums and the buckets of histograms among what the selectors select; one selected twice is
 * there twice. */
[[nodiscard]] status
promql_store_exemplar_series(struct promql_store *s, const struct selector *selectors, uint32_t n,
                             int64_t from_ms, int64_t to_ms, struct notes *warnings,
                             struct exemplar_series **ret, uint32_t *ret_n, struct err *err);
