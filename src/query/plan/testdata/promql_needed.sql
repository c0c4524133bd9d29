SELECT series_id, t, toUInt32(0) AS flags, toUInt8(0) AS present, v AS value, toInt64(0) AS int_value
FROM (
WITH if(int_value != 0, toFloat64(int_value), value) AS number
SELECT series_id, max(timestamp) AS t, ifNull(maxOrNullIf(number, NOT isNaN(number)), nan) AS best,
  if(best = 0, argMinIf(number, timestamp, number = 0), best) AS v
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND metric_name IN {p2:Array(String)}
  AND series_id >= {p3:UInt64} AND series_id <= {p4:UInt64})
  AND timestamp >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p6:Int64}, 'UTC')
  AND bitAnd(flags, 1) = 0 AND bitAnd(present, 16) = 0
  AND reinterpretAsUInt64(value) != 9218868437227405314
GROUP BY series_id)
;
SELECT series_id, t, toUInt32(0) AS flags, toUInt8(0) AS present, v AS value, toInt64(0) AS int_value
FROM (
SELECT series_id, max(timestamp) AS t, toFloat64(0) AS v
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p7:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p8:Int64}, 'UTC')) AND metric_name IN {p9:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p10:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p11:Int64}, 'UTC')
  AND series_id IN {p12:Array(UInt64)}
  AND bitAnd(flags, 1) = 0 AND bitAnd(present, 16) = 0
  AND reinterpretAsUInt64(value) != 9218868437227405314
GROUP BY series_id)
-- p0 = 1700000000000
-- p1 = 1700086400000
-- p2 = ['cpu']
-- p3 = 3
-- p4 = 9
-- p5 = 1700000000000
-- p6 = 1700086400000
-- p7 = 1700000000000
-- p8 = 1700086400000
-- p9 = ['cpu']
-- p10 = 1700000000000
-- p11 = 1700086400000
-- p12 = [3,7,9]
