SELECT DISTINCT span_name, span_kind
FROM otel_span_names
WHERE service_name = {p0:String}
ORDER BY span_name, span_kind
-- p0 = cart
