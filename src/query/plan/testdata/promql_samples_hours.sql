SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND metric_name IN {p2:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
  AND series_id IN {p5:Array(UInt64)}
SETTINGS max_threads = 4, local_filesystem_read_method = 'pread'
-- p0 = 1700000000000
-- p1 = 1700086400000
-- p2 = ['cpu']
-- p3 = 1700000000000
-- p4 = 1700086400000
-- p5 = [3]
