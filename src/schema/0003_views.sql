-- The names of the OpenTelemetry Collector's exporter for ClickHouse, as views in a database of their own, so that tools made for its schema
-- read weir's tables: docs/clickhouse.md. Columns, types and values are the exporter's (0.161); times are in UTC.

CREATE DATABASE IF NOT EXISTS ${views}${on_cluster}
;

CREATE VIEW IF NOT EXISTS ${views}.otel_traces${on_cluster} AS
SELECT
    timestamp AS Timestamp,
    lower(hex(trace_id)) AS TraceId,
    lower(hex(span_id)) AS SpanId,
    if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) AS ParentSpanId,
    trace_state AS TraceState,
    span_name AS SpanName,
    CAST(transform(span_kind, [1, 2, 3, 4, 5], ['Internal', 'Server', 'Client', 'Producer', 'Consumer'], 'Unspecified'), 'LowCardinality(String)') AS SpanKind,
    service_name AS ServiceName,
    CAST(resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(scope_name, 'String') AS ScopeName,
    CAST(scope_version, 'String') AS ScopeVersion,
    span_attributes AS SpanAttributes,
    CAST(greatest(duration_ns, 0), 'UInt64') AS Duration,
    CAST(transform(status_code, [1, 2], ['Ok', 'Error'], 'Unset'), 'LowCardinality(String)') AS StatusCode,
    status_message AS StatusMessage,
    `events.timestamp` AS `Events.Timestamp`,
    `events.name` AS `Events.Name`,
    `events.attributes` AS `Events.Attributes`,
    arrayMap(x -> lower(hex(x)), `links.trace_id`) AS `Links.TraceId`,
    arrayMap(x -> lower(hex(x)), `links.span_id`) AS `Links.SpanId`,
    `links.trace_state` AS `Links.TraceState`,
    `links.attributes` AS `Links.Attributes`
FROM otel_traces
;

-- The exporter has a row for each trace of an insert; here it is one for each span. Readers take the least and the greatest of them.
CREATE VIEW IF NOT EXISTS ${views}.otel_traces_trace_id_ts${on_cluster} AS
SELECT
    lower(hex(trace_id)) AS TraceId,
    toDateTime(timestamp) AS Start,
    toDateTime(timestamp) AS End
FROM otel_traces
;

CREATE VIEW IF NOT EXISTS ${views}.otel_logs${on_cluster} AS
SELECT
    timestamp AS Timestamp,
    if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS TraceId,
    if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS SpanId,
    CAST(bitAnd(flags, 255), 'UInt8') AS TraceFlags,
    severity_text AS SeverityText,
    severity_number AS SeverityNumber,
    service_name AS ServiceName,
    body AS Body,
    resource_schema_url AS ResourceSchemaUrl,
    CAST(resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    scope_schema_url AS ScopeSchemaUrl,
    CAST(scope_name, 'String') AS ScopeName,
    scope_version AS ScopeVersion,
    CAST(scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    log_attributes AS LogAttributes,
    CAST(event_name, 'String') AS EventName,
    toDateTime(timestamp) AS TimestampTime
FROM otel_logs
;

-- A data point with what its series says. Exemplars are rows of otel_metric_exemplars, which do not say of which point; here there are none.

CREATE VIEW IF NOT EXISTS ${views}.otel_metrics_gauge${on_cluster} AS
SELECT
    CAST(s.resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(s.resource_schema_url, 'String') AS ResourceSchemaUrl,
    CAST(s.scope_name, 'String') AS ScopeName,
    CAST(s.scope_version, 'String') AS ScopeVersion,
    CAST(s.scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    s.scope_dropped_attributes AS ScopeDroppedAttrCount,
    CAST(s.scope_schema_url, 'String') AS ScopeSchemaUrl,
    s.service_name AS ServiceName,
    m.metric_name AS MetricName,
    CAST(s.description, 'String') AS MetricDescription,
    CAST(s.unit, 'String') AS MetricUnit,
    s.attributes AS Attributes,
    toDateTime(m.start_timestamp) AS StartTimeUnix,
    toDateTime(m.timestamp) AS TimeUnix,
    m.value AS Value,
    m.flags AS Flags,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`,
    CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
    CAST([], 'Array(Float64)') AS `Exemplars.Value`,
    CAST([], 'Array(String)') AS `Exemplars.SpanId`,
    CAST([], 'Array(String)') AS `Exemplars.TraceId`
FROM otel_metrics AS m
ANY LEFT JOIN otel_metric_series AS s ON m.metric_name = s.metric_name AND m.series_id = s.series_id
WHERE m.type = 1
;

CREATE VIEW IF NOT EXISTS ${views}.otel_metrics_sum${on_cluster} AS
SELECT
    CAST(s.resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(s.resource_schema_url, 'String') AS ResourceSchemaUrl,
    CAST(s.scope_name, 'String') AS ScopeName,
    CAST(s.scope_version, 'String') AS ScopeVersion,
    CAST(s.scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    s.scope_dropped_attributes AS ScopeDroppedAttrCount,
    CAST(s.scope_schema_url, 'String') AS ScopeSchemaUrl,
    s.service_name AS ServiceName,
    m.metric_name AS MetricName,
    CAST(s.description, 'String') AS MetricDescription,
    CAST(s.unit, 'String') AS MetricUnit,
    s.attributes AS Attributes,
    toDateTime(m.start_timestamp) AS StartTimeUnix,
    toDateTime(m.timestamp) AS TimeUnix,
    m.value AS Value,
    m.flags AS Flags,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`,
    CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
    CAST([], 'Array(Float64)') AS `Exemplars.Value`,
    CAST([], 'Array(String)') AS `Exemplars.SpanId`,
    CAST([], 'Array(String)') AS `Exemplars.TraceId`,
    CAST(s.temporality, 'Int32') AS AggregationTemporality,
    CAST(s.monotonic, 'Bool') AS IsMonotonic
FROM otel_metrics AS m
ANY LEFT JOIN otel_metric_series AS s ON m.metric_name = s.metric_name AND m.series_id = s.series_id
WHERE m.type = 2
;

CREATE VIEW IF NOT EXISTS ${views}.otel_metrics_histogram${on_cluster} AS
SELECT
    CAST(s.resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(s.resource_schema_url, 'String') AS ResourceSchemaUrl,
    CAST(s.scope_name, 'String') AS ScopeName,
    CAST(s.scope_version, 'String') AS ScopeVersion,
    CAST(s.scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    s.scope_dropped_attributes AS ScopeDroppedAttrCount,
    CAST(s.scope_schema_url, 'String') AS ScopeSchemaUrl,
    s.service_name AS ServiceName,
    m.metric_name AS MetricName,
    CAST(s.description, 'String') AS MetricDescription,
    CAST(s.unit, 'String') AS MetricUnit,
    s.attributes AS Attributes,
    toDateTime(m.start_timestamp) AS StartTimeUnix,
    toDateTime(m.timestamp) AS TimeUnix,
    m.count AS Count,
    m.sum AS Sum,
    m.bucket_counts AS BucketCounts,
    s.explicit_bounds AS ExplicitBounds,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`,
    CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
    CAST([], 'Array(Float64)') AS `Exemplars.Value`,
    CAST([], 'Array(String)') AS `Exemplars.SpanId`,
    CAST([], 'Array(String)') AS `Exemplars.TraceId`,
    m.flags AS Flags,
    m.min AS Min,
    m.max AS Max,
    CAST(s.temporality, 'Int32') AS AggregationTemporality
FROM otel_metrics AS m
ANY LEFT JOIN otel_metric_series AS s ON m.metric_name = s.metric_name AND m.series_id = s.series_id
WHERE m.type = 3
;

CREATE VIEW IF NOT EXISTS ${views}.otel_metrics_exponential_histogram${on_cluster} AS
SELECT
    CAST(s.resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(s.resource_schema_url, 'String') AS ResourceSchemaUrl,
    CAST(s.scope_name, 'String') AS ScopeName,
    CAST(s.scope_version, 'String') AS ScopeVersion,
    CAST(s.scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    s.scope_dropped_attributes AS ScopeDroppedAttrCount,
    CAST(s.scope_schema_url, 'String') AS ScopeSchemaUrl,
    s.service_name AS ServiceName,
    m.metric_name AS MetricName,
    CAST(s.description, 'String') AS MetricDescription,
    CAST(s.unit, 'String') AS MetricUnit,
    s.attributes AS Attributes,
    toDateTime(m.start_timestamp) AS StartTimeUnix,
    toDateTime(m.timestamp) AS TimeUnix,
    m.count AS Count,
    m.sum AS Sum,
    m.scale AS Scale,
    m.zero_count AS ZeroCount,
    m.positive_offset AS PositiveOffset,
    m.positive_counts AS PositiveBucketCounts,
    m.negative_offset AS NegativeOffset,
    m.negative_counts AS NegativeBucketCounts,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`,
    CAST([], 'Array(DateTime)') AS `Exemplars.TimeUnix`,
    CAST([], 'Array(Float64)') AS `Exemplars.Value`,
    CAST([], 'Array(String)') AS `Exemplars.SpanId`,
    CAST([], 'Array(String)') AS `Exemplars.TraceId`,
    m.flags AS Flags,
    m.min AS Min,
    m.max AS Max,
    CAST(s.temporality, 'Int32') AS AggregationTemporality
FROM otel_metrics AS m
ANY LEFT JOIN otel_metric_series AS s ON m.metric_name = s.metric_name AND m.series_id = s.series_id
WHERE m.type = 4
;

CREATE VIEW IF NOT EXISTS ${views}.otel_metrics_summary${on_cluster} AS
SELECT
    CAST(s.resource_attributes, 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    CAST(s.resource_schema_url, 'String') AS ResourceSchemaUrl,
    CAST(s.scope_name, 'String') AS ScopeName,
    CAST(s.scope_version, 'String') AS ScopeVersion,
    CAST(s.scope_attributes, 'Map(LowCardinality(String), String)') AS ScopeAttributes,
    s.scope_dropped_attributes AS ScopeDroppedAttrCount,
    CAST(s.scope_schema_url, 'String') AS ScopeSchemaUrl,
    s.service_name AS ServiceName,
    m.metric_name AS MetricName,
    CAST(s.description, 'String') AS MetricDescription,
    CAST(s.unit, 'String') AS MetricUnit,
    s.attributes AS Attributes,
    toDateTime(m.start_timestamp) AS StartTimeUnix,
    toDateTime(m.timestamp) AS TimeUnix,
    m.count AS Count,
    m.sum AS Sum,
    m.quantiles AS `ValueAtQuantiles.Quantile`,
    m.quantile_values AS `ValueAtQuantiles.Value`,
    m.flags AS Flags
FROM otel_metrics AS m
ANY LEFT JOIN otel_metric_series AS s ON m.metric_name = s.metric_name AND m.series_id = s.series_id
WHERE m.type = 5
;
