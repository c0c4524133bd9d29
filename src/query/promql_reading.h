/* promql_reading: the state of reading stored series: what promql_store.c and promql_rolled.c
 * share. Private to query. thread: query */
#pragma once

#include "query/ir/job.h"
#include "query/ir/series.h"
#include "query/plan/promql_plan.h"

enum part { PART_VALUE, PART_BUCKET, PART_COUNT, PART_SUM, PART_QUANTILE, PART_NATIVE };

/* One Prometheus series of a stored one. */
struct output {
    struct labels labels;
    enum part part;
    double bound; /* le, quantile */
    struct sample *samples;
    uint32_t n, cap;
    struct histogram_sample *histograms;
    uint32_t n_h, cap_h;
    struct rolled *rolled;
    uint32_t n_rolled, cap_rolled;
};

struct stored {
    uint64_t id;
    str metric_name;
    struct labels labels; /* without __name__ */
    str name;
    enum promql_stored_type type;
    double *bounds;
    uint32_t n_bounds;
    struct output *outputs;
    uint32_t n_outputs, cap_outputs;
};

struct reading {
    struct query_job *job;
    struct arena *arena;
    const struct label_matcher *matchers;
    uint32_t n_matchers;
    struct notes *warnings;
    struct stored *list;
    uint32_t n, cap;
    struct stored *at; /* whose rows are being read */
    uint32_t hours, expected_most;
};

/* What of the store the series found need. */
struct wanted {
    const str *names;
    uint32_t n_names;
    const uint64_t *ids;
    uint32_t n_ids;
    struct promql_sample_columns columns;
};
void reading_wanted(struct reading *r, struct wanted *ret);

[[nodiscard]] status reading_column(const struct native_block *b, const char *name,
                                    const struct native_column **ret, struct err *err);
/* The series a stored one answers to under its name and `tail`, with the label `extra` (empty:
 * none). NULL: it is not wanted. */
struct output *reading_output(struct reading *r, struct stored *s, enum part part, const char *tail,
                              str extra, double bound);
/* NULL: it is not among those that are read. */
struct stored *reading_find(struct reading *r, uint64_t id);
