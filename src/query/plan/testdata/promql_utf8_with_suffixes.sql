SELECT DISTINCT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic, mapContains(metadata, 'prometheus.type') AS is_verbatim
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND (prometheus_name = {p2:String} OR startsWith(prometheus_name, {p3:String}))
;
SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p5:Int64}, 'UTC'))
  AND prometheus_name IN {p6:Array(String)}
LIMIT 1 BY series_id
LIMIT {p7:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = 9lives.left_seconds_total
-- p3 = _9lives_left
-- p4 = 1699920000000
-- p5 = 1699920000000
-- p6 = ['found']
-- p7 = 1001
