SELECT DISTINCT hour
FROM otel_trace_index
WHERE trace_hash IN {p0:Array(UInt64)}
-- p0 = [1412708622,714773934]
