/* promql_reading: the reading of stored series, step by step: promql_series.c finds them,
 * promql_samples.c and promql_rolled.c fill them, promql_collect.c hands them out; promql_store.c
 * names the steps. Private to query. thread: query */
#pragma once

#include "model/prometheus_name.h"
#include "query/ir/job.h"
#include "query/ir/series.h"
#include "query/plan/promql_plan.h"
#include "query/promql_store.h"

enum { USUAL_INTERVAL_MS = 15'000 }; /* of samples, where nothing is known of them */

enum part { PART_VALUE, PART_BUCKET, PART_COUNT, PART_SUM, PART_QUANTILE, PART_NATIVE };

/* One Prometheus series of a stored one. */
struct output {
    struct labels labels;
    enum part part;
    double bound; /* le, quantile */
    struct sample *samples;
    uint32_t n, cap;
    uint32_t rising; /* that many are known to be in the order of time */
    struct histogram_sample *histograms;
    uint32_t n_h, cap_h;
    struct rolled *rolled;
    uint32_t n_rolled, cap_rolled;
    uint32_t rank;             /* by labels, in a ranked reading */
    struct output *starts;     /* its samples: of each number when counting began; NULL: not read */
    const struct sample *tail; /* of the scan before (promql_found.h) */
    uint32_t n_tail;
};

struct stored {
    uint64_t id;
    str metric_name;
    struct labels labels; /* without __name__ */
    str name;
    enum promql_stored_type type;
    bool delta; /* of delta temporality */
    double *bounds;
    uint32_t n_bounds;
    struct output *outputs;
    uint32_t n_outputs, cap_outputs;
    bool twin; /* when read in batches: has labels that another stored series has too */
    bool raw;  /* its samples are needed after all (promql_change.h) */
};

/* target_info of a resource. */
struct target {
    uint64_t id;
    struct output output;
};

struct reading {
    struct query_job *job;
    struct arena *arena, *room; /* of the series; of their samples: the same, but in batches */
    const struct label_matcher *matchers;
    uint32_t n_matchers;
    struct notes *warnings;
    struct stored *list;
    uint32_t n, cap;
    uint64_t rows;             /* of the series table */
    const struct attr *before; /* of the row before */
    size_t n_before;
    struct stored *at; /* whose rows are being read */
    uint32_t hours, expected_most;
    int64_t from_ms, to_ms; /* samples of other times are left out */
    bool ranked;
    bool in_order; /* as the list is: not by labels */
    uint64_t batch_samples;
    enum series_needs needs;          /* of the samples */
    struct change_parts change;       /* where windows stand for some: NEEDS_CHANGE, NEEDS_SUM */
    struct change_parts *known_parts; /* of the query; NULL: nobody keeps them */
    uint32_t windows;                 /* of each series, at most; 0: not known */
    bool has_ends;                    /* the samples at both ends were read, of all series */
    unsigned used;                    /* enum promql_used: windows */
    bool with_starts;
    bool any_delta;
    bool any_delta_histogram; /* native */
    int64_t from;             /* of the samples handed out */
    bool reads_earlier;       /* there are some before: of deltas and native histograms */
    struct target *targets;   /* by id */
    uint32_t n_targets, cap_targets;
    struct sample *scratch; /* in `room` */
    uint32_t scratch_cap;
    struct found *found; /* keeps the series; NULL: nobody does */
};

/* What of the store the series found need. */
struct wanted {
    const str *names;
    uint32_t n_names;
    const uint64_t *ids;
    uint32_t n_ids;
    struct promql_sample_columns columns;
};
/* The series the matchers select. ST_EXECUTION: more than the job's limit of them. */
[[nodiscard]] status reading_series(struct reading *r, const struct promql_scope *scope,
                                    struct err *err);
void reading_wanted(struct reading *r, struct wanted *ret);

[[nodiscard]] status reading_column(const struct native_block *b, const char *name,
                                    const struct native_column **ret, struct err *err);
/* The series a stored one answers to under its name and `tail`, with the label `extra` (empty:
 * none). NULL: it is not wanted. */
struct output *reading_output(struct reading *r, struct stored *s, enum part part, const char *tail,
                              str extra, double bound);
/* All matchers accept the labels. */
bool reading_wants(const struct reading *r, struct labels l);
/* NULL: it is not among those that are read. */
struct stored *reading_find(struct reading *r, uint64_t id);

/* --- promql_names.c: names and labels that are not the stored ones */

const struct prometheus_naming *reading_naming(const struct reading *r); /* never NULL */

struct name_columns {
    const struct native_column *stored, *metric, *unit, *type, *monotonic, *verbatim;
};
[[nodiscard]] status reading_name_columns(const struct native_block *b, struct name_columns *ret,
                                          struct err *err);
/* What the metric of a row is called; empty when nothing is left of its name. */
str reading_name(struct arena *a, const struct prometheus_naming *n, const struct name_columns *c,
                 uint64_t row);
/* Where the matchers are about names that are not the stored ones: the stored names that can be
 * meant, into the scope. */
[[nodiscard]] status reading_stored_names(struct reading *r, struct promql_scope *io_scope,
                                          struct err *err);
/* Of a row of promql_plan_series with what labels are made of. */
[[nodiscard]] status reading_labels(struct reading *r, const struct native_block *b, uint64_t row,
                                    bool verbatim, struct labels *ret, struct err *err);
[[nodiscard]] status reading_attributes(struct reading *r, const struct native_block *b,
                                        const char *column, uint64_t row, const struct attr **ret,
                                        size_t *ret_n, struct err *err);
struct labels reading_attr_labels(struct arena *a, const struct attr *attrs, size_t n);

/* Raw samples of the scope's time, into the outputs. ST_EXECUTION: more than the query's memory. */
[[nodiscard]] status reading_samples(struct reading *r, const struct promql_scope *scope,
                                     const struct wanted *w, struct err *err);
/* The same of a part of the time: nothing is read from before it, and nothing kept. */
[[nodiscard]] status reading_piece(struct reading *r, const struct promql_scope *scope,
                                   const struct wanted *w, struct err *err);
/* A later sample of one moment is the same sent again: it replaces the earlier. */
void reading_put(struct reading *r, struct output *o, int64_t t, double v);
/* Samples of a series that are known already, in the order of time, of those in [from_ms, to_ms]
 * that it will get. */
void reading_put_all(struct reading *r, struct output *o, const struct sample *list, uint32_t n);
/* ST_EXECUTION: more than the query's memory; ST_CANCELLED, ST_TIMEOUT: job_check. */
[[nodiscard]] status reading_check(struct reading *r, struct err *err);
/* The outputs as series, by labels, equal ones united; without samples those that have none too. */
void reading_collect(struct reading *r, bool with_samples, struct series_set *ret);
/* Series some at a time to `sink`, so that only their samples are held. False: these cannot be read
 * so: their samples say more about the series, or what is made of them points to them. */
bool reading_can_batch(const struct reading *r);
/* The times at whose multiples, from the full hour on that the scope begins in, it is best to read
 * some of the time after the other, when each asks again for `tail_ms` of the one before: so many
 * hours that all series of the selection make one set. An hour of the table is read whole by that,
 * where some series at a time would each read the ends of what they share granules and blocks with.
 * 0: not at all. */
int64_t reading_slice(const struct reading *r, const struct promql_scope *scope, int64_t tail_ms);
/* Sets r->needs to what can be done with of `needs` and `whole_ms` (struct series_sink): NEEDS_ALL
 * when the samples have to be read. ST_...: of the statement that asks which windows are fresh. */
[[nodiscard]] status reading_needs(struct reading *r, const struct promql_scope *scope,
                                   enum series_needs needs, int64_t whole_ms, struct err *err);
[[nodiscard]] status reading_batches(struct reading *r, const struct promql_scope *scope,
                                     const struct series_sink *sink, struct err *err);
int reading_by_labels(const void *a, const void *b); /* of raw series, for qsort */
