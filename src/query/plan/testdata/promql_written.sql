SELECT 0 AS kind, toInt64(toUnixTimestamp(time)) * 1000 AS t, sum(rows) AS a, toUnixTimestamp64Milli(max(touched)) AS b
FROM weir_rollup_touched
WHERE source = 'metrics' AND time >= toDateTime(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
GROUP BY time
UNION ALL
SELECT 1, toInt64(toUnixTimestamp(toDateTime(toDateOrZero(partition), 'UTC'))) * 1000, groupBitXor(cityHash64(name)), 0
FROM system.parts
WHERE database = currentDatabase() AND table = 'otel_metrics' AND active AND partition >= toString(toDate(fromUnixTimestamp64Milli({p2:Int64}, 'UTC'))) AND partition <= toString(toDate(fromUnixTimestamp64Milli({p3:Int64}, 'UTC')))
GROUP BY partition
UNION ALL
SELECT 2, toUnixTimestamp64Milli(now64(3)), cityHash64(toString(uuid)), 0
FROM system.tables WHERE database = currentDatabase() AND name = 'otel_metrics' AND engine = 'MergeTree'
UNION ALL
SELECT 3, intDiv(toUnixTimestamp64Milli(timestamp) + 299999, 300000) * 300000 AS end, count(), 0
FROM otel_metric_targets
WHERE toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p5:Int64}, 'UTC'))
GROUP BY end
