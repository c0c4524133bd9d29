SELECT series_id, timestamp AS t, flags, present, value, int_value, count, sum, bucket_counts, scale, zero_count, zero_threshold, positive_offset, positive_counts, negative_offset, negative_counts, quantiles, quantile_values
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200, 1700002800) AND metric_name IN {p0:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
  AND series_id IN {p3:Array(UInt64)}
ORDER BY series_id, timestamp
SETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = 600000,
  max_block_size = 262144, preferred_block_size_bytes = 16777216
-- p0 = ['http.server.duration','cpu']
-- p1 = 1700000000000
-- p2 = 1700003600000
-- p3 = [1,18446744073709551615]
