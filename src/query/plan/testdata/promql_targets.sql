SELECT resource_id, resource_attributes
FROM otel_metric_resources
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
ORDER BY resource_id
LIMIT 1 BY resource_id
LIMIT {p2:UInt64}
;
SELECT resource_id, toUnixTimestamp64Milli(timestamp) AS t
FROM otel_metric_targets
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')))
  AND timestamp >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p6:Int64}, 'UTC')
  AND resource_id IN {p7:Array(UInt64)}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = 1001
-- p3 = 1700000000000
-- p4 = 1700003600000
-- p5 = 1700000000000
-- p6 = 1700003600000
-- p7 = [7,9]
