SELECT resource_id, resource_attributes
FROM otel_metric_resources
WHERE day >= toDate(19675) AND day <= toDate(19675)
ORDER BY resource_id
LIMIT 1 BY resource_id
LIMIT {p0:UInt64}
;
SELECT resource_id, toUnixTimestamp64Milli(timestamp) AS t
FROM otel_metric_targets
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p2:Int64}, 'UTC')))
  AND timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
  AND resource_id IN {p5:Array(UInt64)}
-- p0 = 1001
-- p1 = 1700000000000
-- p2 = 1700003600000
-- p3 = 1700000000000
-- p4 = 1700003600000
-- p5 = [7,9]
