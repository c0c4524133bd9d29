SELECT stream_id,
  greatest(0, intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64} + {p1:Int64}, {p2:Int64})) AS first,
  least({p3:Int64}, intDiv(toUnixTimestamp64Nano(timestamp) - {p4:Int64} + {p5:Int64}, {p6:Int64})) AS last,
  1 AS lines, 0 AS bytes, event_name, dropped_attributes, flags, trace_id, span_id, scope_name, scope_version, scope_dropped_attributes, severity_number, severity_text,
  toUnixTimestamp64Nano(observed_timestamp) AS observed, timestamp_origin,
  if(severity_number = 0, otel_logs.body, '') AS line,
  log_attributes, log_attribute_types, scope_attributes, scope_attribute_types,
  resource_attributes, resource_attribute_types
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p7:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p8:Int64}, 'UTC')
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1699999800, 'UTC'))
  AND indexHint(service_name IN {p9:Array(String)})
  AND stream_id IN {p10:Array(UInt64)}
-- p0 = 1700000000000000000
-- p1 = 0
-- p2 = 1
-- p3 = 0
-- p4 = 1700000000000000000
-- p5 = 59999999999
-- p6 = 1
-- p7 = 1699999940000000000
-- p8 = 1700000000000000000
-- p9 = ['shop','it\'s']
-- p10 = [1,18446744073709551615]
