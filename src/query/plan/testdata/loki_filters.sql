SELECT toUnixTimestamp64Nano(first_time) AS first, toUnixTimestamp64Nano(last_time) AS last
FROM otel_log_filters
WHERE first_time >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND first_time < fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND last_time >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC')
  AND (bitTest(reinterpretAsUInt8(substring(filter, intDiv(238100924 % (length(filter) * 8), 8) + 1, 1)), 4)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(16867705 % (length(filter) * 8), 8) + 1, 1)), 1)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(3477053667 % (length(filter) * 8), 8) + 1, 1)), 3)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(3036353259 % (length(filter) * 8), 8) + 1, 1)), 3)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(757576246 % (length(filter) * 8), 8) + 1, 1)), 6)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(2587230919 % (length(filter) * 8), 8) + 1, 1)), 7)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(3594845487 % (length(filter) * 8), 8) + 1, 1)), 7)
    AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(1593675968 % (length(filter) * 8), 8) + 1, 1)), 0)
    OR bitTest(reinterpretAsUInt8(substring(filter, intDiv(250947798 % (length(filter) * 8), 8) + 1, 1)), 6))
UNION ALL
SELECT toUnixTimestamp64Nano(min(timestamp)), toUnixTimestamp64Nano(max(timestamp))
FROM otel_logs
PREWHERE no_filter = 1
WHERE timestamp >= fromUnixTimestamp64Nano({p3:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p4:Int64}, 'UTC')
GROUP BY toStartOfFiveMinutes(timestamp)
-- p0 = 1699920000000000000
-- p1 = 1700003600000000000
-- p2 = 1700000000000000000
-- p3 = 1700000000000000000
-- p4 = 1700003600000000000
