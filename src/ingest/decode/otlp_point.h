/* Data points and exemplars of the five metric types -> rows of struct metric_columns. */
#pragma once

#include "ingest/decode/builder.h"

/* Field of an ExponentialHistogramDataPoint that weir adds, with what OTLP has no word for. */
enum { OTLP_PROMETHEUS = 200 };

/* What the points of one Metric share. */
struct point_context {
    uint32_t desc;
    enum metric_type type;
    uint64_t metric_hash; /* model/identity.h */
};

/* Decodes one data point of the context's type. ST_INVALID: malformed. */
[[nodiscard]] status otlp_point(struct builder *b, const struct point_context *m, str msg);
