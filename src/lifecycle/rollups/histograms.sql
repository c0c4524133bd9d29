-- Histograms and summaries. A row of the source is (first ms, last ms, samples, first sum, last sum, gained sum, the same of the count,
-- first, last and gained observations at or below each bound, min, max, sum of sums).
INSERT INTO ${target} (time, metric_name, series_id, type, flags, present, samples, first_timestamp, last_timestamp,
  min, max, sum, first, last, increase, first_count, last_count, count_increase, first_le, last_le, le_increase,
  quantiles, quantile_values, version)
WITH arrayFilter((p, q) -> p.1 != q.1, rows, arrayShiftLeft(rows, 1)) AS s,
  if(${is_delta}, [], arrayPopBack(s)) AS a, if(empty(a), [], arrayPopFront(s)) AS b
SELECT window, name, series_id, kind, marker, here, arraySum(s.3),
  fromUnixTimestamp64Milli(s[1].1, 'UTC'), fromUnixTimestamp64Milli(s[-1].2, 'UTC'),
  arrayMin(s.13), arrayMax(s.14), arraySum(s.15),
  s[1].4, s[-1].5, arraySum(s.6) + arraySum((x, y) -> y - x + if(y < x, x, 0), a.5, b.4),
  s[1].7, s[-1].8, toUInt64(arraySum(s.9) + arraySum((x, y) -> if(y < x, toInt64(y), toInt64(y - x)), a.8, b.7)),
  s[1].10, s[-1].11,
  arrayMap(x -> toUInt64(x), arrayReduce('sumForEach', arrayConcat(
   arrayMap(r -> arrayMap(x -> toInt64(x), r.12), s),
   arrayMap((p, q) -> arrayMap((x, y) -> if(y < x, toInt64(y), toInt64(y - x)), arrayResize(p.11, length(q.10)), q.10), a, b)))),
  lasts_quantiles, lasts_values, {version:UInt64}
FROM (
 SELECT window, series_id, any(metric_name) AS name, any(type) AS kind,
  if(max(ended) > max(of_last), 1, 0) AS marker,
  bitOr(bitAnd(groupBitAndIf(present, samples > 0), 1), bitAnd(groupBitOr(present), 6)) AS here,
  argMaxIf(quantiles, of_last, samples > 0) AS lasts_quantiles, argMaxIf(quantile_values, of_last, samples > 0) AS lasts_values,
  arraySort(groupArrayIf((of_first, of_last, samples, first, last, increase, first_count, last_count, count_increase,
   first_le, last_le, le_increase, if(bitAnd(present, 2) = 2, min, inf), if(bitAnd(present, 4) = 4, max, -inf), sum), samples > 0)) AS rows
 FROM (${source})
 WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
 GROUP BY window, series_id
 HAVING notEmpty(rows))
