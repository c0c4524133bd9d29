SELECT toString(prometheus_name) AS name, toUInt64(uniqExact(series_id)) AS number
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
GROUP BY name
ORDER BY number DESC, name
LIMIT {p2:UInt64}
;
SELECT concat(pair.1, '=', pair.2) AS name, toUInt64(count()) AS number
FROM (SELECT DISTINCT series_id, arrayJoin(arrayPushBack(arrayZip(
  CAST(mapKeys(prometheus_labels), 'Array(String)'), CAST(mapValues(prometheus_labels), 'Array(String)')),
  ('__name__', CAST(prometheus_name, 'String')))) AS pair
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p3:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')))
GROUP BY name
ORDER BY number DESC, name
LIMIT {p5:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = 10
-- p3 = 1699920000000
-- p4 = 1699920000000
-- p5 = 10
