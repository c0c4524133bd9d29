 SELECT ${of_1h} AS window, metric_name, series_id, type, present AS bits, toUnixTimestamp64Milli(first_timestamp) AS of_first,
   toUnixTimestamp64Milli(last_timestamp) AS of_last, of_last + flags AS ended, samples, first, last, increase,
   first_count, last_count, count_increase, first_exponential, last_exponential, exponential_increase, min, max, sum
  FROM ${hour_metrics}
   AND type = 4
