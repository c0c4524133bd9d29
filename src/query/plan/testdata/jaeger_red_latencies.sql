SELECT service_name, operation AS span_name, toInt64(point * 300 + {p0:Int64}) AS t,
  sum(count) AS calls, sum(errors) AS failed, sumMap(histogram) AS histogram
FROM (SELECT service_name, span_name AS operation, count, errors, histogram,
    toInt64(toUnixTimestamp(time)) - {p1:Int64} AS at, arrayJoin(range(if(at < 0, 0, intDiv(at, 300) + 1), least(13, intDiv(at + 600, 300) + 1))) AS point
  FROM otel_traces_red_5m
  WHERE time >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND time < fromUnixTimestamp64Nano({p3:Int64}, 'UTC')
    AND service_name IN {p4:Array(String)}
    AND span_kind IN {p5:Array(UInt64)})
GROUP BY service_name, span_name, t
ORDER BY service_name, span_name, t
-- p0 = 1700000100
-- p1 = 1700000100
-- p2 = 1699999500000000000
-- p3 = 1700003700000000000
-- p4 = ['cart','it\'s']
-- p5 = [2]
