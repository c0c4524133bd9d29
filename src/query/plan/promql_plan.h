/* promql_plan: what a selector asks of the store, as SQL, and how stored series become Prometheus'.
 * Pure; values from outside are bound.
 *
 * A stored series answers to one or several names:
 *   gauge, sum      name
 *   histogram       name_bucket{le}, name_count, name_sum; with custom buckets: name (native)
 *   exp. histogram  name (a native histogram)
 *   summary         name{quantile}, name_count, name_sum
 * SQL narrows by what it can; which of the names, le and quantile are wanted is decided on the
 * expanded labels, and so are labels that are not those stored. */
#pragma once

#include "query/ir/labels.h"
#include "query/ir/series.h"
#include "query/ir/sql.h"

enum promql_stored_type {
    STORED_GAUGE = 1,
    STORED_SUM,
    STORED_HISTOGRAM,
    STORED_EXP_HISTOGRAM,
    STORED_SUMMARY
};

enum { PROMQL_TIME_MAX = 4102444800 }; /* 2100, in s: past what the columns of the store can hold */

struct prometheus_naming; /* model/prometheus_name.h */

struct promql_scope {
    const struct label_matcher *matchers;
    uint32_t n;
    int64_t from_ms, to_ms;                 /* inclusive */
    const struct prometheus_naming *naming; /* NULL: Prometheus' default */
    const str *names; /* what was found for the matchers of __name__ (promql_plan_names); NULL: not
                         looked for */
    uint32_t n_names;
};

/* False: nothing can be stored there. Otherwise cuts the times to what can. */
bool promql_scope_clamp(struct promql_scope *s);

/* The names are not the stored ones: those have to be found first. */
bool promql_names_differ(const struct promql_scope *s);
/* prometheus_name, metric_name, unit, type, is_monotonic, is_verbatim, each once: of metrics whose
 * translated names the matchers of __name__ may accept. */
void promql_plan_names(struct sql *sql, const struct promql_scope *s);

/* series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds: a
 * row a series. Where names or labels are not the stored ones also what they are made of: unit,
 * is_monotonic, is_verbatim, attributes, resource_attributes, scope_name, scope_version,
 * scope_schema_url, scope_attributes. */
void promql_plan_series(struct sql *sql, const struct promql_scope *s, uint64_t limit);

/* resource_id, resource_attributes: a row a resource that was heard of on the scope's days, by id.
 */
void promql_plan_resources(struct sql *sql, const struct promql_scope *s, uint64_t limit);
/* resource_id, t (ms): when, in runs of a resource and rising time. */
void promql_plan_targets(struct sql *sql, const struct promql_scope *s, const uint64_t *ids,
                         uint32_t n_ids);

/* What the samples of some series are needed for. */
struct promql_sample_columns {
    bool value, histogram, native, summary;
    bool in_order;  /* of series and time */
    bool start;     /* when counting began: start (ms) */
    bool alone;     /* one thread of the engine reads: who takes the rows has the other core */
    bool whole;     /* of the metrics every series from the first id to the last is asked for */
    bool ends_only; /* of windows: not their least, most and sum, nor what of them is known */
};

/* series_id, t (ms), flags, present and the columns asked for. In the order of series and time when
 * that is asked for; otherwise in runs of a series and rising time, in whatever order the store
 * reads them: sorting millions of rows would cost more than reading them. The ids are in order.
 * `whole`: looking at the id and the time of each row costs as much as reading it, so rows of other
 * series come too, and rows of the hours at both ends when they are little to what is asked for. */
void promql_plan_samples(struct sql *sql, const struct promql_scope *s, const str *metric_names,
                         uint32_t n_names, const uint64_t *ids, uint32_t n_ids,
                         struct promql_sample_columns c);

/* What is read of more rows does not stay with the engine (docs/decisions/0040). */
enum { PROMQL_KEPT_ROWS = 600'000 };
/* A row, of no use: reads what promql_plan_samples reads of numbers and histograms of an hour (s).
 */
void promql_plan_newest(struct sql *sql, int64_t hour);

/* As promql_plan_samples, a row a series: what is needed of the samples of numbers in the scope,
 * markers left out. Its t is the last of them. Rows of series that are not asked for come too where
 * `whole` is set. */
void promql_plan_needed(struct sql *sql, const struct promql_scope *s, enum series_needs needs,
                        const str *metric_names, uint32_t n_names, const uint64_t *ids,
                        uint32_t n_ids, bool whole);

/* rollup, since (s): from where on the source of each rollup of metrics is whole. */
void promql_plan_horizon(struct sql *sql);

/* series_id, t (ms, the window's end), version, samples, first_t, last_t, first, last, increase,
 * and the columns asked for: windows that end in (from_ms, to_ms], of each series in the order of
 * time. A window may come twice: the greater version holds. Those of other series come too where
 * `whole` is set. */
void promql_plan_windows(struct sql *sql, const struct promql_scope *s, bool coarse,
                         const str *metric_names, uint32_t n_names, const uint64_t *ids,
                         uint32_t n_ids, struct promql_sample_columns c);

/* t, upto (s): the ends of hours, in order, and where in each the windows of 5 minutes in
 * (after_ms, to_ms] end that were computed after the last row of theirs came, before the first that
 * was not. `hours`: only those of which all were, and the hour's after them; after_ms and to_ms are
 * full hours then. */
void promql_plan_fresh(struct sql *sql, int64_t after_ms, int64_t to_ms, bool hours);

/* series_id, t (ms), number, trace_id, span_id, attributes: a row an exemplar, in the order of
 * series and time. */
void promql_plan_exemplars(struct sql *sql, const struct promql_scope *s, const str *metric_names,
                           uint32_t n_names, const uint64_t *ids, uint32_t n_ids, uint64_t limit);

/* What a server's status tells of the series of some days. */
enum promql_count {
    COUNT_SERIES,  /* all of them: a row */
    COUNT_DAYS,    /* days of series: a row */
    COUNT_PAIRS,   /* different pairs of a label and a value: a row */
    COUNT_BY_NAME, /* series of each name */
    COUNT_VALUES,  /* different values of each label */
    COUNT_BYTES,   /* of the different values of each label */
    COUNT_BY_PAIR  /* series of each pair, as label=value */
};
/* name, number: the `limit` largest, the largest first. A stored series is one, and __name__ a
 * label as any other. */
void promql_plan_count(struct sql *sql, enum promql_count what, int64_t from_ms, int64_t to_ms,
                       uint64_t limit);

/* prometheus_name, metric_name, unit, type, is_monotonic, is_verbatim, help. `metric` empty: all;
 * where names are not the stored ones all come, and who reads them picks. */
void promql_plan_metadata(struct sql *sql, const struct prometheus_naming *n, str metric);
