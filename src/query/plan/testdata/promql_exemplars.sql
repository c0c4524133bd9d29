SELECT series_id, toUnixTimestamp64Milli(timestamp) AS t, value AS number, trace_id, span_id, attributes
FROM otel_metric_exemplars
WHERE timestamp >= fromUnixTimestamp64Milli({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Milli({p1:Int64}, 'UTC')
  AND metric_name IN {p2:Array(String)}
  AND series_id IN {p3:Array(UInt64)}
ORDER BY series_id, timestamp
LIMIT {p4:UInt64}
-- p0 = 1700000000000
-- p1 = 1700003600001
-- p2 = ['it\'s']
-- p3 = [7,9]
-- p4 = 5000
