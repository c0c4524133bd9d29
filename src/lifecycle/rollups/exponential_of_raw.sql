 SELECT ${of_5m} AS window, metric_name, series_id, type,
   greatest(present, if(scale = -53, 192, 0)) AS bits, toUnixTimestamp64Milli(timestamp) AS of_first,
   if(flags % 2 = 1, 0, of_first) AS of_last, if(flags % 2 = 1, of_first, 0) AS ended,
   toUInt32(flags % 2 = 0) AS samples, sum AS first, sum AS last, if(delta, sum, 0) AS increase,
   count AS first_count, count AS last_count, if(delta, count, 0) AS count_increase,
   (scale, zero_threshold, zero_count, positive_offset, positive_counts, negative_offset, negative_counts) AS first_exponential,
   first_exponential AS last_exponential,
   (scale, if(delta, zero_count, 0),
    if(delta, arrayMap(i -> toInt32(positive_offset + i - 1), arrayEnumerate(positive_counts)), []), if(delta, positive_counts, []),
    if(delta, arrayMap(i -> toInt32(negative_offset + i - 1), arrayEnumerate(negative_counts)), []), if(delta, negative_counts, []))
    AS exponential_increase, min, max, sum, ${is_delta} AS delta
  FROM ${raw_metrics}
   AND type = 4
