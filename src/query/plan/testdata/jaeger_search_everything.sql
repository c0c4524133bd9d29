SELECT trace_id, max(timestamp) AS newest
FROM otel_traces
WHERE timestamp >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p1:Int64}, 'UTC')
  AND service_name = {p2:String}
  AND span_name = {p3:String}
  AND duration_ns >= {p4:Int64}
  AND duration_ns <= {p5:Int64}
  AND indexHint(has(arrayConcat(mapValues(span_attributes), mapValues(resource_attributes), mapValues(scope_attributes), arrayFlatten(arrayMap(m -> mapValues(m), `events.attributes`)), arrayFlatten(arrayMap(m -> mapValues(m), `links.attributes`))), {p6:String}))
  AND (span_attributes[{p7:String}] = {p6:String}
    OR resource_attributes[{p7:String}] = {p6:String}
    OR scope_attributes[{p7:String}] = {p6:String}
    OR arrayExists(m -> m[{p7:String}] = {p6:String}, `events.attributes`)
    OR arrayExists(m -> m[{p7:String}] = {p6:String}, `links.attributes`))
  AND (span_attributes[{p8:String}] = {p9:String}
    OR resource_attributes[{p8:String}] = {p9:String}
    OR scope_attributes[{p8:String}] = {p9:String}
    OR arrayExists(m -> m[{p8:String}] = {p9:String}, `events.attributes`)
    OR arrayExists(m -> m[{p8:String}] = {p9:String}, `links.attributes`)
    OR status_code = 2)
  AND (span_attributes[{p10:String}] = {p11:String}
    OR resource_attributes[{p10:String}] = {p11:String}
    OR scope_attributes[{p10:String}] = {p11:String}
    OR arrayExists(m -> m[{p10:String}] = {p11:String}, `events.attributes`)
    OR arrayExists(m -> m[{p10:String}] = {p11:String}, `links.attributes`)
    OR span_kind = 2)
  AND (span_attributes[{p12:String}] = {p13:String}
    OR resource_attributes[{p12:String}] = {p13:String}
    OR scope_attributes[{p12:String}] = {p13:String}
    OR arrayExists(m -> m[{p12:String}] = {p13:String}, `events.attributes`)
    OR arrayExists(m -> m[{p12:String}] = {p13:String}, `links.attributes`)
    OR status_code = 1)
  AND (span_attributes[{p14:String}] = {p15:String}
    OR resource_attributes[{p14:String}] = {p15:String}
    OR scope_attributes[{p14:String}] = {p15:String}
    OR arrayExists(m -> m[{p14:String}] = {p15:String}, `events.attributes`)
    OR arrayExists(m -> m[{p14:String}] = {p15:String}, `links.attributes`)
    OR scope_name = {p15:String})
  AND (span_attributes[{p16:String}] = {p17:String}
    OR resource_attributes[{p16:String}] = {p17:String}
    OR scope_attributes[{p16:String}] = {p17:String}
    OR arrayExists(m -> m[{p16:String}] = {p17:String}, `events.attributes`)
    OR arrayExists(m -> m[{p16:String}] = {p17:String}, `links.attributes`)
    OR has(`events.name`, {p17:String}))
  AND ((mapContains(span_attributes, {p18:String}) AND span_attributes[{p18:String}] = {p19:String})
    OR (mapContains(resource_attributes, {p18:String}) AND resource_attributes[{p18:String}] = {p19:String})
    OR (mapContains(scope_attributes, {p18:String}) AND scope_attributes[{p18:String}] = {p19:String})
    OR arrayExists(m -> (mapContains(m, {p18:String}) AND m[{p18:String}] = {p19:String}), `events.attributes`)
    OR arrayExists(m -> (mapContains(m, {p18:String}) AND m[{p18:String}] = {p19:String}), `links.attributes`))
GROUP BY trace_id
ORDER BY newest DESC, trace_id
LIMIT {p20:UInt64}
-- p0 = 1700000000000000000
-- p1 = 1700003600000000000
-- p2 = cart'; DROP TABLE otel_traces
-- p3 = GET /
-- p4 = 1000
-- p5 = 2000
-- p6 = it's "a" \ tab	
-- p7 = http.method
-- p8 = error
-- p9 = true
-- p10 = span.kind
-- p11 = server
-- p12 = otel.status_code
-- p13 = OK
-- p14 = otel.scope.name
-- p15 = lib
-- p16 = event
-- p17 = exception
-- p18 = empty
-- p19 = 
-- p20 = 1500
