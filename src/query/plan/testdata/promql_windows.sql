SELECT rollup, toUnixTimestamp(max(source_since)) AS since
FROM weir_rollups
WHERE rollup IN ('metrics_5m', 'metrics_1h')
GROUP BY `rollup`
;
SELECT series_id, toUnixTimestamp(time) * 1000 AS t, version, samples,
  toUnixTimestamp64Milli(first_timestamp) AS first_t, toUnixTimestamp64Milli(last_timestamp) AS last_t,
  first, last, increase, min, max, sum, flags, present, first_count, last_count, count_increase, first_le, last_le, le_increase,
  last_count AS count, last_exponential.scale AS scale, last_exponential.zero_count AS zero_count,
  last_exponential.zero_threshold AS zero_threshold,
  last_exponential.positive_offset AS positive_offset, last_exponential.positive_counts AS positive_counts,
  last_exponential.negative_offset AS negative_offset, last_exponential.negative_counts AS negative_counts, quantiles, quantile_values
FROM otel_metrics_1h
WHERE time > toDateTime(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND metric_name IN {p2:Array(String)}
  AND series_id IN {p3:Array(UInt64)}
ORDER BY metric_name, series_id, time
-- p0 = 1700000000000
-- p1 = 1700003600000
-- p2 = ['cpu']
-- p3 = [1]
