SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND (prometheus_labels[{p2:String}] = {p3:String} OR resource_attributes[{p4:String}] = {p5:String} OR resource_attributes[{p6:String}] = {p7:String})
  AND (prometheus_labels[{p8:String}] = {p9:String} OR scope_name = {p10:String} OR scope_version = {p11:String} OR scope_schema_url = {p12:String})
  AND (match(prometheus_labels[{p13:String}], {p14:String}) OR match(resource_attributes[{p15:String}], {p16:String}))
LIMIT 1 BY series_id
LIMIT {p17:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = host_name
-- p3 = a
-- p4 = host.name
-- p5 = a
-- p6 = host-name
-- p7 = a
-- p8 = otel_scope_version
-- p9 = 1
-- p10 = 1
-- p11 = 1
-- p12 = 1
-- p13 = zone
-- p14 = ^(?s:a.+)$
-- p15 = zone
-- p16 = ^(?s:a.+)$
-- p17 = 1001
