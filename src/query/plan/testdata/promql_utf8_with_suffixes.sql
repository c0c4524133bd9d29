SELECT DISTINCT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic, mapContains(metadata, 'prometheus.type') AS is_verbatim
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND (prometheus_name = {p0:String} OR startsWith(prometheus_name, {p1:String}))
;
SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND prometheus_name IN {p2:Array(String)}
LIMIT 1 BY series_id
LIMIT {p3:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = 9lives.left_seconds_total
-- p1 = _9lives_left
-- p2 = ['found']
-- p3 = 1001
