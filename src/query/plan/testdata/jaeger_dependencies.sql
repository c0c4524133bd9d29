SELECT parent.service_name AS parent, child.service_name AS child, count() AS calls
FROM (SELECT DISTINCT trace_id, span_id, parent_span_id, service_name FROM otel_traces WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND parent_span_id != toFixedString('', 8)) AS child
INNER JOIN (SELECT DISTINCT trace_id, span_id, service_name FROM otel_traces WHERE timestamp >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p3:Int64}, 'UTC')) AS parent
  ON child.trace_id = parent.trace_id AND child.parent_span_id = parent.span_id
WHERE parent.service_name != child.service_name
GROUP BY parent, child
ORDER BY parent, child
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = 1700000000000000000
-- p3 = 1700003600000000000
