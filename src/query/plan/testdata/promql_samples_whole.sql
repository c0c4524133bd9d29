SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p1:Int64}, 'UTC')) AND metric_name IN {p2:Array(String)}
  AND series_id >= {p3:UInt64} AND series_id <= {p4:UInt64})
  AND timestamp >= fromUnixTimestamp64Milli({p5:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({p6:Int64}, 'UTC')
SETTINGS use_uncompressed_cache = 1, merge_tree_max_rows_to_use_cache = 600000,
  max_block_size = 262144, preferred_block_size_bytes = 16777216
;
SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p7:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p8:Int64}, 'UTC')) AND metric_name IN {p9:Array(String)}
  AND series_id >= {p10:UInt64} AND series_id <= {p11:UInt64})
;
SELECT series_id, timestamp AS t, flags, present, value, int_value
FROM otel_metrics
WHERE indexHint(toStartOfHour(timestamp) >= toStartOfHour(fromUnixTimestamp64Milli({p12:Int64}, 'UTC')) AND toStartOfHour(timestamp) <= toStartOfHour(fromUnixTimestamp64Milli({p13:Int64}, 'UTC')) AND metric_name IN {p14:Array(String)}
  AND series_id >= {p15:UInt64} AND series_id <= {p16:UInt64})
SETTINGS max_threads = 1
-- p0 = 1700000000000
-- p1 = 1700003600000
-- p2 = ['cpu']
-- p3 = 3
-- p4 = 9
-- p5 = 1700000000000
-- p6 = 1700003600000
-- p7 = 1699913600000
-- p8 = 1700003600000
-- p9 = ['cpu']
-- p10 = 3
-- p11 = 9
-- p12 = 1700002800000
-- p13 = 1700009999999
-- p14 = ['cpu']
-- p15 = 3
-- p16 = 9
