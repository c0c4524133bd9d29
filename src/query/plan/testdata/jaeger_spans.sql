SELECT trace_id, span_id, parent_span_id, timestamp, duration_ns, span_name, span_kind, status_code, status_message,
  trace_state, flags, service_name, scope_name, scope_version, resource_attributes, resource_attribute_types,
  span_attributes, span_attribute_types, `events.timestamp`, `events.name`, `events.attributes`,
  `events.attribute_types`, `links.trace_id`, `links.span_id`, `links.attributes`, `links.attribute_types`
FROM otel_traces
WHERE trace_id IN (SELECT toFixedString(unhex(arrayJoin({p0:Array(String)})), 16))
  AND (timestamp >= fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p2:Int64}, 'UTC') OR timestamp >= fromUnixTimestamp64Nano({p3:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p4:Int64}, 'UTC'))
-- p0 = ['83a9efd15c1c98a977e0711cc93ee28b','0000000000000000000000000000001f']
-- p1 = 1700000000000000000
-- p2 = 1700003600000000000
-- p3 = 0
-- p4 = 3600000000000
