-- What Prometheus calls target_info: the resources that sent metrics, and when each did.

-- One row per resource and day seen; resource_id is the hash of its attributes.
CREATE TABLE IF NOT EXISTS ${table otel_metric_resources}
(
    day Date CODEC(ZSTD(3)),
    resource_id UInt64 CODEC(ZSTD(3)),
    service_name LowCardinality(String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(3))
)
ENGINE = ${engine ReplacingMergeTree}
PARTITION BY toStartOfMonth(day)
ORDER BY (service_name, resource_id, day)
TTL day + INTERVAL ${retention_series_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed otel_metric_resources resource_id}
;

-- The first and the last moment of a resource in each block of requests, and every 150 seconds between them.
CREATE TABLE IF NOT EXISTS ${table otel_metric_targets}
(
    timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(3)),
    resource_id UInt64 CODEC(ZSTD(3))
)
ENGINE = ${engine MergeTree}
PARTITION BY toStartOfMonth(timestamp)
ORDER BY (toStartOfHour(timestamp), resource_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL ${retention_series_days} DAY
SETTINGS ${deduplication_window 10000}
;

${distributed otel_metric_targets resource_id}
;
