 SELECT ${of_1h} AS window, metric_name, series_id, type, present, toUnixTimestamp64Milli(first_timestamp) AS of_first,
   toUnixTimestamp64Milli(last_timestamp) AS of_last, of_last + flags AS ended, samples, first, last, increase,
   first_count, last_count, count_increase, first_le, last_le, le_increase, min, max, sum, quantiles, quantile_values
  FROM ${hour_metrics}
   AND type IN (3, 5)
