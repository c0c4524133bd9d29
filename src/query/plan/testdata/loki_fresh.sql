SELECT toUnixTimestamp(time) AS t
FROM (SELECT time, version AS done, toInt64(0) AS came, 0 AS kept FROM weir_rollup_done
    WHERE rollup = 'logs_5m' AND (time > fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND time <= fromUnixTimestamp64Nano({p1:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, toUnixTimestamp64Milli(touched), 0 FROM weir_rollup_touched
    WHERE source = 'logs' AND (time > fromUnixTimestamp64Nano({p2:Int64}, 'UTC') AND time <= fromUnixTimestamp64Nano({p3:Int64}, 'UTC'))
  UNION ALL SELECT DISTINCT time, 0, 0, 1 FROM otel_logs_5m
    WHERE (time > fromUnixTimestamp64Nano({p4:Int64}, 'UTC') AND time <= fromUnixTimestamp64Nano({p5:Int64}, 'UTC')))
GROUP BY time
HAVING max(done) > max(came) + 60000 AND max(kept) > 0
ORDER BY t
-- p0 = 1700000000000000000
-- p1 = 1700086400000000000
-- p2 = 1700000000000000000
-- p3 = 1700086400000000000
-- p4 = 1700000000000000000
-- p5 = 1700086400000000000
