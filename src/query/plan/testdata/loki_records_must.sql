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
  AND (trace_id = unhex({p4:String}) OR has(mapValues(log_attributes), {p5:String}) OR position(log_attribute_types, 'k') > 0 OR has(mapValues(scope_attributes), {p6:String}) OR position(scope_attribute_types, 'k') > 0 OR has(mapValues(resource_attributes), {p7:String}) OR position(resource_attribute_types, 'k') > 0)
  AND (has(mapValues(log_attributes), {p8:String}) OR position(log_attribute_types, 'k') > 0 OR has(mapValues(scope_attributes), {p9:String}) OR position(scope_attribute_types, 'k') > 0 OR has(mapValues(resource_attributes), {p10:String}) OR position(resource_attribute_types, 'k') > 0)
  AND (severity_text = ({p11:String}) OR has(mapValues(log_attributes), {p12:String}) OR position(log_attribute_types, 'k') > 0 OR has(mapValues(scope_attributes), {p13:String}) OR position(scope_attribute_types, 'k') > 0 OR has(mapValues(resource_attributes), {p14:String}) OR position(resource_attribute_types, 'k') > 0)
ORDER BY timestamp
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = ['shop','it\'s']
-- p3 = [1,18446744073709551615]
-- p4 = 0102030405060708090a0b0c0d0e0f10
-- p5 = 0102030405060708090a0b0c0d0e0f10
-- p6 = 0102030405060708090a0b0c0d0e0f10
-- p7 = 0102030405060708090a0b0c0d0e0f10
-- p8 = 7
-- p9 = 7
-- p10 = 7
-- p11 = INFO
-- p12 = INFO
-- p13 = INFO
-- p14 = INFO
