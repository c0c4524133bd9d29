SELECT DISTINCT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic, mapContains(metadata, 'prometheus.type') AS is_verbatim
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND (prometheus_name = {p0:String} OR startsWith(prometheus_name, {p1:String}) OR startsWith(prometheus_name, {p2:String}) OR prometheus_name = {p3:String})
;
SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND prometheus_name IN {p4:Array(String)}
  AND (prometheus_labels[{p5:String}] = {p6:String} OR attributes[{p7:String}] = {p8:String})
LIMIT 1 BY series_id
LIMIT {p9:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = http.server.total.9x_bucket
-- p1 = http_server
-- p2 = http_server
-- p3 = http.server.total.9x
-- p4 = ['found']
-- p5 = zone
-- p6 = a
-- p7 = zone
-- p8 = a
-- p9 = 1001
