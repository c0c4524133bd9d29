SELECT stream_id,
  toInt32(intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64}, {p1:Int64})) AS slot,
  count() AS lines, 0 AS bytes
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p3:Int64}, 'UTC')
  AND (timestamp > fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p5:Int64}, 'UTC') OR timestamp > fromUnixTimestamp64Nano({p6:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p7:Int64}, 'UTC'))
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1700000100, 'UTC')
    OR toStartOfFiveMinutes(timestamp) >= toDateTime(1700001000, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1700001300, 'UTC'))
  AND indexHint(service_name IN {p8:Array(String)})
  AND stream_id IN {p9:Array(UInt64)}
GROUP BY ALL
-- p0 = 1699999700000000001
-- p1 = 300000000000
-- p2 = 1699999700000000000
-- p3 = 1700086400000000000
-- p4 = 1700000000000000000
-- p5 = 1700000300000000000
-- p6 = 1700001200000000000
-- p7 = 1700001500000000000
-- p8 = ['shop','it\'s']
-- p9 = [1,18446744073709551615]
