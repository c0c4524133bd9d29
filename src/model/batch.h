/* batch: what decode makes of one request and encode turns into blocks. Columns, not objects.
 *
 * Ownership: everything lies in `arena` (the request's arena) or borrows from the request body,
 * which lies in the same arena. Whoever holds the batch holds the arena; telemetry_batch_free ends
 * both. Parallel arrays of a signal have `n` entries each. A batch has rows of one signal only. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/telemetry.h"
#include "model/attr.h"
#include "model/resource.h"

/* Why an item was not kept. The order is the metric's label order: append only. */
enum reject_reason {
    REJECT_BAD_ID,      /* all-zero or wrong-length trace or span id */
    REJECT_TOO_OLD,     /* before the retention of raw rows */
    REJECT_IN_FUTURE,   /* more than 10 minutes ahead of the receive time */
    REJECT_BAD_BUCKETS, /* bucket counts do not fit the bounds */
    REJECT_TOO_MANY_ATTRIBUTES,
    REJECT_BAD_LABELS, /* remote write: no __name__, or a label twice */
    REJECT_REASONS
};

/* Why an accepted item is not stored. The order is the metric's label order: append only. */
enum drop_policy {
    DROP_SAMPLED,
    DROP_FILTERED,
    DROP_DEAD,
    DROP_OVERRUN,
    DROP_REFUSED, /* by the destination, item by item */
    DROP_POLICIES
};

struct red_rows; /* model/red.h */

struct span_columns {
    uint32_t n;
    uint8_t (*trace_id)[16];
    uint8_t (*span_id)[8];
    uint8_t (*parent_span_id)[8];    /* zeros for a root */
    uint64_t *start_time, *end_time; /* ns since 1970 */
    uint32_t *resource, *scope;      /* indices into the batch's */
    str *name, *trace_state, *status_message;
    uint32_t *flags;
    uint8_t *kind, *status_code;
    struct attr_range *attrs;
    uint32_t *dropped_attributes, *dropped_events, *dropped_links;
    struct attr_range *events, *links; /* runs in the arrays below, each of one span */
    double *adjusted_count;            /* 1 when not sampled */

    uint32_t n_events;
    struct span_event {
        uint64_t time;
        str name;
        struct attr_range attrs;
        uint32_t dropped_attributes;
    } * event;
    uint32_t n_links;
    struct span_link {
        uint8_t trace_id[16], span_id[8];
        str trace_state;
        struct attr_range attrs;
        uint32_t dropped_attributes, flags;
    } * link;
};

enum log_time_origin { LOG_TIME_OWN, LOG_TIME_OBSERVED, LOG_TIME_ARRIVAL };

struct log_columns {
    uint32_t n;
    uint64_t *time;          /* own, else observed, else arrival (see time_origin) */
    uint64_t *observed_time; /* as sent; 0 = unset */
    uint8_t *time_origin;    /* enum log_time_origin */
    uint32_t *resource, *scope;
    uint8_t (*trace_id)[16]; /* zeros when unset */
    uint8_t (*span_id)[8];
    uint32_t *flags;
    uint8_t *severity_number;
    str *severity_text, *event_name;
    struct attr_value *body;
    struct attr_range *attrs;
    uint32_t *dropped_attributes;
};

enum metric_type {              /* stored: append only */
                   METRIC_NONE, /* a Metric without data, or of a kind not known */
                   METRIC_GAUGE,
                   METRIC_SUM,
                   METRIC_HISTOGRAM,
                   METRIC_EXP_HISTOGRAM,
                   METRIC_SUMMARY,
};

enum { TEMPORALITY_UNSPECIFIED, TEMPORALITY_DELTA, TEMPORALITY_CUMULATIVE };

/* One Metric message: what its points share. */
struct metric_desc {
    str name, description, unit;
    enum metric_type type;
    uint8_t temporality;
    bool monotonic;
    struct attr_range metadata;
    uint32_t resource, scope;
};

/* Bits of metric_columns.present: which optional members were set, and how the number came. */
enum {
    POINT_HAS_SUM = 1, /* always with a summary: its sum is not optional */
    POINT_HAS_MIN = 2,
    POINT_HAS_MAX = 4,
    POINT_IS_INT = 8,      /* NumberDataPoint.as_int: `value` is its double, int_value exact */
    POINT_NO_VALUE = 16,   /* NumberDataPoint without as_int and as_double */
    POINT_FRACTIONAL = 32, /* of an exponential histogram: its counts are in quantile_values */
    POINT_HINT_SHIFT = 6,  /* bits 64 and 128: Prometheus' reset hint of one, see below */
};
/* Values of those bits: as in Prometheus' messages. */
enum { POINT_HINT_UNKNOWN, POINT_HINT_RESET, POINT_HINT_NOT_RESET, POINT_HINT_GAUGE };

/* An exponential histogram of Prometheus may be what OTLP has no word for (decisions/0029). Of
 * POINT_FRACTIONAL counts `count`, `zero_count` and the buckets are what comes nearest, and the
 * counts themselves are its quantile_values: count, zero count, positive buckets, negative ones.
 * Of scale POINT_CUSTOM_SCALE its buckets have bounds of their own, which are its quantiles: the
 * first bucket is number -1 and ends at the first bound, the one behind the last bound has none. */
enum { POINT_CUSTOM_SCALE = -53 };

/* A run in the batch's u64s or f64s array. */
struct num_range {
    uint32_t at, n;
};

struct metric_columns {
    uint32_t n;
    uint32_t *desc; /* index into descs */
    uint64_t *series_id;
    uint64_t *time, *start_time; /* ns */
    struct attr_range *attrs;
    uint32_t *flags; /* bit 0: NO_RECORDED_VALUE */
    uint8_t *present;
    double *value;      /* gauge, sum */
    int64_t *int_value; /* exact when POINT_IS_INT */

    /* NULL: no row is of a type that has it. Else zeros in the rows of other types. */
    uint64_t *count; /* histograms and summary */
    double *sum, *min, *max;
    struct num_range *bucket_counts;   /* u64s: explicit histogram */
    struct num_range *explicit_bounds; /* f64s */
    int32_t *scale;                    /* exponential histogram */
    uint64_t *zero_count;
    double *zero_threshold;
    int32_t *positive_offset, *negative_offset;
    struct num_range *positive_counts, *negative_counts; /* u64s */
    struct num_range *quantiles, *quantile_values;       /* f64s, same length: summary. Or above */

    uint32_t n_descs;
    struct metric_desc *descs;
    uint32_t n_u64s, n_f64s;
    uint64_t *u64s;
    double *f64s;

    uint32_t n_exemplars;
    struct exemplar {
        uint32_t point; /* row of the point it belongs to */
        uint64_t time;
        uint8_t present; /* POINT_IS_INT, POINT_NO_VALUE */
        double value;
        int64_t int_value;
        uint8_t trace_id[16], span_id[8]; /* zeros when unset */
        struct attr_range attrs;
    } * exemplar;
};

struct telemetry_batch {
    struct arena *arena; /* owned: see telemetry_batch_free */
    enum signal_kind signal;
    nanos received_at; /* the journaled receive time */

    uint32_t n_attrs, n_resources, n_scopes;
    uint32_t cap_attrs; /* how many `attrs` has room for */
    struct attr *attrs;
    struct resource *resources;
    struct scope *scopes;

    union {
        struct span_columns spans;
        struct log_columns logs;
        struct metric_columns metrics;
    };

    uint32_t received;                 /* items in the request: rows kept + rejected */
    uint32_t rejected[REJECT_REASONS]; /* items left out, by reason */
    str first_rejection;               /* text for the first one; empty when none */

    uint32_t dropped[DROP_POLICIES]; /* items that processors took out, by policy */
    struct red_rows *red; /* taken before sampling; NULL: encode takes it from the rows */
};

/* Rows kept: spans, log records or data points. */
static inline uint32_t telemetry_batch_rows(const struct telemetry_batch *b)
{
    return b->signal == SIGNAL_TRACES ? b->spans.n
           : b->signal == SIGNAL_LOGS ? b->logs.n
                                      : b->metrics.n;
}

uint32_t telemetry_batch_rejected(const struct telemetry_batch *b);

/* Label value of a reason: "bad_id", "too_old", ... */
const char *reject_reason_name(enum reject_reason r);

/* Ends the batch and its arena (both were malloc'ed by the pipeline). Accepts NULL. */
void telemetry_batch_free(struct telemetry_batch *b);
