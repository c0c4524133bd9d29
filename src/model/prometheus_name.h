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

/* How OTLP metrics are called where they are asked for. Zeroed: as they are stored, which is
 * Prometheus' default. */
struct prometheus_naming {
    enum prometheus_strategy strategy;
    bool promote_all; /* all resource attributes are labels but `attributes`; else those only */
    const str *attributes; /* borrowed */
    uint32_t n_attributes;
    bool keep_identifying; /* target_info has what job and instance are made of, too */
    bool scope;            /* otel_scope_* labels */
    bool custom_buckets;   /* explicit histograms are native ones of custom buckets */
};
bool prometheus_is_utf8(enum prometheus_strategy s); /* names are not escaped */
bool prometheus_promotes(const struct prometheus_naming *n, str key);
bool prometheus_is_identifying(str key); /* job and instance are made of it */
/* The labels are the stored ones. */
bool prometheus_labels_are_plain(const struct prometheus_naming *n);

/* What the labels of a series are made of. */
struct prometheus_series {
    bool verbatim; /* the names are labels already, le and quantile among them */
    const struct attr *attrs, *resource, *scope;
    size_t n_attrs, n_resource, n_scope;
    str scope_name, scope_version, scope_schema_url;
};

/* The labels of a series, sorted by name, as string attributes: the point's attributes under their
 * label names, promoted ones of the resource that do not hide them, the scope's, job and instance.
 * Attributes whose names fall together are joined with ";" in the order of their keys; empty
 * values, names that come to nothing, and __name__, le, quantile are left out. Returns how many. */
size_t prometheus_labels(struct arena *a, const struct prometheus_naming *n,
                         const struct prometheus_series *from, struct attr **ret);

/* A resource has a target_info: it has a job or an instance, and tells something besides. */
bool prometheus_has_target(const struct attr *resource, size_t n);
/* The labels of it, __name__ among them. 0: it has none. */
size_t prometheus_target_labels(struct arena *a, const struct prometheus_naming *n,
                                const struct attr *resource, size_t n_resource, struct attr **ret);
