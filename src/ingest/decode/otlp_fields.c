#include "ingest/decode/otlp_fields.h"

/* clang-format off */
#define ONE(json, number, kind)        {S(json), number, FIELD_##kind, false, NULL, NULL}
#define MANY(json, number, kind)       {S(json), number, FIELD_##kind, true, NULL, NULL}
#define ENUM(json, number, names)      {S(json), number, FIELD_ENUM, false, NULL, names}
#define MESSAGE(json, number, of)      {S(json), number, FIELD_MESSAGE, false, &of, NULL}
#define MESSAGES(json, number, of)     {S(json), number, FIELD_MESSAGE, true, &of, NULL}

static const char *const span_kinds[] = {
    "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER", NULL};
static const char *const status_codes[] = {
    "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR", NULL};
static const char *const temporalities[] = {
    "AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE", NULL};
#define FOUR(s) "SEVERITY_NUMBER_" s, "SEVERITY_NUMBER_" s "2", "SEVERITY_NUMBER_" s "3", "SEVERITY_NUMBER_" s "4"
static const char *const severities[] = {
    "SEVERITY_NUMBER_UNSPECIFIED", FOUR("TRACE"), FOUR("DEBUG"), FOUR("INFO"), FOUR("WARN"),
    FOUR("ERROR"), FOUR("FATAL"), NULL};

/* common.proto */
static const struct message key_value, any_value;
static const struct message array_value = {"ArrayValue", {MESSAGES("values", 1, any_value)}};
static const struct message key_value_list = {"KeyValueList", {MESSAGES("values", 1, key_value)}};
static const struct message any_value = {"AnyValue", {
    ONE("stringValue", 1, STRING),
    ONE("boolValue", 2, BOOL),
    ONE("intValue", 3, INT64),
    ONE("doubleValue", 4, DOUBLE),
    MESSAGE("arrayValue", 5, array_value),
    MESSAGE("kvlistValue", 6, key_value_list),
    ONE("bytesValue", 7, BYTES),
}};
static const struct message key_value = {"KeyValue", {
    ONE("key", 1, STRING),
    MESSAGE("value", 2, any_value),
}};
static const struct message scope = {"InstrumentationScope", {
    ONE("name", 1, STRING),
    ONE("version", 2, STRING),
    MESSAGES("attributes", 3, key_value),
    ONE("droppedAttributesCount", 4, UINT32),
}};
static const struct message entity_ref = {"EntityRef", {
    ONE("schemaUrl", 1, STRING),
    ONE("type", 2, STRING),
    MANY("idKeys", 3, STRING),
    MANY("descriptionKeys", 4, STRING),
}};

/* resource.proto */
static const struct message resource = {"Resource", {
    MESSAGES("attributes", 1, key_value),
    ONE("droppedAttributesCount", 2, UINT32),
    MESSAGES("entityRefs", 3, entity_ref),
}};

/* trace.proto */
static const struct message event = {"Event", {
    ONE("timeUnixNano", 1, FIXED64),
    ONE("name", 2, STRING),
    MESSAGES("attributes", 3, key_value),
    ONE("droppedAttributesCount", 4, UINT32),
}};
static const struct message link = {"Link", {
    ONE("traceId", 1, TRACE_ID),
    ONE("spanId", 2, SPAN_ID),
    ONE("traceState", 3, STRING),
    MESSAGES("attributes", 4, key_value),
    ONE("droppedAttributesCount", 5, UINT32),
    ONE("flags", 6, FIXED32),
}};
static const struct message span_status = {"Status", {
    ONE("message", 2, STRING),
    ENUM("code", 3, status_codes),
}};
static const struct message span = {"Span", {
    ONE("traceId", 1, TRACE_ID),
    ONE("spanId", 2, SPAN_ID),
    ONE("traceState", 3, STRING),
    ONE("parentSpanId", 4, SPAN_ID),
    ONE("name", 5, STRING),
    ENUM("kind", 6, span_kinds),
    ONE("startTimeUnixNano", 7, FIXED64),
    ONE("endTimeUnixNano", 8, FIXED64),
    MESSAGES("attributes", 9, key_value),
    ONE("droppedAttributesCount", 10, UINT32),
    MESSAGES("events", 11, event),
    ONE("droppedEventsCount", 12, UINT32),
    MESSAGES("links", 13, link),
    ONE("droppedLinksCount", 14, UINT32),
    MESSAGE("status", 15, span_status),
    ONE("flags", 16, FIXED32),
}};
static const struct message scope_spans = {"ScopeSpans", {
    MESSAGE("scope", 1, scope),
    MESSAGES("spans", 2, span),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message resource_spans = {"ResourceSpans", {
    MESSAGE("resource", 1, resource),
    MESSAGES("scopeSpans", 2, scope_spans),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message trace_request = {"ExportTraceServiceRequest", {
    MESSAGES("resourceSpans", 1, resource_spans),
}};

/* logs.proto */
static const struct message log_record = {"LogRecord", {
    ONE("timeUnixNano", 1, FIXED64),
    ONE("observedTimeUnixNano", 11, FIXED64),
    ENUM("severityNumber", 2, severities),
    ONE("severityText", 3, STRING),
    MESSAGE("body", 5, any_value),
    MESSAGES("attributes", 6, key_value),
    ONE("droppedAttributesCount", 7, UINT32),
    ONE("flags", 8, FIXED32),
    ONE("traceId", 9, TRACE_ID),
    ONE("spanId", 10, SPAN_ID),
    ONE("eventName", 12, STRING),
}};
static const struct message scope_logs = {"ScopeLogs", {
    MESSAGE("scope", 1, scope),
    MESSAGES("logRecords", 2, log_record),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message resource_logs = {"ResourceLogs", {
    MESSAGE("resource", 1, resource),
    MESSAGES("scopeLogs", 2, scope_logs),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message logs_request = {"ExportLogsServiceRequest", {
    MESSAGES("resourceLogs", 1, resource_logs),
}};

/* metrics.proto */
static const struct message exemplar = {"Exemplar", {
    ONE("timeUnixNano", 2, FIXED64),
    ONE("asDouble", 3, DOUBLE),
    ONE("spanId", 4, SPAN_ID),
    ONE("traceId", 5, TRACE_ID),
    ONE("asInt", 6, SFIXED64),
    MESSAGES("filteredAttributes", 7, key_value),
}};
static const struct message number_point = {"NumberDataPoint", {
    ONE("startTimeUnixNano", 2, FIXED64),
    ONE("timeUnixNano", 3, FIXED64),
    ONE("asDouble", 4, DOUBLE),
    MESSAGES("exemplars", 5, exemplar),
    ONE("asInt", 6, SFIXED64),
    MESSAGES("attributes", 7, key_value),
    ONE("flags", 8, UINT32),
}};
static const struct message histogram_point = {"HistogramDataPoint", {
    ONE("startTimeUnixNano", 2, FIXED64),
    ONE("timeUnixNano", 3, FIXED64),
    ONE("count", 4, FIXED64),
    ONE("sum", 5, DOUBLE),
    MANY("bucketCounts", 6, FIXED64),
    MANY("explicitBounds", 7, DOUBLE),
    MESSAGES("exemplars", 8, exemplar),
    MESSAGES("attributes", 9, key_value),
    ONE("flags", 10, UINT32),
    ONE("min", 11, DOUBLE),
    ONE("max", 12, DOUBLE),
}};
static const struct message buckets = {"Buckets", {
    ONE("offset", 1, SINT32),
    MANY("bucketCounts", 2, UINT64),
}};
static const struct message prometheus_point = {"Prometheus", { /* ours: otlp_point.c */
    ONE("resetHint", 1, UINT32),
    MANY("customValues", 2, DOUBLE),
    MANY("counts", 3, DOUBLE),
}};
static const struct message exponential_point = {"ExponentialHistogramDataPoint", {
    MESSAGES("attributes", 1, key_value),
    ONE("startTimeUnixNano", 2, FIXED64),
    ONE("timeUnixNano", 3, FIXED64),
    ONE("count", 4, FIXED64),
    ONE("sum", 5, DOUBLE),
    ONE("scale", 6, SINT32),
    ONE("zeroCount", 7, FIXED64),
    MESSAGE("positive", 8, buckets),
    MESSAGE("negative", 9, buckets),
    ONE("flags", 10, UINT32),
    MESSAGES("exemplars", 11, exemplar),
    ONE("min", 12, DOUBLE),
    ONE("max", 13, DOUBLE),
    ONE("zeroThreshold", 14, DOUBLE),
    MESSAGE("prometheus", 200, prometheus_point),
}};
static const struct message value_at_quantile = {"ValueAtQuantile", {
    ONE("quantile", 1, DOUBLE),
    ONE("value", 2, DOUBLE),
}};
static const struct message summary_point = {"SummaryDataPoint", {
    ONE("startTimeUnixNano", 2, FIXED64),
    ONE("timeUnixNano", 3, FIXED64),
    ONE("count", 4, FIXED64),
    ONE("sum", 5, DOUBLE),
    MESSAGES("quantileValues", 6, value_at_quantile),
    MESSAGES("attributes", 7, key_value),
    ONE("flags", 8, UINT32),
}};
static const struct message gauge = {"Gauge", {MESSAGES("dataPoints", 1, number_point)}};
static const struct message sum = {"Sum", {
    MESSAGES("dataPoints", 1, number_point),
    ENUM("aggregationTemporality", 2, temporalities),
    ONE("isMonotonic", 3, BOOL),
}};
static const struct message histogram = {"Histogram", {
    MESSAGES("dataPoints", 1, histogram_point),
    ENUM("aggregationTemporality", 2, temporalities),
}};
static const struct message exponential_histogram = {"ExponentialHistogram", {
    MESSAGES("dataPoints", 1, exponential_point),
    ENUM("aggregationTemporality", 2, temporalities),
}};
static const struct message summary = {"Summary", {MESSAGES("dataPoints", 1, summary_point)}};
static const struct message metric = {"Metric", {
    ONE("name", 1, STRING),
    ONE("description", 2, STRING),
    ONE("unit", 3, STRING),
    MESSAGE("gauge", 5, gauge),
    MESSAGE("sum", 7, sum),
    MESSAGE("histogram", 9, histogram),
    MESSAGE("exponentialHistogram", 10, exponential_histogram),
    MESSAGE("summary", 11, summary),
    MESSAGES("metadata", 12, key_value),
}};
static const struct message scope_metrics = {"ScopeMetrics", {
    MESSAGE("scope", 1, scope),
    MESSAGES("metrics", 2, metric),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message resource_metrics = {"ResourceMetrics", {
    MESSAGE("resource", 1, resource),
    MESSAGES("scopeMetrics", 2, scope_metrics),
    ONE("schemaUrl", 3, STRING),
}};
static const struct message metrics_request = {"ExportMetricsServiceRequest", {
    MESSAGES("resourceMetrics", 1, resource_metrics),
}};
/* clang-format on */

const struct message *const otlp_requests[SIGNAL_COUNT] = {
    [SIGNAL_TRACES] = &trace_request,
    [SIGNAL_LOGS] = &logs_request,
    [SIGNAL_METRICS] = &metrics_request,
};
