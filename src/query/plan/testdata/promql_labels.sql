SELECT series_id, prometheus_name, prometheus_labels, metric_name, type, temporality, explicit_bounds
FROM otel_metric_series
WHERE day >= toDate(19675) AND day <= toDate(19675)
  AND prometheus_labels[{p0:String}] = {p1:String}
  AND prometheus_labels[{p2:String}] != {p3:String}
  AND match(prometheus_labels[{p4:String}], {p5:String})
  AND NOT match(prometheus_labels[{p6:String}], {p7:String})
  AND (type IN (1, 2, 4, 5) AND match(prometheus_name, {p8:String}) OR type = 3 AND match(concat(prometheus_name, '_bucket'), {p9:String}) OR type IN (3, 5) AND match(concat(prometheus_name, '_count'), {p10:String}) OR type IN (3, 5) AND match(concat(prometheus_name, '_sum'), {p11:String}))
LIMIT 1 BY series_id
LIMIT {p12:UInt64}
SETTINGS optimize_functions_to_subcolumns = 0
-- p0 = job
-- p1 = a'; DROP TABLE x
-- p2 = env
-- p3 = 
-- p4 = path
-- p5 = ^(?s:/a|/b)$
-- p6 = code
-- p7 = ^(?s:5..)$
-- p8 = ^(?s:x.*_sum)$
-- p9 = ^(?s:x.*_sum)$
-- p10 = ^(?s:x.*_sum)$
-- p11 = ^(?s:x.*_sum)$
-- p12 = 1001
