SELECT toUnixTimestamp(hour) AS t, toUnixTimestamp(if(countIf(late) = 0, hour, minIf(time, late) - 300)) AS upto
FROM (SELECT toDateTime(intDiv(toUnixTimestamp(time) + 3599, 3600) * 3600, 'UTC') AS hour, time,
    max(fine) AS done, max(coarse) AS hourly, max(came) AS touched,
    touched > 0 AND done <= touched + 60000 AS late
  FROM (SELECT time, version AS fine, toUInt64(0) AS coarse, toInt64(0) AS came FROM weir_rollup_done
    WHERE rollup = 'metrics_5m' AND time > toDateTime(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, version, 0 FROM weir_rollup_done
    WHERE rollup = 'metrics_1h' AND time > toDateTime(fromUnixTimestamp64Milli({p2:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p3:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, 0, toUnixTimestamp64Milli(touched) FROM weir_rollup_touched
    WHERE source = 'metrics' AND time > toDateTime(fromUnixTimestamp64Milli({p4:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p5:Int64}, 'UTC')))
  GROUP BY time)
GROUP BY hour
HAVING max(done) > 0 AND countIf(late) = 0 AND max(hourly) > max(done)
ORDER BY t
;
SELECT toUnixTimestamp(hour) AS t, toUnixTimestamp(if(countIf(late) = 0, hour, minIf(time, late) - 300)) AS upto
FROM (SELECT toDateTime(intDiv(toUnixTimestamp(time) + 3599, 3600) * 3600, 'UTC') AS hour, time,
    max(fine) AS done, max(coarse) AS hourly, max(came) AS touched,
    touched > 0 AND done <= touched + 60000 AS late
  FROM (SELECT time, version AS fine, toUInt64(0) AS coarse, toInt64(0) AS came FROM weir_rollup_done
    WHERE rollup = 'metrics_5m' AND time > toDateTime(fromUnixTimestamp64Milli({p6:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p7:Int64}, 'UTC'))
  UNION ALL SELECT time, 0, 0, toUnixTimestamp64Milli(touched) FROM weir_rollup_touched
    WHERE source = 'metrics' AND time > toDateTime(fromUnixTimestamp64Milli({p8:Int64}, 'UTC')) AND time <= toDateTime(fromUnixTimestamp64Milli({p9:Int64}, 'UTC')))
  GROUP BY time)
GROUP BY hour
HAVING max(done) > 0
ORDER BY t
-- p0 = 1699999200000
-- p1 = 1700024400000
-- p2 = 1699999200000
-- p3 = 1700024400000
-- p4 = 1699999200000
-- p5 = 1700024400000
-- p6 = 1699999500000
-- p7 = 1700024400000
-- p8 = 1699999500000
-- p9 = 1700024400000
