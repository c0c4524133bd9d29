otel_metrics
  WHERE toStartOfHour(timestamp) >= toStartOfHour(toDateTime({from:Int64}, 'UTC'))
   AND toStartOfHour(timestamp) <= toStartOfHour(toDateTime({to:Int64}, 'UTC'))
   AND timestamp > toDateTime({from:Int64}, 'UTC') AND timestamp <= toDateTime({to:Int64}, 'UTC')
   AND series_id % {slices:UInt64} = {slice:UInt64}
