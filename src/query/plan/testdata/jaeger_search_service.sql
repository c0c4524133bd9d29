SELECT trace_id, max(timestamp) AS newest
FROM otel_traces
WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC')
  AND service_name = {p2:String}
GROUP BY trace_id
ORDER BY newest DESC, trace_id
LIMIT {p3:UInt64}
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = cart
-- p3 = 20
