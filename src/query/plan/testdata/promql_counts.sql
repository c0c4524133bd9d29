SELECT toString(prometheus_name) AS name, toUInt64(uniqExact(series_id)) AS number
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
GROUP BY name
ORDER BY number DESC, name
LIMIT {p0:UInt64}
;
SELECT concat(pair.1, '=', pair.2) AS name, toUInt64(count()) AS number
FROM (SELECT DISTINCT series_id, arrayJoin(arrayPushBack(arrayZip(
  CAST(mapKeys(prometheus_labels), 'Array(String)'), CAST(mapValues(prometheus_labels), 'Array(String)')),
  ('__name__', CAST(prometheus_name, 'String')))) AS pair
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675))
GROUP BY name
ORDER BY number DESC, name
LIMIT {p1:UInt64}
-- p0 = 10
-- p1 = 10
