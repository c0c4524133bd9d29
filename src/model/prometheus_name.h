/* prometheus_name: what an OTLP metric, its unit and its labels are called in Prometheus. Pure.
 *
 * Results lie in the arena, or borrow from what was given. ST_INVALID: nothing is left of the name.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "model/batch.h"

enum prometheus_strategy {
    PROMETHEUS_UNDERSCORES_WITH_SUFFIXES, /* the default: http.requests, 1 -> http_requests_total */
    PROMETHEUS_UNDERSCORES_WITHOUT_SUFFIXES,
    PROMETHEUS_UTF8_WITH_SUFFIXES,
    PROMETHEUS_UNTRANSLATED,
};

enum prometheus_kind { PROMETHEUS_OTHER, PROMETHEUS_COUNTER, PROMETHEUS_GAUGE };

struct prometheus_namer {
    enum prometheus_strategy strategy;
    str prefix; /* a namespace put in front, or empty */
};

/* Of a histogram or summary: the base name, without _bucket, _sum, _count. */
[[nodiscard]] status prometheus_metric_name(struct arena *a, const struct prometheus_namer *n,
                                            str name, str unit, enum prometheus_kind kind, str *ret,
                                            struct err *err);

/* "ms" -> "milliseconds", "By/s" -> "bytes_per_second", "1" -> "". */
str prometheus_unit_name(struct arena *a, str unit);

enum {
    PROMETHEUS_KEEP_UNDERSCORES = 1, /* runs of underscores stay as long as they are */
    PROMETHEUS_KEY_UNDERSCORE = 2, /* a name that begins with one underscore gets "key" in front */
    PROMETHEUS_LABELS_DEFAULT = 3,
};
[[nodiscard]] status prometheus_label_name(struct arena *a, str name, unsigned flags, str *ret,
                                           struct err *err);

enum prometheus_kind prometheus_kind_of(const struct metric_desc *d);

/* Metadata of a Metric that came from Prometheus: its type there (OpenTelemetry's "Prometheus and
 * OpenMetrics Compatibility"). Name and labels of such a metric are Prometheus' already, and are
 * kept as they are. */
#define PROMETHEUS_TYPE_KEY "prometheus.type"
bool prometheus_is_verbatim(const struct metric_desc *d, const struct attr *batch_attrs);

/* The labels of a series, sorted by name, as string attributes: the point's attributes under their
 * label names, job and instance from the resource. Attributes whose names fall together are joined
 * with ";" in the order of their keys; empty values, names that come to nothing, and __name__, le,
 * quantile are left out. `verbatim`: the names are labels already, le and quantile among them.
 * Returns how many. */
size_t prometheus_labels(struct arena *a, bool verbatim, const struct attr *attrs, size_t n,
                         const struct attr *resource, size_t n_resource, struct attr **ret);
