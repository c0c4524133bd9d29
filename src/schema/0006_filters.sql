-- Where what is searched for cannot be: a filter for each run of at most 8192 rows of a block, as they are stored (model/filter.h). A search for a
-- rare value reads these, and of the main table what lies between the times (and trace ids) of the runs that may hold it.

-- Of the attributes of spans, their resources, scopes, events and links.
CREATE TABLE IF NOT EXISTS ${table otel_trace_filters}
(
    first_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    first_id FixedString(16) CODEC(ZSTD(3)),
    last_id FixedString(16) CODEC(ZSTD(3)),
    filter String CODEC(NONE)
)
ENGINE = ${engine MergeTree}
PARTITION BY toDate(first_time)
ORDER BY (first_time, last_time)
TTL toDateTime(last_time) + INTERVAL ${retention_traces_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}
;

${distributed otel_trace_filters cityHash64(first_id)}
;

-- Of the pieces of five bytes of log lines.
CREATE TABLE IF NOT EXISTS ${table otel_log_filters}
(
    first_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    last_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(3)),
    filter String CODEC(NONE)
)
ENGINE = ${engine MergeTree}
PARTITION BY toDate(first_time)
ORDER BY (first_time, last_time)
TTL toDateTime(last_time) + INTERVAL ${retention_logs_days} DAY
SETTINGS ttl_only_drop_parts = 1, ${deduplication_window 10000}
;

${distributed otel_log_filters cityHash64(first_time)}
;

-- 1: no filter knows of the row. So are rows from before, and those that others insert.
ALTER TABLE ${table otel_traces} ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1 CODEC(ZSTD(3))
;

${cluster_only}ALTER TABLE otel_traces${on_cluster} ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1
;

ALTER TABLE ${table otel_logs} ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1 CODEC(ZSTD(3))
;

${cluster_only}ALTER TABLE otel_logs${on_cluster} ADD COLUMN IF NOT EXISTS no_filter UInt8 DEFAULT 1
;

-- The engine's own filters, which some had.
ALTER TABLE ${table otel_traces} DROP INDEX IF EXISTS attribute_values
;

ALTER TABLE ${table otel_logs} DROP INDEX IF EXISTS body_grams
;
