/* One TimeSeries message of remote write, read: labels, metadata, how much it holds. Private to
 * decode. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/pb_reader.h"

struct rw_label {
    str name, value;
};

struct rw_request {
    struct arena *arena;
    struct err *err;
    unsigned version; /* 1, 2 */
    str body;
    str *symbols; /* 2.0 */
    uint32_t n_symbols;
};

struct rw_labels {
    struct rw_label *list;
    uint32_t n, cap;
};

struct rw_series {
    str message;
    struct rw_labels labels; /* sorted by name */
    str name, job, instance;
    uint64_t hash; /* of the labels */
    uint32_t n_samples, n_histograms, n_exemplars;
    int64_t created; /* ms; 0: not told */
    unsigned type;   /* of 2.0's metadata: its enum MetricType */
    str help, unit;
};

enum { RW_COUNTER = 1, RW_HISTOGRAM = 3, RW_TYPE_LAST = 7 };

/* Field tags of TimeSeries that the two versions do not share. */
struct rw_fields {
    uint32_t histograms, exemplars;
};
struct rw_fields rw_fields_of(unsigned version);

/* ST_INVALID: `what`, at `at` in the body. */
[[nodiscard]] status rw_malformed(const struct rw_request *q, const uint8_t *at, const char *what);

/* Reads 2.0's symbols; nothing to do for 1.0. */
[[nodiscard]] status rw_symbols(struct rw_request *q);

/* `labels` is scratch for the list, used again by the next series. */
[[nodiscard]] status rw_series_read(const struct rw_request *q, str msg, struct rw_labels *labels,
                                    struct rw_series *ret);

/* Samples, histograms and exemplars of a message; the labels are not read. */
void rw_series_count(const struct rw_request *q, str msg, struct rw_series *ret);

/* The labels of an Exemplar or a TimeSeries: a field tagged 1, which the reader stands behind.
 * `half`: a name waits for its value. */
struct rw_refs {
    bool half;
    str name;
};
bool rw_is_label(const struct rw_request *q, uint32_t tag);
[[nodiscard]] status rw_label(const struct rw_request *q, struct rw_labels *labels,
                              struct rw_refs *refs, uint32_t tag, struct pb_reader *r);

/* Is a label there twice? Of sorted ones. */
bool rw_labels_repeat(const struct rw_labels *labels);
