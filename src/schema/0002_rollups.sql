-- Rollups, the log of which windows raw rows came for, and what was computed from them when.
-- A window of 5 minutes or 1 hour is named by its end, which belongs to it: time - 5m < timestamp <= time, as ranges of PromQL
-- and LogQL are. Only the windows of otel_traces_red_* are named by their beginning. Why so: docs/schema.md.
-- A window may be computed again, with a later version: of rows with one key the one with the greatest version holds (FINAL).

CREATE TABLE IF NOT EXISTS ${table otel_metrics_5m}
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
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toDate(time)
ORDER BY (metric_name, series_id, time)
TTL time + INTERVAL ${retention_metrics_5m_days} DAY
SETTINGS ttl_only_drop_parts = 1, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

${distributed otel_metrics_5m series_id}
;

CREATE TABLE IF NOT EXISTS ${table otel_metrics_1h}
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
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toMonday(time)
ORDER BY (metric_name, series_id, time)
TTL time + INTERVAL ${retention_metrics_1h_days} DAY
SETTINGS ttl_only_drop_parts = 1, max_compress_block_size = 262144, min_rows_for_wide_part = 131072
;

${distributed otel_metrics_1h series_id}
;

-- Log records and the bytes of their bodies.
CREATE TABLE IF NOT EXISTS ${table otel_logs_5m}
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    severity_number UInt8 CODEC(ZSTD(3)),
    lines UInt64 CODEC(ZSTD(3)),
    bytes UInt64 CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toMonday(time)
ORDER BY (service_name, severity_number, time)
TTL time + INTERVAL ${retention_logs_5m_days} DAY
SETTINGS ttl_only_drop_parts = 1
;

${distributed otel_logs_5m cityHash64(service_name)}
;

CREATE TABLE IF NOT EXISTS ${table otel_logs_1h}
(
    time DateTime('UTC') CODEC(Delta(4), ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    severity_number UInt8 CODEC(ZSTD(3)),
    lines UInt64 CODEC(ZSTD(3)),
    bytes UInt64 CODEC(ZSTD(3)),
    version UInt64 CODEC(ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toStartOfMonth(time)
ORDER BY (service_name, severity_number, time)
TTL time + INTERVAL ${retention_logs_1h_days} DAY
SETTINGS ttl_only_drop_parts = 1
;

${distributed otel_logs_1h cityHash64(service_name)}
;

-- The sums of otel_traces_red_5m over an hour, which is named by its beginning, as there.
CREATE TABLE IF NOT EXISTS ${table otel_traces_red_1h}
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
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toMonday(time)
ORDER BY (service_name, span_name, span_kind, time)
TTL time + INTERVAL ${retention_traces_1h_days} DAY
SETTINGS ttl_only_drop_parts = 1
;

${distributed otel_traces_red_1h cityHash64(service_name)}
;

-- Which windows of 5 minutes rows were inserted for, and when last: written by the views below with each insert, read by the jobs.
CREATE TABLE IF NOT EXISTS ${table weir_rollup_touched}
(
    source LowCardinality(String),
    time DateTime('UTC'),
    touched SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    rows SimpleAggregateFunction(sum, UInt64)
)
ENGINE = ${engine AggregatingMergeTree}
PARTITION BY toStartOfMonth(time)
ORDER BY (source, time)
TTL time + INTERVAL ${retention_series_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed weir_rollup_touched cityHash64(source)}
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_metrics${on_cluster} TO ${local weir_rollup_touched} AS
SELECT 'metrics' AS source, toDateTime(intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) * 300, 'UTC') AS time, now64(3, 'UTC') AS touched, count() AS rows
FROM ${local otel_metrics} GROUP BY time
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_logs${on_cluster} TO ${local weir_rollup_touched} AS
SELECT 'logs' AS source, toDateTime(intDiv(toUnixTimestamp64Nano(timestamp) + 299999999999, 300000000000) * 300, 'UTC') AS time, now64(3, 'UTC') AS touched, count() AS rows
FROM ${local otel_logs} GROUP BY time
;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir_rollup_touched_red${on_cluster} TO ${local weir_rollup_touched} AS
SELECT 'traces_red' AS source, time + 300 AS time, now64(3, 'UTC') AS touched, toUInt64(count()) AS rows
FROM ${local otel_traces_red_5m} GROUP BY time
;

-- What was there before the views. Done twice, windows are computed twice.
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

-- When each window of each rollup was last computed: `version` is the engine's clock in ms as it began, `rows`
-- about how many were written.
CREATE TABLE IF NOT EXISTS ${table weir_rollup_done}
(
    rollup LowCardinality(String),
    time DateTime('UTC'),
    version UInt64,
    rows UInt64
)
ENGINE = ${engine ReplacingMergeTree version}
PARTITION BY toStartOfMonth(time)
ORDER BY (rollup, time)
TTL time + INTERVAL ${retention_series_days} DAY
;

${distributed weir_rollup_done cityHash64(rollup)}
;

-- A row a rollup: all closed windows up to `watermark` are computed; below `source_since` the rows it is computed from are no
-- longer all there.
CREATE TABLE IF NOT EXISTS ${table weir_rollups}
(
    rollup LowCardinality(String),
    watermark DateTime('UTC'),
    source_since DateTime('UTC'),
    version UInt64
)
ENGINE = ${engine ReplacingMergeTree version}
ORDER BY rollup
;

${distributed weir_rollups cityHash64(rollup)}
;
