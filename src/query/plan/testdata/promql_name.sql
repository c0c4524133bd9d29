SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND (prometheus_name = {p0:String} AND type IN (1, 2, 4, 5))
LIMIT 1 BY series_id
LIMIT {p1:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = up
-- p1 = 1001
