SELECT prometheus_name, metric_name, unit, type, monotonic AS is_monotonic,
  mapContains(metadata, 'prometheus.type') AS is_verbatim, max(description) AS help
FROM otel_metric_series
WHERE prometheus_name = {p0:String}
GROUP BY prometheus_name, metric_name, unit, type, monotonic, is_verbatim
-- p0 = up
