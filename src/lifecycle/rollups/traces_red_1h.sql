-- Named by its beginning, as the rows of otel_traces_red_5m are.
INSERT INTO otel_traces_red_1h (time, service_name, span_name, span_kind, count, errors, duration_sum, duration_max, histogram, version)
SELECT window - 3600, service_name, span_name, span_kind, sum(count), sum(errors), sum(duration_sum), max(duration_max),
  sumMap(histogram), {version:UInt64}
FROM (
 SELECT toStartOfHour(time) + 3600 AS window, service_name, span_name, span_kind, count, errors, duration_sum, duration_max, histogram
 FROM otel_traces_red_5m
 WHERE time >= toDateTime({from:Int64}, 'UTC') AND time < toDateTime({to:Int64}, 'UTC'))
WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
GROUP BY window, service_name, span_name, span_kind
