-- Gauges and sums. Samples of one moment are one, the greatest; a marker that ends a series is none.
INSERT INTO otel_metrics_5m (time, metric_name, series_id, type, flags, samples, first_timestamp, last_timestamp,
  min, max, sum, first, last, increase, version)
WITH arrayFilter((p, q) -> p.1 != q.1, rows, arrayShiftLeft(rows, 1)) AS s, s.1 AS t, s.2 AS v,
  arrayCount(x -> isNaN(x), v) = length(v) AS none
SELECT window, name, series_id, kind, ended > t[-1], length(v),
  fromUnixTimestamp64Milli(t[1], 'UTC'), fromUnixTimestamp64Milli(t[-1], 'UTC'),
  if(none, nan, arrayMin(x -> if(isNaN(x), inf, x), v)), if(none, nan, arrayMax(x -> if(isNaN(x), -inf, x), v)), arraySum(v),
  v[1], v[-1],
  if(${is_delta}, arraySum(v), v[-1] - v[1] + arraySum((x, y) -> if(y < x, x, 0), arrayPopBack(v), arrayPopFront(v))),
  {version:UInt64}
FROM (
 SELECT window, series_id, any(metric_name) AS name, any(type) AS kind, maxIf(ts, flags % 2 = 1) AS ended,
  arraySort(groupArrayIf((ts, number), flags % 2 = 0)) AS rows
 FROM (
  SELECT ${of_5m} AS window, toUnixTimestamp64Milli(timestamp) AS ts, metric_name, series_id, type, flags,
   if(int_value != 0, toFloat64(int_value), value) AS number
  FROM ${raw_metrics}
   AND type IN (1, 2) AND (present < 16 OR flags % 2 = 1))
 WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
 GROUP BY window, series_id
 HAVING notEmpty(rows))
