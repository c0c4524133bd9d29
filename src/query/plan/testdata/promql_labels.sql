SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds
FROM otel_metric_series
WHERE day >= toDate(fromUnixTimestamp64Milli({p0:Int64}, 'UTC')) AND day <= toDate(fromUnixTimestamp64Milli({p1:Int64}, 'UTC'))
  AND prometheus_labels[{p2:String}] = {p3:String}
  AND prometheus_labels[{p4:String}] != {p5:String}
  AND match(prometheus_labels[{p6:String}], {p7:String})
  AND NOT match(prometheus_labels[{p8:String}], {p9:String})
  AND (type IN (1, 2, 4, 5) AND match(prometheus_name, {p10:String}) OR type = 3 AND match(concat(prometheus_name, '_bucket'), {p11:String}) OR type IN (3, 5) AND match(concat(prometheus_name, '_count'), {p12:String}) OR type IN (3, 5) AND match(concat(prometheus_name, '_sum'), {p13:String}))
LIMIT 1 BY series_id
LIMIT {p14:UInt64}
-- p0 = 1699920000000
-- p1 = 1699920000000
-- p2 = job
-- p3 = a'; DROP TABLE x
-- p4 = env
-- p5 = 
-- p6 = path
-- p7 = ^(?s:/a|/b)$
-- p8 = code
-- p9 = ^(?s:5..)$
-- p10 = ^(?s:x.*_sum)$
-- p11 = ^(?s:x.*_sum)$
-- p12 = ^(?s:x.*_sum)$
-- p13 = ^(?s:x.*_sum)$
-- p14 = 1001
