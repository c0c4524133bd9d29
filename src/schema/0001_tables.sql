-- The three tables and their side tables. Measurements behind each choice: docs/schema.md.
-- An insert (at most batch.max_rows) becomes a compact part, one file for all columns: making a hundred files costs more than
-- filling them. From 131072 rows on a merge goes column by column, and its part is wide.
-- Statements end with a line that holds only ";". ${...} is substituted: README.md.

CREATE TABLE IF NOT EXISTS ${table otel_traces}
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
ENGINE = ${engine MergeTree}
PARTITION BY toStartOfInterval(timestamp, INTERVAL ${traces_partition_seconds} SECOND)
ORDER BY (trace_id, span_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL ${retention_traces_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}, max_compress_block_size = 262144, min_rows_for_wide_part = 131072,
    default_compression_codec = 'ZSTD(3)'
;

${distributed otel_traces cityHash64(trace_id)}
;

-- Where to look for a trace: 32 bits of its id and the hours it has spans in.
CREATE TABLE IF NOT EXISTS ${table otel_trace_index}
(
    trace_hash UInt32 CODEC(ZSTD(3)),
    hour DateTime('UTC') CODEC(Delta(4), ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree}
PARTITION BY toDate(hour)
ORDER BY (trace_hash, hour)
TTL hour + INTERVAL ${retention_traces_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}
;

${distributed otel_trace_index intHash64(trace_hash)}
;

-- Catalogue of services and operations, a row for each day seen.
CREATE TABLE IF NOT EXISTS ${table otel_span_names}
(
    day Date CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    span_name LowCardinality(String) CODEC(ZSTD(3)),
    span_kind UInt8 CODEC(ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree}
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, span_name, span_kind, day)
TTL day + INTERVAL ${retention_traces_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed otel_span_names cityHash64(service_name)}
;

-- Rate, errors and duration of spans per five minutes, taken before sampling. Counts are of what the spans stand for. A duration is in
-- bucket floor(log2(ns) * 8); the histogram is the buckets there are, and their counts.
CREATE TABLE IF NOT EXISTS ${table otel_traces_red_5m}
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
ENGINE = ${engine AggregatingMergeTree}
PARTITION BY toDate(time)
ORDER BY (service_name, span_name, span_kind, time)
TTL time + INTERVAL ${retention_traces_5m_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}
;

${distributed otel_traces_red_5m cityHash64(service_name)}
;

CREATE TABLE IF NOT EXISTS ${table otel_logs}
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
ENGINE = ${engine MergeTree}
PARTITION BY toDate(timestamp)
ORDER BY (toStartOfFiveMinutes(timestamp), severity_number, service_name, timestamp)
TTL toDateTime(timestamp) + INTERVAL ${retention_logs_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

${distributed otel_logs stream_id}
;

-- One row per resource that logged and day seen; stream_id is the hash of the resource's attributes.
CREATE TABLE IF NOT EXISTS ${table otel_log_streams}
(
    day Date CODEC(ZSTD(3)),
    stream_id UInt64 CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree}
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, stream_id, day)
TTL day + INTERVAL ${retention_logs_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed otel_log_streams stream_id}
;

CREATE TABLE IF NOT EXISTS ${table otel_metrics}
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
ENGINE = ${engine MergeTree}
PARTITION BY toDate(timestamp)
ORDER BY (toStartOfHour(timestamp), metric_name, series_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL ${retention_metrics_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

${distributed otel_metrics series_id}
;

-- One row per series and day seen: what all its samples share, and the Prometheus name and labels it answers to.
CREATE TABLE IF NOT EXISTS ${table otel_metric_series}
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
ENGINE = ${engine ReplacingMergeTree}
PARTITION BY toStartOfMonth(day)
ORDER BY (prometheus_name, series_id, day)
TTL day + INTERVAL ${retention_series_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed otel_metric_series series_id}
;

CREATE TABLE IF NOT EXISTS ${table otel_metric_exemplars}
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
ENGINE = ${engine MergeTree}
PARTITION BY toDate(timestamp)
ORDER BY (metric_name, series_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL ${retention_metrics_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}
;

${distributed otel_metric_exemplars series_id}
;
