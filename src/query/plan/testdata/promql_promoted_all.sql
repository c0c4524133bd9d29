SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds, unit, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, attributes, resource_attributes,
  scope_name, scope_version, scope_schema_url, scope_attributes
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND (prometheus_labels[{p2:String}] = {p3:String} OR arrayExists(x -> x = {p4:String}, mapValues(resource_attributes)))
  AND (prometheus_labels[{p5:String}] = {p6:String} OR arrayExists(x -> x = {p7:String}, mapValues(resource_attributes)))
  AND (prometheus_labels[{p8:String}] = {p9:String} OR arrayExists(x -> x = {p10:String}, mapValues(resource_attributes)))
  AND (prometheus_name = {p11:String} AND type IN (1, 2, 3, 4, 5) OR prometheus_name = {p12:String} AND type = 5)
  AND (match(prometheus_labels[{p13:String}], {p14:String}) OR arrayExists(x -> match(x, {p15:String}), mapValues(resource_attributes)))
LIMIT 1 BY series_id
LIMIT {p16:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = host_name
-- p3 = a
-- p4 = a
-- p5 = otel_scope_version
-- p6 = 1
-- p7 = 1
-- p8 = otel_scope_any
-- p9 = 1
-- p10 = 1
-- p11 = x_count
-- p12 = x
-- p13 = zone
-- p14 = ^(?s:a.+)$
-- p15 = ^(?s:a.+)$
-- p16 = 1001
