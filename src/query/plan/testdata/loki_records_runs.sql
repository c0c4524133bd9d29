SELECT toUnixTimestamp64Nano(timestamp) AS time, stream_id, body,
  toUnixTimestamp64Nano(observed_timestamp) AS observed, timestamp_origin, severity_number,
  severity_text, event_name, dropped_attributes, flags, trace_id, span_id,
  log_attributes, log_attribute_types, scope_name, scope_version, scope_attributes,
  scope_attribute_types, scope_dropped_attributes,
  resource_attributes, resource_attribute_types
FROM otel_logs
WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC')
  AND (timestamp >= fromUnixTimestamp64Nano(toInt64(1700000000000000000), 'UTC') AND timestamp <= fromUnixTimestamp64Nano(toInt64(1700000000000000005), 'UTC')
    OR timestamp >= fromUnixTimestamp64Nano(toInt64(1700000000000000009), 'UTC') AND timestamp <= fromUnixTimestamp64Nano(toInt64(1700000000000000010), 'UTC'))
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1699999800, 'UTC')
    OR toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1699999800, 'UTC'))
  AND indexHint(service_name IN {p2:Array(String)})
  AND stream_id IN {p3:Array(UInt64)}
ORDER BY timestamp DESC
LIMIT {p4:UInt64}
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = ['shop','it\'s']
-- p3 = [1,18446744073709551615]
-- p4 = 100
