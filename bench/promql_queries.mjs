// What bench/promql asks: [name, expression, hours and step in seconds of a range query, or nothing].
const rate = 'rate(http_requests_total[5m])';
const buckets = 'rate(http_request_duration_seconds_bucket[5m])';

export const queries = [
  ['one series', 'http_requests_total{instance="10.0.0.1:9100",route="/api/r0",code="200"}'],
  ['every series', '{job=~".+"}'],
  ['count by regex', 'count by (route) (http_requests_total{route=~"/api/r[0-4]",code!~"2.."})'],
  ['sum of rates', `sum by (job) (${rate})`],
  ['quantile by route', `histogram_quantile(0.99, sum by (le, route) (${buckets}))`],
  ['top ten', `topk(10, ${rate})`],
  ['join', `${rate} * on (job, instance) group_left (version) build_info`],
  ['increase of a day', 'sum by (job) (increase(http_requests_total[24h]))'],
  ['average of a day', 'topk(5, avg_over_time(queue_depth[24h]))'],
  ['subquery', `max_over_time(sum by (job) (${rate})[6h:5m])`],
  ['one series', 'http_requests_total{instance="10.0.0.1:9100",route="/api/r0",code="200"}', 24, 60],
  ['sum of rates', `sum by (job) (${rate})`, 6, 60],
  ['sum of rates', `sum by (job) (${rate})`, 24, 300],
  ['quantile', `histogram_quantile(0.99, sum by (le) (${buckets}))`, 6, 60],
  ['quantile by route', `histogram_quantile(0.99, sum by (le, route) (${buckets}))`, 24, 300],
  ['top five', `topk(5, sum by (instance) (${rate}))`, 6, 60],
  ['join', `sum by (version) (${rate} * on (job, instance) group_left (version) build_info)`, 6, 300],
  ['share of errors', 'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m]))', 6, 60],
  ['subquery', 'max_over_time(avg by (job) (queue_depth)[1h:1m])', 6, 300],
  ['average', 'avg by (job) (queue_depth)', 24, 300],
];
