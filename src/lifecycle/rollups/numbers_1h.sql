-- Gauges and sums: of each window of 5 minutes its first and last sample, and what it gained; between two windows the step.
INSERT INTO otel_metrics_1h (time, metric_name, series_id, type, flags, samples, first_timestamp, last_timestamp,
  min, max, sum, first, last, increase, version)
WITH s.3 AS firsts, s.4 AS lasts
SELECT window, name, series_id, kind, marker, n,
  fromUnixTimestamp64Milli(s[1].1, 'UTC'), fromUnixTimestamp64Milli(s[-1].2, 'UTC'),
  least_one, greatest_one, total, firsts[1], lasts[-1],
  gained + if(${is_delta}, 0, arraySum((x, y) -> y - x + if(y < x, x, 0), arrayPopBack(lasts), arrayPopFront(firsts))),
  {version:UInt64}
FROM (
 SELECT window, series_id, any(metric_name) AS name, any(type) AS kind, argMax(flags, time) AS marker, sum(samples) AS n,
  if(countIf(NOT isNaN(min)) = 0, nan, minIf(min, NOT isNaN(min))) AS least_one,
  if(countIf(NOT isNaN(max)) = 0, nan, maxIf(max, NOT isNaN(max))) AS greatest_one, sum(sum) AS total, sum(increase) AS gained,
  arraySort(groupArray((toUnixTimestamp64Milli(first_timestamp), toUnixTimestamp64Milli(last_timestamp), first, last))) AS s
 FROM (SELECT ${of_1h} AS window, * FROM ${hour_metrics}
   AND type IN (1, 2))
 WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
 GROUP BY window, series_id)
