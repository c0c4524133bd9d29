SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200, 1700002800, 1700006400, 1700010000, 1700013600, 1700017200, 1700020800, 1700024400, 1700028000, 1700031600, 1700035200, 1700038800, 1700042400, 1700046000, 1700049600, 1700053200, 1700056800, 1700060400, 1700064000, 1700067600, 1700071200, 1700074800, 1700078400, 1700082000, 1700085600) AND metric_name IN {p0:Array(String)})
  AND timestamp >= fromUnixTimestamp64Milli({p1:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
  AND series_id IN {p3:Array(UInt64)}
SETTINGS max_threads = 4, local_filesystem_read_method = 'pread',
  merge_tree_min_rows_for_concurrent_read = 1, merge_tree_min_bytes_for_concurrent_read = 1
-- p0 = ['cpu']
-- p1 = 1700000000000
-- p2 = 1700086400000
-- p3 = [3]
