-- Numbers that are integers are in int_value, and value is 0 there: a number is if(int_value != 0, int_value, value).
-- Rows from before have both; that reads the same. Columns are stored in less: docs/decisions/0025. Parts take it up as they are merged.
ALTER TABLE ${table otel_metrics}
    MODIFY COLUMN value Float64 CODEC(Delta(8), ZSTD(3)),
    MODIFY COLUMN int_value Int64 CODEC(Delta(8), ZSTD(1)),
    MODIFY COLUMN bucket_counts Array(UInt64) CODEC(T64('bit'), ZSTD(6)),
    MODIFY SETTING min_compress_block_size = 262144
;

CREATE OR REPLACE VIEW ${views}.otel_metrics_gauge${on_cluster} AS
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
    if(m.int_value != 0, toFloat64(m.int_value), m.value) AS Value,
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

CREATE OR REPLACE VIEW ${views}.otel_metrics_sum${on_cluster} AS
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
    if(m.int_value != 0, toFloat64(m.int_value), m.value) AS Value,
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
