otel_metrics_5m FINAL
  WHERE time > toDateTime({from:Int64}, 'UTC') AND time <= toDateTime({to:Int64}, 'UTC')
   AND series_id % {slices:UInt64} = {slice:UInt64}
