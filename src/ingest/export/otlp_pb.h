/* otlp_pb: batches as OTLP in protobuf. Pure; thread: any.
 *
 * Everything the model keeps is written, rows in their order, a group for each run of rows that
 * share resource and scope. Entries no row names are left out. What is derived (hashes, adjusted
 * counts) is not written; neither is a log record's time of arrival that stands in for one. */
#pragma once

#include "base/buf.h"
#include "model/batch.h"

/* Appends the batch as an ExportTraceServiceRequest, ExportLogsServiceRequest or
 * ExportMetricsServiceRequest. One behind the other, requests are one request. `scratch` is given
 * back as it was. Sticky: see out->over. */
void otlp_pb_batch(struct arena *scratch, const struct telemetry_batch *b, struct buf *out);
