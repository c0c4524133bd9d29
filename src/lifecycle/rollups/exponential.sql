-- Exponential histograms. Counts are brought to the coarsest scale of the window, where a histogram and the one before it can be told
-- apart bucket by bucket; what was gained is last - first + what was there before each reset. A row of the source is (first ms,
-- last ms, samples, first sum, last sum, gained sum, the same of the count, first and last histogram as (scale, zero threshold,
-- zero count, positive offset, counts, negative offset, counts), gained histogram as (scale, zero count, positive buckets, counts,
-- negative buckets, counts), min, max, sum of sums). A window with fractional counts, a gauge or custom buckets in it is left out: decisions/0029.
INSERT INTO ${target} (time, metric_name, series_id, type, flags, present, samples, first_timestamp, last_timestamp,
  min, max, sum, first, last, increase, first_count, last_count, count_increase,
  first_exponential, last_exponential, exponential_increase, version)
WITH arrayFilter((p, q) -> p.1 != q.1, rows, arrayShiftLeft(rows, 1)) AS s,
  if(${is_delta}, [], arrayPopBack(s)) AS a, if(empty(a), [], arrayPopFront(s)) AS b,
  arrayMap((p, q) -> q.7 < p.8 OR q.10.1 > p.11.1 OR q.10.2 < p.11.2 OR q.10.3 < p.11.3 OR (q.10.1 = p.11.1 AND (
    arrayExists((c, i) -> c > q.10.5[greatest(i + p.11.4 - q.10.4, 0)], p.11.5, arrayEnumerate(p.11.5)) OR
    arrayExists((c, i) -> c > q.10.7[greatest(i + p.11.6 - q.10.6, 0)], p.11.7, arrayEnumerate(p.11.7)))), a, b) AS resets,
  arrayFilter((p, r) -> NOT r, a, resets) AS kept,
  least(arrayMin(arrayMap(r -> r.10.1, s)), arrayMin(arrayMap(r -> r.11.1, s)), arrayMin(arrayMap(r -> r.12.1, s))) AS scale,
  arrayReduce('sumMap',
   [arrayConcat(arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor(i / exp2(r.12.1 - scale))), r.12.3), s)),
    arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor((r.10.4 + i - 1) / exp2(r.10.1 - scale))), arrayEnumerate(r.10.5)), b)),
    arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor((r.11.4 + i - 1) / exp2(r.11.1 - scale))), arrayEnumerate(r.11.5)), kept)))],
   [arrayConcat(arrayFlatten(arrayMap(r -> arrayMap(c -> toInt64(c), r.12.4), s)),
    arrayFlatten(arrayMap(r -> arrayMap(c -> toInt64(c), r.10.5), b)),
    arrayFlatten(arrayMap(r -> arrayMap(c -> -toInt64(c), r.11.5), kept)))]) AS positive,
  arrayReduce('sumMap',
   [arrayConcat(arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor(i / exp2(r.12.1 - scale))), r.12.5), s)),
    arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor((r.10.6 + i - 1) / exp2(r.10.1 - scale))), arrayEnumerate(r.10.7)), b)),
    arrayFlatten(arrayMap(r -> arrayMap(i -> toInt32(floor((r.11.6 + i - 1) / exp2(r.11.1 - scale))), arrayEnumerate(r.11.7)), kept)))],
   [arrayConcat(arrayFlatten(arrayMap(r -> arrayMap(c -> toInt64(c), r.12.6), s)),
    arrayFlatten(arrayMap(r -> arrayMap(c -> toInt64(c), r.10.7), b)),
    arrayFlatten(arrayMap(r -> arrayMap(c -> -toInt64(c), r.11.7), kept)))]) AS negative
SELECT window, name, series_id, kind, marker, here, arraySum(s.3),
  fromUnixTimestamp64Milli(s[1].1, 'UTC'), fromUnixTimestamp64Milli(s[-1].2, 'UTC'),
  arrayMin(s.13), arrayMax(s.14), arraySum(s.15),
  s[1].4, s[-1].5, arraySum(s.6) + arraySum(b.4) - arraySum(kept.5),
  s[1].7, s[-1].8, toUInt64(toInt64(arraySum(s.9)) + toInt64(arraySum(b.7)) - toInt64(arraySum(kept.8))),
  s[1].10, s[-1].11,
  (scale, toUInt64(toInt64(arraySum(arrayMap(r -> r.12.2, s))) + toInt64(arraySum(arrayMap(r -> r.10.3, b)))
    - toInt64(arraySum(arrayMap(r -> r.11.3, kept)))),
   positive.1, arrayMap(c -> toUInt64(greatest(c, 0)), positive.2), negative.1, arrayMap(c -> toUInt64(greatest(c, 0)), negative.2)),
  {version:UInt64}
FROM (
 SELECT window, series_id, any(metric_name) AS name, any(type) AS kind,
  if(max(ended) > max(of_last), 1, 0) AS marker,
  bitOr(bitAnd(groupBitAndIf(bits, samples > 0), 1), bitAnd(groupBitOr(bits), 6)) AS here,
  arraySort(r -> (r.1, r.7), groupArrayIf((of_first, of_last, samples, first, last, increase, first_count, last_count, count_increase,
   first_exponential, last_exponential, exponential_increase,
   if(bitAnd(bits, 2) = 2, min, inf), if(bitAnd(bits, 4) = 4, max, -inf), sum), samples > 0)) AS rows
 FROM (${source})
 WHERE toUnixTimestamp(window) IN {windows:Array(UInt32)}
 GROUP BY window, series_id
 HAVING notEmpty(rows) AND max(bits) < 192 AND bitAnd(groupBitOr(bits), 32) = 0)
