SELECT DISTINCT service_name
FROM otel_span_names
ORDER BY service_name
