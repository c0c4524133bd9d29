SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND (prometheus_name = {p2:String} AND type IN (1, 2, 4, 5))
LIMIT 1 BY series_id
LIMIT {p3:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = up
-- p3 = 1001
