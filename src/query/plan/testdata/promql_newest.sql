SELECT max(series_id), max(timestamp), max(flags), max(present), max(value), max(int_value),
  max(count), max(sum), max(bucket_counts)
FROM otel_metrics
WHERE toStartOfHour(timestamp) IN (1699999200)
SETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = 600000,
  max_block_size = 262144, preferred_block_size_bytes = 16777216
;
SELECT series_id, timestamp AS t, flags, present, value, int_value, count, sum, bucket_counts
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200) AND metric_name IN {p0:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
  AND series_id IN {p3:Array(UInt64)}
SETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = 600000,
  max_block_size = 262144, preferred_block_size_bytes = 16777216
;
SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p5:Int64}, 'UTC')) AND metric_name IN {p6:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p7:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p8:Int64}, 'UTC')
  AND series_id IN {p9:Array(UInt64)}
SETTINGS max_threads = 4, local_filesystem_read_method = 'pread',
  merge_tree_min_rows_for_concurrent_read = 1, merge_tree_min_bytes_for_concurrent_read = 1
-- p0 = ['cpu']
-- p1 = 1700000000000
-- p2 = 1700000300000
-- p3 = [3]
-- p4 = 1700000000000
-- p5 = 1700230700000
-- p6 = ['cpu']
-- p7 = 1700000000000
-- p8 = 1700230700000
-- p9 = [3]
