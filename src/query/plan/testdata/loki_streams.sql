SELECT stream_id, service_name, resource_attributes
FROM otel_log_streams
WHERE day >= toDate(fromUnixTimestamp64Nano({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Nano({p1:Int64}, 'UTC'))
  AND service_name IN {p2:Array(String)}
ORDER BY stream_id LIMIT 1 BY stream_id
LIMIT {p3:UInt64}
-- p0 = 1700000000000000000
-- p1 = 1700086400000000000
-- p2 = ['shop','']
-- p3 = 1001
