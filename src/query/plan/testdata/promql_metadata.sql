SELECT prometheus_name, type, max(monotonic) AS is_monotonic, max(description) AS help, max(unit) AS units
FROM otel_metric_series
WHERE prometheus_name = {p0:String}
GROUP BY prometheus_name, type
ORDER BY prometheus_name, type
-- p0 = up
