SELECT toUnixTimestamp64Nano(timestamp) AS time, stream_id, body,
  toUnixTimestamp64Nano(observed_timestamp) AS observed, timestamp_origin, severity_number,
  severity_text, event_name, dropped_attributes, flags, trace_id, span_id,
  log_attributes, log_attribute_types, scope_name, scope_version, scope_attributes,
  scope_attribute_types, scope_dropped_attributes,
  resource_attributes, resource_attribute_types
FROM otel_logs
WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC')
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1700003400, 'UTC'))
  AND indexHint(service_name IN {p2:Array(String)})
  AND stream_id IN {p3:Array(UInt64)}
  AND (position(body, {p4:String}) > 0 OR position(body, {p5:String}) > 0)
  AND NOT (match(body, {p6:String}))
ORDER BY timestamp DESC
LIMIT {p7:UInt64}
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = ['shop','it\'s']
-- p3 = [1,18446744073709551615]
-- p4 = error
-- p5 = fail
-- p6 = (?-s)debug.*x
-- p7 = 100
