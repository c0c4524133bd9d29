SELECT stream_id,
  toInt32(intDiv(toUnixTimestamp64Nano(timestamp) - {p0:Int64}, {p1:Int64})) AS slot,
  count() AS lines, 0 AS bytes, severity_number, severity_text,
  if(severity_number = 0, otel_logs.body, '') AS line,
  mapApply((k, v) -> (k, if(arrayExists(n -> startsWith(n, replaceRegexpAll(k, '[^a-zA-Z0-9]', '')), {p2:Array(String)}), v, '')), log_attributes) AS log_attributes_asked, log_attribute_types,
  mapApply((k, v) -> (k, if(arrayExists(n -> startsWith(n, replaceRegexpAll(k, '[^a-zA-Z0-9]', '')), {p3:Array(String)}), v, '')), scope_attributes) AS scope_attributes_asked, scope_attribute_types
FROM otel_logs
WHERE timestamp > fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({p5:Int64}, 'UTC')
  AND indexHint(toStartOfFiveMinutes(timestamp) >= toDateTime(1699999800, 'UTC') AND toStartOfFiveMinutes(timestamp) <= toDateTime(1700003400, 'UTC'))
  AND ((severity_number = 0) + (position(log_attribute_types, 'k') > 0) + (position(scope_attribute_types, 'k') > 0) + (transform(lower(severity_text), ['trace', 'trc', 'debug', 'dbg', 'info', 'inf', 'information', 'warn', 'wrn', 'warning', 'error', 'err', 'fatal', 'critical', 'crit'], [1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 99, 99], intDiv(severity_number + 3, 4)) != intDiv(severity_number + 3, 4)) + multiSearchAnyCaseInsensitive(arrayStringConcat(arrayConcat(mapKeys(log_attributes), mapKeys(scope_attributes)), ' '), ['level', 'lvl', 'severity'])) > 0
  AND indexHint(service_name IN {p6:Array(String)})
  AND stream_id IN {p7:Array(UInt64)}
GROUP BY ALL
-- p0 = 1699999985000000001
-- p1 = 15000000000
-- p2 = ['detectedlevel','level','LEVEL','Level','loglevel','severity','SEVERITY','Severity','SeverityText','lvl','LVL','Lvl','severitytext','SeverityText','SEVERITYTEXT']
-- p3 = ['detectedlevel','level','LEVEL','Level','loglevel','severity','SEVERITY','Severity','SeverityText','lvl','LVL','Lvl','severitytext','SeverityText','SEVERITYTEXT']
-- p4 = 1699999985000000000
-- p5 = 1700003600000000000
-- p6 = ['shop','it\'s']
-- p7 = [1,18446744073709551615]
