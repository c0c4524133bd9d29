SELECT trace_id, max(timestamp) AS newest
FROM otel_traces
WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC')
  AND (timestamp >= fromUnixTimestamp64Nano(toInt64(1700000000000000000), 'UTC') AND timestamp <= fromUnixTimestamp64Nano(toInt64(1700000000000000005), 'UTC') AND trace_id >= toFixedString(unhex('00000000000000000000000000000000'), 16) AND trace_id <= toFixedString(unhex('7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f'), 16)
    OR timestamp >= fromUnixTimestamp64Nano(toInt64(1700000000000000007), 'UTC') AND timestamp <= fromUnixTimestamp64Nano(toInt64(1700003600000000000), 'UTC') AND trace_id >= toFixedString(unhex('80808080808080808080808080808080'), 16) AND trace_id <= toFixedString(unhex('ffffffffffffffffffffffffffffffff'), 16))
  AND service_name = {p2:String}
  AND (span_attributes[{p3:String}] = {p4:String}
    OR resource_attributes[{p3:String}] = {p4:String}
    OR scope_attributes[{p3:String}] = {p4:String}
    OR arrayExists(m -> m[{p3:String}] = {p4:String}, `events.attributes`)
    OR arrayExists(m -> m[{p3:String}] = {p4:String}, `links.attributes`))
  AND (span_attributes[{p5:String}] = {p6:String}
    OR resource_attributes[{p5:String}] = {p6:String}
    OR scope_attributes[{p5:String}] = {p6:String}
    OR arrayExists(m -> m[{p5:String}] = {p6:String}, `events.attributes`)
    OR arrayExists(m -> m[{p5:String}] = {p6:String}, `links.attributes`)
    OR status_code = 2)
GROUP BY trace_id
ORDER BY newest DESC, trace_id
LIMIT {p7:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0, optimize_use_projections = 0
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = cart
-- p3 = app.order.id
-- p4 = o-1
-- p5 = error
-- p6 = true
-- p7 = 20
