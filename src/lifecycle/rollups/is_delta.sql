series_id IN (SELECT series_id FROM otel_metric_series WHERE temporality = 1
  AND day >= toDate(toDateTime({from:Int64}, 'UTC')) AND day <= toDate(toDateTime({to:Int64}, 'UTC')))
