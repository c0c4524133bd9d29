SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND (prometheus_labels[{p0:String}] = {p1:String} OR resource_attributes[{p2:String}] = {p3:String} OR resource_attributes[{p4:String}] = {p5:String})
  AND (prometheus_labels[{p6:String}] = {p7:String} OR scope_name = {p8:String} OR scope_version = {p9:String} OR scope_schema_url = {p10:String})
  AND (match(prometheus_labels[{p11:String}], {p12:String}) OR match(resource_attributes[{p13:String}], {p14:String}))
LIMIT 1 BY series_id
LIMIT {p15:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = host_name
-- p1 = a
-- p2 = host.name
-- p3 = a
-- p4 = host-name
-- p5 = a
-- p6 = otel_scope_version
-- p7 = 1
-- p8 = 1
-- p9 = 1
-- p10 = 1
-- p11 = zone
-- p12 = ^(?s:a.+)$
-- p13 = zone
-- p14 = ^(?s:a.+)$
-- p15 = 1001
