SELECT stream_id,
  toInt32(intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64}, {p1:Int64})) AS slot,
  count() AS lines, sum(length(body)) AS bytes
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p3:Int64}, 'UTC')
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1700003400, 'UTC'))
  AND indexHint(service_name IN {p4:Array(String)})
  AND stream_id IN {p5:Array(UInt64)}
  AND (position(body, {p6:String}) > 0 OR position(body, {p7:String}) > 0)
  AND NOT (match(body, {p8:String}))
GROUP BY ALL
-- p0 = 1699999940000000001
-- p1 = 15000000000
-- p2 = 1699999940000000000
-- p3 = 1700003600000000000
-- p4 = ['shop','it\'s']
-- p5 = [1,18446744073709551615]
-- p6 = error
-- p7 = fail
-- p8 = (?-s)debug.*x
