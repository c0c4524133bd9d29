 SELECT ${of_5m} AS window, metric_name, series_id, type, present, toUnixTimestamp64Milli(timestamp) AS of_first,
   if(flags % 2 = 1, 0, of_first) AS of_last, if(flags % 2 = 1, of_first, 0) AS ended,
   toUInt32(flags % 2 = 0) AS samples, sum AS first, sum AS last, if(delta, sum, 0) AS increase,
   count AS first_count, count AS last_count, if(delta, count, 0) AS count_increase,
   arrayCumSum(bucket_counts) AS first_le, first_le AS last_le, if(delta, first_le, []) AS le_increase,
   min, max, sum, quantiles, quantile_values, ${is_delta} AS delta
  FROM ${raw_metrics}
   AND type IN (3, 5)
