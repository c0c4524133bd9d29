SELECT series_id, t, toUInt32(0) AS flags, toUInt8(0) AS present, v AS value, toInt64(0) AS int_value
FROM (
WITH if(int_value != 0, toFloat64(int_value), value) AS number
SELECT series_id, max(timestamp) AS t, ifNull(maxOrNullIf(number, NOT isNaN(number)), nan) AS best,
  if(best = 0, argMinIf(number, timestamp, number = 0), best) AS v
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200, 1700002800, 1700006400, 1700010000, 1700013600, 1700017200, 1700020800, 1700024400, 1700028000, 1700031600, 1700035200, 1700038800, 1700042400, 1700046000, 1700049600, 1700053200, 1700056800, 1700060400, 1700064000, 1700067600, 1700071200, 1700074800, 1700078400, 1700082000, 1700085600) AND metric_name IN {p0:Array(String)}
  AND series_id >= {p1:UInt64} AND series_id <= {p2:UInt64})
  AND timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
  AND bitAnd(flags, 1) = 0 AND bitAnd(present, 16) = 0
  AND reinterpretAsUInt64(value) != 9218868437227405314
GROUP BY series_id)
;
SELECT series_id, t, toUInt32(0) AS flags, toUInt8(0) AS present, v AS value, toInt64(0) AS int_value
FROM (
SELECT series_id, max(timestamp) AS t, toFloat64(0) AS v
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200, 1700002800, 1700006400, 1700010000, 1700013600, 1700017200, 1700020800, 1700024400, 1700028000, 1700031600, 1700035200, 1700038800, 1700042400, 1700046000, 1700049600, 1700053200, 1700056800, 1700060400, 1700064000, 1700067600, 1700071200, 1700074800, 1700078400, 1700082000, 1700085600) AND metric_name IN {p5:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p6:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p7:Int64}, 'UTC')
  AND series_id IN {p8:Array(UInt64)}
  AND bitAnd(flags, 1) = 0 AND bitAnd(present, 16) = 0
  AND reinterpretAsUInt64(value) != 9218868437227405314
GROUP BY series_id)
-- p0 = ['cpu']
-- p1 = 3
-- p2 = 9
-- p3 = 1700000000000
-- p4 = 1700086400000
-- p5 = ['cpu']
-- p6 = 1700000000000
-- p7 = 1700086400000
-- p8 = [3,7,9]
