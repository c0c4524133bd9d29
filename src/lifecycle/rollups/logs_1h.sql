INSERT INTO otel_logs_1h (time, service_name, severity_number, lines, bytes, version)
SELECT window, service_name, severity_number, sum(lines), sum(bytes), {version:UInt64}
FROM (
 SELECT ${of_1h} AS window, service_name, severity_number, lines, bytes
 FROM otel_logs_5m FINAL
 WHERE time > toDateTime({from:Int64}, 'UTC') AND time <= toDateTime({to:Int64}, 'UTC'))
WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
GROUP BY window, service_name, severity_number
