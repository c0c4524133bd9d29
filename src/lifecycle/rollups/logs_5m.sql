INSERT INTO otel_logs_5m (time, service_name, severity_number, lines, bytes, version)
SELECT window, service_name, severity_number, count(), sum(length(body)), {version:UInt64}
FROM (
 SELECT toDateTime(intDiv(toUnixTimestamp64Nano(timestamp) + 299999999999, 300000000000) * 300, 'UTC') AS window,
  service_name, severity_number, body
 FROM otel_logs
 WHERE toStartOfFiveMinutes(timestamp) >= toStartOfFiveMinutes(toDateTime({from:Int64}, 'UTC'))
  AND toStartOfFiveMinutes(timestamp) <= toStartOfFiveMinutes(toDateTime({to:Int64}, 'UTC'))
  AND timestamp > toDateTime({from:Int64}, 'UTC') AND timestamp <= toDateTime({to:Int64}, 'UTC'))
WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
GROUP BY window, service_name, severity_number
