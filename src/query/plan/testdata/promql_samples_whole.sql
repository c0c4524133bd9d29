SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699999200, 1700002800) AND metric_name IN {p0:Array(String)}
  AND series_id >= {p1:UInt64} AND series_id <= {p2:UInt64})
  AND timestamp >= fromUnixTimestamp64Milli({p3:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p4:Int64}, 'UTC')
SETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = 600000,
  max_block_size = 262144, preferred_block_size_bytes = 16777216
;
SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1699912800, 1699916400, 1699920000, 1699923600, 1699927200, 1699930800, 1699934400, 1699938000, 1699941600, 1699945200, 1699948800, 1699952400, 1699956000, 1699959600, 1699963200, 1699966800, 1699970400, 1699974000, 1699977600, 1699981200, 1699984800, 1699988400, 1699992000, 1699995600, 1699999200, 1700002800) AND metric_name IN {p5:Array(String)}
  AND series_id >= {p6:UInt64} AND series_id <= {p7:UInt64})
;
SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) IN (1700002800, 1700006400) AND metric_name IN {p8:Array(String)}
  AND series_id >= {p9:UInt64} AND series_id <= {p10:UInt64})
SETTINGS max_threads = 1
-- p0 = ['cpu']
-- p1 = 3
-- p2 = 9
-- p3 = 1700000000000
-- p4 = 1700003600000
-- p5 = ['cpu']
-- p6 = 3
-- p7 = 9
-- p8 = ['cpu']
-- p9 = 3
-- p10 = 9
