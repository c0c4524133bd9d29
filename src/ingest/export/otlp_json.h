/* otlp_json: batches as OTLP in JSON: proto3 JSON with OTLP's deviations (hex ids, integer enums).
 * One line: no newline is written. Pure; thread: any.
 *
 * What is said of otlp_pb.h holds here too; but text that is not UTF-8 gets U+FFFD for each bad
 * byte, and a NaN loses its bits. */
#pragma once

#include "base/json_out.h"
#include "model/batch.h"

/* {"resourceSpans":[  and  ]}  around the groups of any number of batches. */
str otlp_json_head(enum signal_kind signal);
str otlp_json_tail(void);

/* Appends the batch's ResourceSpans, ResourceLogs or ResourceMetrics objects with commas between
 * them, and none before the first; nothing for a batch without rows. `scratch` is given back as it
 * was. Sticky: see out->over. */
void otlp_json_batch(struct arena *scratch, const struct telemetry_batch *b, struct buf *out);

/* One Resource, InstrumentationScope or attribute list, one Span, LogRecord or Metric with the one
 * point of that row, as a JSON value. */
void otlp_json_resource(struct arena *scratch, const struct telemetry_batch *b, uint32_t resource,
                        struct buf *out);
void otlp_json_scope(struct arena *scratch, const struct telemetry_batch *b, uint32_t scope,
                     struct buf *out);
void otlp_json_row(struct arena *scratch, const struct telemetry_batch *b, uint32_t row,
                   struct buf *out);
