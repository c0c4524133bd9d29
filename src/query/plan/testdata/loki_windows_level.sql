SELECT stream_id,
  greatest(0, intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64} + {p1:Int64}, {p2:Int64})) AS first,
  least({p3:Int64}, intDiv(toUnixTimestamp64Nano(timestamp) - {p4:Int64} + {p5:Int64}, {p6:Int64})) AS last,
  count() AS lines, sum(length(body)) AS bytes, severity_number, severity_text,
  if(severity_number = 0, otel_logs.body, '') AS line,
  mapApply((k, v) -> (k, if(arrayExists(n -> startsWith(n, replaceRegexpAll(k, '[^a-zA-Z0-9]', '')), {p7:Array(String)}), v, '')), log_attributes) AS log_attributes_asked, log_attribute_types,
  mapApply((k, v) -> (k, if(arrayExists(n -> startsWith(n, replaceRegexpAll(k, '[^a-zA-Z0-9]', '')), {p8:Array(String)}), v, '')), scope_attributes) AS scope_attributes_asked, scope_attribute_types
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p9:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p10:Int64}, 'UTC')
  AND service_name IN {p11:Array(String)}
  AND stream_id IN {p12:Array(UInt64)}
GROUP BY ALL
-- p0 = 1700000000000000000
-- p1 = 14999999999
-- p2 = 15000000000
-- p3 = 240
-- p4 = 1700000000000000000
-- p5 = 14999999999
-- p6 = 15000000000
-- p7 = ['level','detectedlevel','level','LEVEL','Level','loglevel','severity','SEVERITY','Severity','SeverityText','lvl','LVL','Lvl','severitytext','SeverityText','SEVERITYTEXT']
-- p8 = ['level','detectedlevel','level','LEVEL','Level','loglevel','severity','SEVERITY','Severity','SeverityText','lvl','LVL','Lvl','severitytext','SeverityText','SEVERITYTEXT']
-- p9 = 1699999985000000000
-- p10 = 1700003600000000000
-- p11 = ['shop','it\'s']
-- p12 = [1,18446744073709551615]
