/* loki_labels: how a stored log record looks to Loki: stream labels from its resource, structured
 * metadata from all the rest. Pure.
 *
 * Names are sanitised as Prometheus labels are: every other character becomes "_", runs of "_" one,
 * and a digit in front gets "key_". Nested maps are flattened with "_". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

struct loki_label {
    str name, value;
};

/* Sorted by name once loki_labels_sort ran; names are unique. */
struct loki_labels {
    struct loki_label *v;
    uint32_t n;
};

/* Sets or replaces. The set need not be sorted, and is not afterwards. */
void loki_labels_set(struct arena *a, struct loki_labels *l, str name, str value);
/* NULL when there is none. */
const struct loki_label *loki_labels_find(const struct loki_labels *l, str name);
/* The value; empty when there is none. */
str loki_labels_get(const struct loki_labels *l, str name);
void loki_labels_remove(struct loki_labels *l, str name);
void loki_labels_sort(struct loki_labels *l);
struct loki_labels loki_labels_copy(struct arena *a,
                                    const struct loki_labels *l); /* the array, not the strings */
/* Of a sorted set. */
uint64_t loki_labels_hash(const struct loki_labels *l);
bool loki_labels_equal(const struct loki_labels *x, const struct loki_labels *y);
int loki_labels_compare(const struct loki_labels *x, const struct loki_labels *y);

/* Attributes as the tables hold them: the letters of attr.h, one for each; empty when all are
 * strings. */
struct loki_attrs {
    const str *keys, *values;
    uint32_t n;
    str types;
};

str loki_name(struct arena *a, str attribute);

/* Is this attribute of a resource a stream label? */
bool loki_is_index_attribute(str key);

/* Stream labels (sorted) and the structured metadata that the resource gives each of its records.
 */
void loki_resource(struct arena *a, const struct loki_attrs *resource,
                   struct loki_labels *ret_labels, struct loki_labels *ret_metadata);

struct loki_record {
    str line;
    nanos observed; /* 0: not sent, or the record's time is taken from it */
    uint8_t severity_number;
    str severity_text, event_name;
    uint32_t dropped_attributes, flags;
    str trace_id, span_id; /* raw bytes; all zero or empty: none */
    struct loki_attrs attrs, scope_attrs;
    str scope_name, scope_version;
    uint32_t scope_dropped_attributes;
};

/* The record's structured metadata, that of its resource and detected_level included; sorted. */
void loki_metadata(struct arena *a, const struct loki_record *r, const struct loki_labels *stream,
                   const struct loki_labels *resource_metadata, struct loki_labels *ret);

/* What labels and metadata are together: a metadata name that is a stream label's becomes
 * name_extracted. Sorted. */
struct loki_labels loki_labels_merge(struct arena *a, const struct loki_labels *stream,
                                     const struct loki_labels *metadata);

/* trace, debug, info, warn, error, critical, fatal; "unknown" when nothing tells. */
str loki_detected_level(struct arena *a, const struct loki_labels *stream,
                        const struct loki_labels *metadata, uint8_t severity_number, str line);
/* The names of labels and fields that hold a level, ends with an empty str. */
extern const str loki_level_names[];

/* {a="x", b="y"} */
void loki_labels_print(struct buf *out, const struct loki_labels *l);
