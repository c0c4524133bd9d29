SELECT toUnixTimestamp(hour) AS t
FROM (SELECT toDateTime(intDiv(toUnixTimestamp(time) + 3599, 3600) * 3600, 'UTC') AS hour, time,
    max(fine) AS done, max(coarse) AS hourly, max(came) AS touched
  FROM (SELECT time, version AS fine, toUInt64(0) AS coarse, toInt64(0) AS came FROM weir_rollup_done
    WHERE rollup = 'metrics_5m' AND time > toDateTime(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, version, 0 FROM weir_rollup_done
    WHERE rollup = 'metrics_1h' AND time > toDateTime(fromUnixTimestamp64Milli({p2:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p3:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, 0, toUnixTimestamp64Milli(touched) FROM weir_rollup_touched
    WHERE source = 'metrics' AND time > toDateTime(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p5:Int64}, 'UTC')))
  GROUP BY time)
GROUP BY hour
HAVING countIf(touched > 0 AND done <= touched + 60000) = 0 AND max(done) > 0 AND max(hourly) > max(done)
ORDER BY t
-- p0 = 1699999200000
-- p1 = 1700024400000
-- p2 = 1699999200000
-- p3 = 1700024400000
-- p4 = 1699999200000
-- p5 = 1700024400000
