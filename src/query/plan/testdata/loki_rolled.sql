SELECT arrayElement({p0:Array(UInt64)}, indexOf({p1:Array(String)}, service_name)) AS stream_id,
  toInt32(intDiv(toInt64(toUnixTimestamp(time)) * 1000000000 - {p2:Int64}, {p3:Int64})) AS slot,
  sum(otel_logs_5m.lines) AS lines, sum(otel_logs_5m.bytes) AS bytes, severity_number
FROM otel_logs_5m FINAL
WHERE (time > fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND time <= fromUnixTimestamp64Nano({p5:Int64}, 'UTC'))
  AND service_name IN {p6:Array(String)}
GROUP BY ALL
-- p0 = [1,18446744073709551615]
-- p1 = ['shop','it\'s']
-- p2 = 1699999400000000001
-- p3 = 300000000000
-- p4 = 1700000000000000000
-- p5 = 1700086400000000000
-- p6 = ['shop','it\'s']
