SELECT toUnixTimestamp64Nano(first_time) AS first, toUnixTimestamp64Nano(last_time) AS last,
  first_id, last_id
FROM otel_trace_filters
WHERE first_time >= fromUnixTimestamp64Nano({p0:Int64}, 'UTC') AND first_time < fromUnixTimestamp64Nano({p1:Int64}, 'UTC') AND last_time >= fromUnixTimestamp64Nano({p2:Int64}, 'UTC')
  AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(4089507731 % (length(filter) * 8), 8) + 1, 1)), 3)
  AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(1445810388 % (length(filter) * 8), 8) + 1, 1)), 4)
  AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(3097080341 % (length(filter) * 8), 8) + 1, 1)), 5)
  AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(453382998 % (length(filter) * 8), 8) + 1, 1)), 6)
  AND bitTest(reinterpretAsUInt8(substring(filter, intDiv(2104652951 % (length(filter) * 8), 8) + 1, 1)), 7)
UNION ALL
SELECT toUnixTimestamp64Nano(min(timestamp)), toUnixTimestamp64Nano(max(timestamp)),
  min(trace_id), max(trace_id)
FROM otel_traces
PREWHERE no_filter = 1
WHERE timestamp >= fromUnixTimestamp64Nano({p3:Int64}, 'UTC') AND timestamp < fromUnixTimestamp64Nano({p4:Int64}, 'UTC')
GROUP BY toStartOfHour(timestamp)
-- p0 = 1699920000000000000
-- p1 = 1700003600000000000
-- p2 = 1700000000000000000
-- p3 = 1700000000000000000
-- p4 = 1700003600000000000
