SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND (prometheus_labels[{p0:String}] = {p1:String} OR arrayExists(x -> x = {p2:String}, mapValues(resource_attributes)))
  AND (prometheus_labels[{p3:String}] = {p4:String} OR arrayExists(x -> x = {p5:String}, mapValues(resource_attributes)))
  AND (prometheus_labels[{p6:String}] = {p7:String} OR arrayExists(x -> x = {p8:String}, mapValues(resource_attributes)))
  AND (prometheus_name = {p9:String} AND type IN (1, 2, 3, 4, 5) OR prometheus_name = {p10:String} AND type = 5)
  AND (match(prometheus_labels[{p11:String}], {p12:String}) OR arrayExists(x -> match(x, {p13:String}), mapValues(resource_attributes)))
LIMIT 1 BY series_id
LIMIT {p14:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = host_name
-- p1 = a
-- p2 = a
-- p3 = otel_scope_version
-- p4 = 1
-- p5 = 1
-- p6 = otel_scope_any
-- p7 = 1
-- p8 = 1
-- p9 = x_count
-- p10 = x
-- p11 = zone
-- p12 = ^(?s:a.+)$
-- p13 = ^(?s:a.+)$
-- p14 = 1001
