SELECT DISTINCT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic, mapContains(metadata, 'prometheus.type') AS is_verbatim
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND (prometheus_name = {p2:String} OR startsWith(prometheus_name, {p3:String}) OR startsWith(prometheus_name, {p4:String}) OR prometheus_name = {p5:String})
;
SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p6:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p7:Int64}, 'UTC'))
  AND prometheus_name IN {p8:Array(String)}
  AND (prometheus_labels[{p9:String}] = {p10:String} OR attributes[{p11:String}] = {p12:String})
LIMIT 1 BY series_id
LIMIT {p13:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = http.server.total.9x_bucket
-- p3 = http_server
-- p4 = http_server
-- p5 = http.server.total.9x
-- p6 = 1699920000000
-- p7 = 1699920000000
-- p8 = ['found']
-- p9 = zone
-- p10 = a
-- p11 = zone
-- p12 = a
-- p13 = 1001
