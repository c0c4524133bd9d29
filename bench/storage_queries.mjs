// The queries of bench/storage.mjs: what people ask of a day. Each is asked with other values each time, so that an answer is not the one before.
const services = ['frontend', 'checkout', 'cart', 'payment', 'shipping', 'catalog', 'search', 'email', 'currency', 'ads'];
const us = (s) => `${s}000000`, ns = (s) => `${s}000000000`;

const traces = (a) => `${a.json.data.length} traces`;
const lines = (a) => `${a.json.data.result.reduce((n, s) => n + s.values.length, 0)} lines`;
const matrix = (a) => `${a.json.data.result.length} series, ${a.json.data.result.reduce((n, s) => n + s.values.length, 0)} points`;
const kinds = ['server', 'client', 'internal', 'producer', 'consumer', 'unspecified'];
const families = (a) => `${a.json.metrics.length} series, ${a.json.metrics.reduce((n, m) => n + m.metricPoints.length, 0)} points`;
const names = (a) => `${a.json.data.length} names`;

async function must(weir, path, params) {
  const a = await weir.query(path, params);
  if (a.status !== 200) throw new Error(`${path}: ${a.status} ${a.text.slice(0, 300)}`);
  return a.json.data;
}

// Values that are somewhere in the day: trace ids, an attribute of one span, a word of one line.
async function samples(weir, from, seconds) {
  const ids = [], orders = [], words = [];
  for (let i = 0; i < 32; i++) {
    const at = from + Math.floor(((i + 0.5) * seconds) / 32);
    for (const t of await must(weir, '/api/traces', { service: services[i % 10], start: us(at), end: us(at + 60), limit: 2 })) {
      ids.push(t.traceID);
      for (const s of t.spans) for (const tag of s.tags) if (tag.key === 'app.order.id') orders.push({ service: t.processes[s.processID].serviceName, value: tag.value });
    }
    const found = await must(weir, '/loki/api/v1/query_range', { query: `{service_name=~".+"} |= "Payment for order"`, start: ns(at), end: ns(at + 60), limit: 2 });
    for (const s of found.result) for (const [, line] of s.values) words.push(/order (\w+)/.exec(line)[1]);
  }
  return { ids, orders, words };
}

// [{ name, at(i) -> [path, parameters], found(answer) -> what it is, for the eye }]
export async function queriesOf(weir, from, seconds) {
  const to = from + seconds, { ids, orders, words } = await samples(weir, from, seconds);
  const pick = (list, i) => list[(i * 7) % list.length];
  const search = (more) => (i) => ['/api/traces', { service: pick(services, i), start: us(from), end: us(to), limit: 20, lookback: 'custom', ...more(i) }];
  const loki = (query, more = {}) => (i) => ['/loki/api/v1/query_range', { query: query(i), start: ns(from), end: ns(to), limit: 100, ...more }];
  const prometheus = (query) => (i) => ['/api/v1/query_range', { query: query(i), start: from, end: to, step: 60 }];
  return [
    { name: 'trace by id', at: (i) => [`/api/traces/${pick(ids, i)}`, {}], found: traces },
    { name: 'search: service', at: search(() => ({})), found: traces },
    { name: 'search: service, operation', at: search(() => ({ operation: 'GET /api/cart' })), found: traces },
    { name: 'search: service, operation, duration', at: search(() => ({ operation: 'GET /api/cart', minDuration: '70ms' })), found: traces },
    { name: 'search: service, error', at: search(() => ({ tags: '{"error":"true"}' })), found: traces },
    { name: 'search: attribute, common', at: search(() => ({ tags: '{"http.response.status_code":"404"}' })), found: traces },
    { name: 'search: attribute, one span of the day', at: (i) => { const o = pick(orders, i); return ['/api/traces', { service: o.service, tags: JSON.stringify({ 'app.order.id': o.value }), start: us(from), end: us(to), limit: 20 }]; }, found: traces },
    { name: 'search: attribute, nowhere', at: search((i) => ({ tags: `{"app.order.id":"order-none-${i}"}` })), found: traces },
    { name: 'services', at: () => ['/api/services', {}], found: names },
    { name: 'operations', at: (i) => ['/api/operations', { service: pick(services, i) }], found: names },
    { name: 'RED: rate of all services, 5 m', at: () => ['/api/metrics/calls', { service: services, endTs: `${to}000`, lookback: 86400e3, step: 300e3, ratePer: 300e3, spanKind: kinds }], found: families },
    { name: 'RED: errors by operation of a service', at: (i) => ['/api/metrics/errors', { service: pick(services, i), groupByOperation: true, endTs: `${to}000`, lookback: 86400e3, step: 300e3, ratePer: 300e3, spanKind: kinds }], found: families },
    { name: 'RED: 95 % of durations of all services', at: () => ['/api/metrics/latencies', { service: services, quantile: 0.95, endTs: `${to}000`, lookback: 86400e3, step: 300e3, ratePer: 300e3, spanKind: kinds }], found: families },
    { name: 'logs: needle', at: loki((i) => `{service_name=~".+"} |= "${pick(words, i)}"`), found: lines },
    { name: 'logs: needle, one service', at: loki((i) => `{service_name="${pick(services, i)}"} |= "${pick(words, i)}"`), found: lines },
    { name: 'logs: common word', at: loki(() => '{service_name=~".+"} |= "Retrying"'), found: lines },
    { name: 'logs: common word, one service', at: loki((i) => `{service_name="${pick(services, i)}"} |= "Retrying"`), found: lines },
    { name: 'logs: newest of a service', at: loki((i) => `{service_name="${pick(services, i)}"}`), found: lines },
    { name: 'log counts by level, 5 m', at: loki(() => 'sum by (detected_level) (count_over_time({service_name=~".+"}[5m]))', { step: 300 }), found: matrix },
    { name: 'log counts by service, 5 m', at: loki(() => 'sum by (service_name) (count_over_time({service_name=~".+"}[5m]))', { step: 300 }), found: matrix },
    { name: 'log counts with a word, 5 m', at: loki(() => 'sum(count_over_time({service_name=~".+"} |= "Retrying" [5m]))', { step: 300 }), found: matrix },
    { name: 'sum by (rate), one metric, 1 m', at: prometheus(() => 'sum by (job) (rate(http_server_request_count_total[5m]))'), found: matrix },
    { name: 'sum by (rate), one service, 1 m', at: prometheus((i) => `sum by (http_route) (rate(http_server_request_count_total{job="shop/${pick(services, i)}"}[5m]))`), found: matrix },
    { name: 'avg of a gauge, 1 m', at: prometheus(() => 'avg by (job) (process_memory_usage_bytes)'), found: matrix },
    { name: 'quantile of a histogram, 1 m', at: prometheus((i) => `histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{job="shop/${pick(services, i)}"}[5m])))`), found: matrix },
  ];
}
