SELECT stream_id,
  greatest(0, intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64} + {p1:Int64}, {p2:Int64})) AS first,
  least({p3:Int64}, intDiv(toUnixTimestamp64Nano(timestamp) - {p4:Int64} + {p5:Int64}, {p6:Int64})) AS last,
  count() AS lines, sum(length(body)) AS bytes
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p7:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p8:Int64}, 'UTC')
  AND service_name IN {p9:Array(String)}
  AND stream_id IN {p10:Array(UInt64)}
  AND (position(body, {p11:String}) > 0 OR position(body, {p12:String}) > 0)
  AND NOT (match(body, {p13:String}))
GROUP BY ALL
-- p0 = 1700000000000000000
-- p1 = 14999999999
-- p2 = 15000000000
-- p3 = 240
-- p4 = 1700000000000000000
-- p5 = 59999999999
-- p6 = 15000000000
-- p7 = 1699999940000000000
-- p8 = 1700003600000000000
-- p9 = ['shop','it\'s']
-- p10 = [1,18446744073709551615]
-- p11 = error
-- p12 = fail
-- p13 = (?-s)debug.*x
