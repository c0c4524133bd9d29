CREATE TABLE IF NOT EXISTS weir_migrations (version UInt32, name String, checksum UInt64, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplacingMergeTree ORDER BY version
;

CREATE TABLE IF NOT EXISTS otel_traces
(
    timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    trace_id FixedString(16) CODEC(ZSTD(3)),
    span_id FixedString(8) CODEC(ZSTD(3)),
    parent_span_id FixedString(8) CODEC(ZSTD(3)),
    trace_state String CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(3)),
    span_name LowCardinality(String) CODEC(ZSTD(3)),
    span_kind UInt8 CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    duration_ns Int64 CODEC(ZSTD(3)),
    status_code UInt8 CODEC(ZSTD(3)),
    status_message String CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    resource_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    resource_dropped_attributes UInt32 CODEC(ZSTD(3)),
    resource_schema_url LowCardinality(String) CODEC(ZSTD(3)),
    resource_entity_refs LowCardinality(String) CODEC(ZSTD(3)),
    scope_name LowCardinality(String) CODEC(ZSTD(3)),
    scope_version LowCardinality(String) CODEC(ZSTD(3)),
    scope_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    scope_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    scope_dropped_attributes UInt32 CODEC(ZSTD(3)),
    scope_schema_url LowCardinality(String) CODEC(ZSTD(3)),
    span_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    span_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    dropped_attributes UInt32 CODEC(ZSTD(3)),
    dropped_events UInt32 CODEC(ZSTD(3)),
    dropped_links UInt32 CODEC(ZSTD(3)),
    `events.timestamp` Array(DateTime64(9, 'UTC')) CODEC(ZSTD(3)),
    `events.name` Array(LowCardinality(String)) CODEC(ZSTD(3)),
    `events.attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(3)),
    `events.attribute_types` Array(LowCardinality(String)) CODEC(ZSTD(3)),
    `events.dropped_attributes` Array(UInt32) CODEC(ZSTD(3)),
    `links.trace_id` Array(FixedString(16)) CODEC(ZSTD(3)),
    `links.span_id` Array(FixedString(8)) CODEC(ZSTD(3)),
    `links.trace_state` Array(String) CODEC(ZSTD(3)),
    `links.attributes` Array(Map(LowCardinality(String), String)) CODEC(ZSTD(3)),
    `links.attribute_types` Array(LowCardinality(String)) CODEC(ZSTD(3)),
    `links.dropped_attributes` Array(UInt32) CODEC(ZSTD(3)),
    `links.flags` Array(UInt32) CODEC(ZSTD(3)),
    adjusted_count Float64 CODEC(ZSTD(3)),
    PROJECTION by_service (SELECT _part_offset, duration_ns ORDER BY service_name, span_name, timestamp)
)
ENGINE = MergeTree
PARTITION BY toStartOfInterval(timestamp, INTERVAL 3600 SECOND)
ORDER BY (trace_id, span_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, max_compress_block_size = 262144, min_rows_for_wide_part = 131072,
    default_compression_codec = 'ZSTD(3)'
;

CREATE TABLE IF NOT EXISTS otel_trace_index
(
    trace_hash UInt32 CODEC(ZSTD(3)),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(hour)
ORDER BY (trace_hash, hour)
TTL hour + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_span_names
(
    day Date CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    span_name LowCardinality(String) CODEC(ZSTD(3)),
    span_kind UInt8 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, span_name, span_kind, day)
TTL day + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_traces_red_5m
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    span_name LowCardinality(String) CODEC(ZSTD(3)),
    span_kind UInt8 CODEC(ZSTD(3)),
    count SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    errors SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    duration_sum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3)),
    duration_max SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(3)),
    histogram SimpleAggregateFunction(sumMap, Tuple(Array(UInt16), Array(Float64))) CODEC(ZSTD(3))
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(time)
ORDER BY (service_name, span_name, span_kind, time)
TTL time + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_logs
(
    timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    observed_timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    timestamp_origin UInt8 CODEC(ZSTD(3)),
    trace_id FixedString(16) CODEC(ZSTD(3)),
    span_id FixedString(8) CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(3)),
    severity_number UInt8 CODEC(ZSTD(3)),
    severity_text LowCardinality(String) CODEC(ZSTD(3)),
    event_name LowCardinality(String) CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    stream_id UInt64 CODEC(ZSTD(3)),
    body String CODEC(ZSTD(3)),
    body_type LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    resource_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    resource_dropped_attributes UInt32 CODEC(ZSTD(3)),
    resource_schema_url LowCardinality(String) CODEC(ZSTD(3)),
    resource_entity_refs LowCardinality(String) CODEC(ZSTD(3)),
    scope_name LowCardinality(String) CODEC(ZSTD(3)),
    scope_version LowCardinality(String) CODEC(ZSTD(3)),
    scope_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    scope_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    scope_dropped_attributes UInt32 CODEC(ZSTD(3)),
    scope_schema_url LowCardinality(String) CODEC(ZSTD(3)),
    log_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    log_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    dropped_attributes UInt32 CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (toStartOfFiveMinutes(timestamp), severity_number, service_name, timestamp)
TTL toDateTime(timestamp) + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

CREATE TABLE IF NOT EXISTS otel_log_streams
(
    day Date CODEC(ZSTD(3)),
    stream_id UInt64 CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, stream_id, day)
TTL day + INTERVAL 14 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_metrics
(
    timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    start_timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    metric_name LowCardinality(String) CODEC(ZSTD(3)),
    series_id UInt64 CODEC(ZSTD(3)),
    type UInt8 CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(3)),
    present UInt8 CODEC(ZSTD(3)),
    value Float64 CODEC(Delta(8), ZSTD(3)),
    int_value Int64 CODEC(Delta(8), ZSTD(3)),
    count UInt64 CODEC(Delta(8), ZSTD(3)),
    sum Float64 CODEC(Delta(8), ZSTD(3)),
    min Float64 CODEC(ZSTD(3)),
    max Float64 CODEC(ZSTD(3)),
    bucket_counts Array(UInt64) CODEC(T64, ZSTD(3)),
    scale Int32 CODEC(ZSTD(3)),
    zero_count UInt64 CODEC(ZSTD(3)),
    zero_threshold Float64 CODEC(ZSTD(3)),
    positive_offset Int32 CODEC(ZSTD(3)),
    positive_counts Array(UInt64) CODEC(ZSTD(3)),
    negative_offset Int32 CODEC(ZSTD(3)),
    negative_counts Array(UInt64) CODEC(ZSTD(3)),
    quantiles Array(Float64) CODEC(ZSTD(3)),
    quantile_values Array(Float64) CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (toStartOfHour(timestamp), metric_name, series_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

CREATE TABLE IF NOT EXISTS otel_metric_series
(
    day Date CODEC(ZSTD(3)),
    series_id UInt64 CODEC(ZSTD(3)),
    prometheus_name LowCardinality(String) CODEC(ZSTD(3)),
    prometheus_labels Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    metric_name LowCardinality(String) CODEC(ZSTD(3)),
    type UInt8 CODEC(ZSTD(3)),
    temporality UInt8 CODEC(ZSTD(3)),
    monotonic UInt8 CODEC(ZSTD(3)),
    unit LowCardinality(String) CODEC(ZSTD(3)),
    description LowCardinality(String) CODEC(ZSTD(3)),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    metadata_types LowCardinality(String) CODEC(ZSTD(3)),
    explicit_bounds Array(Float64) CODEC(ZSTD(3)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    resource_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    resource_dropped_attributes UInt32 CODEC(ZSTD(3)),
    resource_schema_url LowCardinality(String) CODEC(ZSTD(3)),
    resource_entity_refs LowCardinality(String) CODEC(ZSTD(3)),
    scope_name LowCardinality(String) CODEC(ZSTD(3)),
    scope_version LowCardinality(String) CODEC(ZSTD(3)),
    scope_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3)),
    scope_attribute_types LowCardinality(String) CODEC(ZSTD(3)),
    scope_dropped_attributes UInt32 CODEC(ZSTD(3)),
    scope_schema_url LowCardinality(String) CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toStartOfMonth(day)
ORDER BY (prometheus_name, series_id, day)
TTL day + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_metric_exemplars
(
    timestamp DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    metric_name LowCardinality(String) CODEC(ZSTD(3)),
    series_id UInt64 CODEC(ZSTD(3)),
    present UInt8 CODEC(ZSTD(3)),
    value Float64 CODEC(ZSTD(3)),
    int_value Int64 CODEC(ZSTD(3)),
    trace_id FixedString(16) CODEC(ZSTD(3)),
    span_id FixedString(8) CODEC(ZSTD(3)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    attribute_types LowCardinality(String) CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (metric_name, series_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
;

INSERT INTO weir_migrations (version, name, checksum) VALUES (1, '0001_tables', 6030407398009534280)
;

CREATE TABLE IF NOT EXISTS otel_metrics_5m
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    metric_name LowCardinality(String) CODEC(ZSTD(3)),
    series_id UInt64 CODEC(ZSTD(3)),
    type UInt8 CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(3)),
    present UInt8 CODEC(ZSTD(3)),
    samples UInt32 CODEC(ZSTD(3)),
    first_timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    min Float64 CODEC(ZSTD(3)),
    max Float64 CODEC(ZSTD(3)),
    sum Float64 CODEC(ZSTD(3)),
    first Float64 CODEC(Delta(8), ZSTD(3)),
    last Float64 CODEC(Delta(8), ZSTD(3)),
    increase Float64 CODEC(ZSTD(3)),
    first_count UInt64 CODEC(ZSTD(3)),
    last_count UInt64 CODEC(ZSTD(3)),
    count_increase UInt64 CODEC(ZSTD(3)),
    first_le Array(UInt64) CODEC(ZSTD(3)),
    last_le Array(UInt64) CODEC(ZSTD(3)),
    le_increase Array(UInt64) CODEC(ZSTD(3)),
    first_exponential Tuple(scale Int32, zero_threshold Float64, zero_count UInt64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    last_exponential Tuple(scale Int32, zero_threshold Float64, zero_count UInt64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    exponential_increase Tuple(scale Int32, zero_count UInt64, positive_index Array(Int32), positive_counts Array(UInt64), negative_index Array(Int32), negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    quantiles Array(Float64) CODEC(ZSTD(3)),
    quantile_values Array(Float64) CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(time)
ORDER BY (metric_name, series_id, time)
TTL time + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

CREATE TABLE IF NOT EXISTS otel_metrics_1h
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    metric_name LowCardinality(String) CODEC(ZSTD(3)),
    series_id UInt64 CODEC(ZSTD(3)),
    type UInt8 CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(3)),
    present UInt8 CODEC(ZSTD(3)),
    samples UInt32 CODEC(ZSTD(3)),
    first_timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    min Float64 CODEC(ZSTD(3)),
    max Float64 CODEC(ZSTD(3)),
    sum Float64 CODEC(ZSTD(3)),
    first Float64 CODEC(Delta(8), ZSTD(3)),
    last Float64 CODEC(Delta(8), ZSTD(3)),
    increase Float64 CODEC(ZSTD(3)),
    first_count UInt64 CODEC(ZSTD(3)),
    last_count UInt64 CODEC(ZSTD(3)),
    count_increase UInt64 CODEC(ZSTD(3)),
    first_le Array(UInt64) CODEC(ZSTD(3)),
    last_le Array(UInt64) CODEC(ZSTD(3)),
    le_increase Array(UInt64) CODEC(ZSTD(3)),
    first_exponential Tuple(scale Int32, zero_threshold Float64, zero_count UInt64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    last_exponential Tuple(scale Int32, zero_threshold Float64, zero_count UInt64, positive_offset Int32, positive_counts Array(UInt64), negative_offset Int32, negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    exponential_increase Tuple(scale Int32, zero_count UInt64, positive_index Array(Int32), positive_counts Array(UInt64), negative_index Array(Int32), negative_counts Array(UInt64)) CODEC(ZSTD(3)),
    quantiles Array(Float64) CODEC(ZSTD(3)),
    quantile_values Array(Float64) CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(time)
ORDER BY (metric_name, series_id, time)
TTL time + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

CREATE TABLE IF NOT EXISTS otel_logs_5m
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    severity_number UInt8 CODEC(ZSTD(3)),
    lines UInt64 CODEC(ZSTD(3)),
    bytes UInt64 CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(time)
ORDER BY (service_name, severity_number, time)
TTL time + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1
;

CREATE TABLE IF NOT EXISTS otel_logs_1h
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    severity_number UInt8 CODEC(ZSTD(3)),
    lines UInt64 CODEC(ZSTD(3)),
    bytes UInt64 CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfMonth(time)
ORDER BY (service_name, severity_number, time)
TTL time + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1
;

CREATE TABLE IF NOT EXISTS otel_traces_red_1h
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    span_name LowCardinality(String) CODEC(ZSTD(3)),
    span_kind UInt8 CODEC(ZSTD(3)),
    count Float64 CODEC(ZSTD(3)),
    errors Float64 CODEC(ZSTD(3)),
    duration_sum Float64 CODEC(ZSTD(3)),
    duration_max UInt64 CODEC(ZSTD(3)),
    histogram Tuple(Array(UInt16), Array(Float64)) CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(time)
ORDER BY (service_name, span_name, span_kind, time)
TTL time + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1
;

CREATE TABLE IF NOT EXISTS weir_rollup_touched
(
    source LowCardinality(String),
    time DateTime('UTC'),
    touched SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    rows SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toStartOfMonth(time)
ORDER BY (source, time)
TTL time + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_metrics TO weir_rollup_touched AS
SELECT 'metrics' AS source, toDateTime(intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) * 300, 'UTC') AS time, now64(3, 'UTC') AS touched, count() AS rows
FROM otel_metrics GROUP BY time
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_logs TO weir_rollup_touched AS
SELECT 'logs' AS source, toDateTime(intDiv(toUnixTimestamp64Nano(timestamp) + 299999999999, 300000000000) * 300, 'UTC') AS time, now64(3, 'UTC') AS touched, count() AS rows
FROM otel_logs GROUP BY time
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_red TO weir_rollup_touched AS
SELECT 'traces_red' AS source, time + 300 AS time, now64(3, 'UTC') AS touched, toUInt64(count()) AS rows
FROM otel_traces_red_5m GROUP BY time
;

INSERT INTO weir_rollup_touched
SELECT 'metrics', toDateTime(intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) * 300, 'UTC') AS t, now64(3, 'UTC'), count()
FROM otel_metrics GROUP BY t
;

INSERT INTO weir_rollup_touched
SELECT 'logs', toDateTime(intDiv(toUnixTimestamp64Nano(timestamp) + 299999999999, 300000000000) * 300, 'UTC') AS t, now64(3, 'UTC'), count()
FROM otel_logs GROUP BY t
;

INSERT INTO weir_rollup_touched
SELECT 'traces_red', time + 300 AS t, now64(3, 'UTC'), toUInt64(count())
FROM otel_traces_red_5m GROUP BY t
;

CREATE TABLE IF NOT EXISTS weir_rollup_done
(
    rollup LowCardinality(String),
    time DateTime('UTC'),
    version UInt64,
    rows UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toStartOfMonth(time)
ORDER BY (rollup, time)
TTL time + INTERVAL 365 DAY
;

CREATE TABLE IF NOT EXISTS weir_rollups
(
    rollup LowCardinality(String),
    watermark DateTime('UTC'),
    source_since DateTime('UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY rollup
;

INSERT INTO weir_migrations (version, name, checksum) VALUES (2, '0002_rollups', 12765969700353620145)
;

CREATE DATABASE IF NOT EXISTS otel
;

CREATE VIEW IF NOT EXISTS otel.otel_traces AS
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

CREATE VIEW IF NOT EXISTS otel.otel_traces_trace_id_ts AS
SELECT
    lower(hex(trace_id)) AS TraceId,
    toDateTime(timestamp) AS Start,
    toDateTime(timestamp) AS End
FROM otel_traces
;

CREATE VIEW IF NOT EXISTS otel.otel_logs AS
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

CREATE VIEW IF NOT EXISTS otel.otel_metrics_gauge AS
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

CREATE VIEW IF NOT EXISTS otel.otel_metrics_sum AS
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

CREATE VIEW IF NOT EXISTS otel.otel_metrics_histogram AS
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

CREATE VIEW IF NOT EXISTS otel.otel_metrics_exponential_histogram AS
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

CREATE VIEW IF NOT EXISTS otel.otel_metrics_summary AS
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

INSERT INTO weir_migrations (version, name, checksum) VALUES (3, '0003_views', 2287592862693438544)
;

CREATE TABLE IF NOT EXISTS otel_metric_resources
(
    day Date CODEC(ZSTD(3)),
    resource_id UInt64 CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, resource_id, day)
TTL day + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_metric_targets
(
    timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    resource_id UInt64 CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toStartOfMonth(timestamp)
ORDER BY (toStartOfHour(timestamp), resource_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL 365 DAY
SETTINGS non_replicated_deduplication_window = 10000
;

INSERT INTO weir_migrations (version, name, checksum) VALUES (4, '0004_targets', 4288068355532980607)
;

ALTER TABLE otel_metrics
    MODIFY COLUMN value Float64 CODEC(Delta(8), ZSTD(3)),
    MODIFY COLUMN int_value Int64 CODEC(Delta(8), ZSTD(1)),
    MODIFY COLUMN bucket_counts Array(UInt64) CODEC(T64('bit'), ZSTD(6)),
    MODIFY SETTING min_compress_block_size = 262144
;

CREATE OR REPLACE VIEW otel.otel_metrics_gauge AS
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

CREATE OR REPLACE VIEW otel.otel_metrics_sum AS
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

INSERT INTO weir_migrations (version, name, checksum) VALUES (5, '0005_whole_numbers', 14520464620131345864)
;

CREATE TABLE IF NOT EXISTS otel_trace_filters
(
    first_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    first_id FixedString(16) CODEC(ZSTD(3)),
    last_id FixedString(16) CODEC(ZSTD(3)),
    filter String CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY toDate(first_time)
ORDER BY (first_time, last_time)
TTL toDateTime(last_time) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
;

CREATE TABLE IF NOT EXISTS otel_log_filters
(
    first_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    filter String CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY toDate(first_time)
ORDER BY (first_time, last_time)
TTL toDateTime(last_time) + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
;

ALTER TABLE otel_traces ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1 CODEC(ZSTD(3))
;

ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1 CODEC(ZSTD(3))
;

ALTER TABLE otel_traces DROP INDEX IF EXISTS attribute_values
;

ALTER TABLE otel_logs DROP INDEX IF EXISTS body_grams
;

INSERT INTO weir_migrations (version, name, checksum) VALUES (6, '0006_filters', 8985193070941920824)
;

