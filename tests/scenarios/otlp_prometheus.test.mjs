// OTLP metrics under Prometheus names: what goes in once by OTLP, asked for under each of the settings query.otlp.*, which are those of the query-api: one store, a query-api for each.
import test from 'node:test';
import assert from 'node:assert/strict';
import { exportJson } from '../harness/otlp.mjs';
import { plainBinary, startProcess, withWeir } from '../harness/weir.mjs';

const attributes = (o) => Object.entries(o).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const begin = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000; // a full hour, two hours ago
const at = (seconds) => `${begin + seconds * 1000}000000`;
const seconds = (s) => begin / 1000 + s;
const times = [60, 120, 180, 240];
const points = (values, more = {}) => values.map((asDouble, i) => ({ timeUnixNano: at(times[i]), asDouble, attributes: attributes({ 'http.route': '/a' }), ...more }));
const histogram = (count, i) => ({ timeUnixNano: at(times[i]), count: `${count}`, sum: count / 2, bucketCounts: [`${count / 2}`, `${count / 2}`, '0'], explicitBounds: [0.5, 2] });

const cart = { 'service.name': 'cart', 'service.namespace': 'shop', 'service.instance.id': 'i1', 'host.name': 'h1', 'k8s.pod.name': 'p1' };
const request = (metrics, resource = cart) => ({
  resourceMetrics: [
    {
      resource: { attributes: attributes(resource) },
      scopeMetrics: [{ scope: { name: 'lib', version: '1.2', attributes: attributes({ 'a.b': 'c' }) }, metrics }],
    },
  ],
});

const metrics = [
  { name: 'http.server.requests', unit: '{request}', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points([10, 20, 30, 40]) } },
  { name: 'cpu.usage', unit: '1', gauge: { dataPoints: points([0.1, 0.2, 0.3, 0.4]) } },
  { name: 'ended', gauge: { dataPoints: [...points([1, 2]), ...points([0, 0, 0], { flags: 1 }).slice(2)] } },
  { name: 'ended.too', histogram: { aggregationTemporality: 2, dataPoints: [2, 4].map(histogram).concat({ ...histogram(0, 2), flags: 1 }) } },
  { name: 'ended.native', exponentialHistogram: { aggregationTemporality: 1, dataPoints: [60, 120].map((t) => ({ timeUnixNano: at(t), count: '2', sum: 3, scale: 0, zeroCount: '2' })).concat({ timeUnixNano: at(180), flags: 1 }) } },
  { name: 'http.server.duration', unit: 's', histogram: { aggregationTemporality: 2, dataPoints: [2, 4, 6, 8].map(histogram) } },
];

// The same counters twice: what came since the last time (delta), and all of it since long ago. Around a full hour: behind it comes what came before, so that no drop tells where the counter of deltas began anew.
const moments = [-150, -90, -30, 30, 90, 150, 210], moved = [6, 6, 2, 14, 6, 6, 8];
function twice(name, aggregationTemporality) {
  let all = 1000;
  const values = moved.map((v) => (aggregationTemporality === 1 ? v : (all += v))), half = (v) => `${v / 2}`;
  const of = (one) => ({ aggregationTemporality, dataPoints: moments.map((t, i) => ({ timeUnixNano: at(t), startTimeUnixNano: at(aggregationTemporality === 1 ? t - 60 : -9000), ...one(values[i]) })) });
  return [
    { name: `${name}.sum`, sum: { isMonotonic: true, ...of((asDouble) => ({ asDouble })) } },
    { name: `${name}.explicit`, histogram: of((v) => ({ count: `${v}`, sum: v * 2, bucketCounts: [half(v), half(v), '0'], explicitBounds: [1, 4] })) },
    { name: `${name}.exponential`, exponentialHistogram: of((v) => ({ count: `${v}`, sum: v * 2, scale: 1, zeroCount: '0', positive: { offset: 0, bucketCounts: [half(v), half(v)] } })) },
  ];
}

// Deltas are answered as the counter they came from, at each step and at one moment alike.
async function checkDeltas({ get, query }, questions) {
  const range = async (q) => (await get('query_range', { query: q, start: seconds(-90), end: seconds(240), step: 30 })).result.map((r) => r.values ?? r.histograms);
  for (const q of questions) {
    const [deltas, sums] = [await range(q.replaceAll('$', 'd')), await range(q.replaceAll('$', 'c'))];
    assert.ok(sums.length === 1 && sums[0].length > 5, q);
    assert.deepEqual(deltas, sums, q);
    for (const [t, value] of deltas[0].filter((_, i) => i % 4 === 0)) assert.deepEqual((await query(q.replaceAll('$', 'd'), t - seconds(0))).map((r) => r.value ?? r.histogram), [[t, value]], `${q} at ${t}`);
  }
}

// A query-api of its own over the store of `weir`.
async function withQueries(weir, settings, fn) {
  const flags = Object.entries({ 'query.endpoint': '127.0.0.1:0', 'admin.endpoint': '127.0.0.1:0', 'store.url': `http://127.0.0.1:${weir.ports.clickhouse}`, ...settings });
  const p = await startProcess(plainBinary, ['query-api', ...flags.map(([k, v]) => `--${k}=${v}`)]);
  try {
    await fn(asking(p.ready.query));
  } finally {
    p.child.kill('SIGTERM');
    await p.exited;
  }
}

// data of an endpoint; with `query` the vector at 240 s after the hour as { 'metric as JSON': value }
function asking(port) {
  const get = async (path, params = {}) => {
    const r = await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(params)}`)).json();
    assert.equal(r.status, 'success', JSON.stringify(r));
    return r.data;
  };
  const query = async (q, t = 240) => (await get('query', { query: q, time: seconds(t) })).result;
  const values = async (q, t) => Object.fromEntries((await query(q, t)).map((r) => [JSON.stringify(r.metric), r.value[1]]));
  return { get, query, values };
}

const series = (o) => JSON.stringify(Object.fromEntries(Object.entries(o).sort()));
const own = { job: 'shop/cart', instance: 'i1' };

test('OTLP metrics under Prometheus names, by all settings', async () => {
  await withWeir({ 'query.experimental': true }, async (weir) => {
    assert.equal((await exportJson(weir, 'metrics', request(metrics))).status, 200);
    assert.equal((await exportJson(weir, 'metrics', request([...twice('d', 1), ...twice('c', 2)], { 'service.name': 'moved' }))).status, 200);
    await weir.flush();

    const std = asking(weir.ports.query);
    assert.deepEqual(await std.values('http_server_requests_total'), { [series({ __name__: 'http_server_requests_total', http_route: '/a', ...own })]: '40' });
    assert.deepEqual(await std.values('cpu_usage_ratio'), { [series({ __name__: 'cpu_usage_ratio', http_route: '/a', ...own })]: '0.4' });
    assert.deepEqual(await std.values('http_server_duration_seconds_bucket{le="0.5"}'), { [series({ __name__: 'http_server_duration_seconds_bucket', le: '0.5', ...own })]: '4' });
    assert.deepEqual([await std.values('ended', 179), await std.values('ended')], [{ [series({ __name__: 'ended', http_route: '/a', ...own })]: '2' }, {}]);
    for (const q of ['sum(ended_too_bucket)', 'ended_too_count', 'ended_too_sum', 'histogram_count(ended_native)']) assert.deepEqual([Object.values(await std.values(q, 179)).length, await std.values(q, 180)], [1, {}], q);
    assert.deepEqual((await std.get('metadata', { metric: 'http_server_duration_seconds' })).http_server_duration_seconds, [{ type: 'histogram', help: '', unit: 'seconds' }]);
    assert.deepEqual((await std.get('metadata', { metric: 'target_info' })).target_info, [{ type: 'gauge', help: 'Target metadata', unit: '' }]);

    // target_info is 1 while the resource sends, and lookback after; it goes into joins and info(), and is found by name.
    const target = series({ __name__: 'target_info', host_name: 'h1', k8s_pod_name: 'p1', ...own });
    assert.deepEqual([await std.values('target_info', 59), await std.values('target_info'), await std.values('target_info', 539), await std.values('target_info', 541)], [{}, { [target]: '1' }, { [target]: '1' }, {}]);
    assert.deepEqual(await std.values('target_info{host_name!="h1"}'), {});
    assert.deepEqual(await std.values('rate(http_server_requests_total[3m]) * on (job, instance) group_left (host_name) target_info'), { [series({ http_route: '/a', host_name: 'h1', ...own })]: '0.16666666666666666' });
    assert.deepEqual(await std.values('sum by (k8s_pod_name) (info(cpu_usage_ratio))'), { [series({ k8s_pod_name: 'p1' })]: '0.4' });
    const range = await std.get('query_range', { query: 'sum by (host_name) (cpu_usage_ratio * on (job, instance) group_left (host_name) target_info)', start: seconds(0), end: seconds(600), step: 60 });
    assert.deepEqual(range.result.map((r) => [r.metric.host_name, r.values.length, r.values[0]]), [['h1', 8, [seconds(60), '0.1']]]);
    assert.deepEqual(await std.values('count_over_time(target_info[5m])'), { [series({ host_name: 'h1', k8s_pod_name: 'p1', ...own })]: '3' });
    assert.deepEqual(await std.get('series', { 'match[]': 'target_info', start: seconds(0), end: seconds(1) }), [JSON.parse(target)]);
    assert.ok((await std.get('labels')).includes('k8s_pod_name'));
    assert.deepEqual(await std.get('label/host_name/values'), ['h1']);
    assert.ok((await std.get('label/__name__/values')).includes('target_info'));

    const rates = ['increase($_sum_total[2m])', 'irate($_sum_total[2m])', 'increase($_explicit_count[2m])', 'rate($_explicit_sum[150s])', 'histogram_quantile(0.6, rate($_explicit_bucket[2m]))', 'histogram_count(increase($_exponential[2m]))', 'histogram_quantile(0.9, rate($_exponential[150s]))'];
    await checkDeltas(std, rates);
    const counted = async (t) => Object.values(await std.values('d_sum_total', t))[0];
    assert.deepEqual([await counted(-30), await counted(30), await counted(210)], ['14', '14', '34']); // anew at the full hour
    assert.deepEqual(Object.values(await std.values('resets(d_sum_total[4m])', 90)), ['1']);

    await withQueries(weir, { 'query.otlp.translation_strategy': 'NoTranslation', 'query.otlp.promote_all_resource_attributes': true, 'query.otlp.ignore_resource_attributes': 'k8s.pod.name, service.name,service.namespace,service.instance.id', 'query.otlp.promote_scope_metadata': true }, async (q) => {
      const more = { 'host.name': 'h1', otel_scope_name: 'lib', otel_scope_version: '1.2', 'otel_scope_a.b': 'c', ...own };
      const want = { [series({ __name__: 'http.server.requests', 'http.route': '/a', ...more })]: '40' };
      assert.deepEqual(await q.values('{"http.server.requests"}'), want);
      assert.deepEqual(await q.values('{"http.server.requests","host.name"="h1","otel_scope_a.b"="c",otel_scope_name="lib","http.route"=~"/.+"}'), want);
      assert.deepEqual(await q.values('{"http.server.requests","host.name"!="h1"}'), {});
      assert.deepEqual(await q.values('http_server_requests_total'), {});
      assert.deepEqual(Object.keys(await q.values('{__name__=~"http.server.d.+_(count|sum)"}')).length, 2);
      assert.deepEqual(await q.values('target_info{"host.name"="h1"}'), { [series({ __name__: 'target_info', 'host.name': 'h1', 'k8s.pod.name': 'p1', ...own })]: '1' });
      assert.deepEqual(await q.get('label/U__http_2e_route/values'), ['/a']);
      assert.deepEqual(await q.get('metadata', { metric: 'http.server.requests' }), { 'http.server.requests': [{ type: 'counter', help: '', unit: '' }] });
    });

    await withQueries(weir, { 'query.otlp.translation_strategy': 'UnderscoreEscapingWithoutSuffixes', 'query.otlp.promote_resource_attributes': 'k8s.pod.name', 'query.otlp.convert_histograms_to_nhcb': true }, async (q) => {
      assert.deepEqual(await q.values('cpu_usage{k8s_pod_name="p1"}'), { [series({ __name__: 'cpu_usage', http_route: '/a', k8s_pod_name: 'p1', ...own })]: '0.4' });
      const [h] = await q.query('http_server_duration');
      assert.deepEqual(h.histogram[1], { count: '8', sum: '4', buckets: [[3, '-Inf', '0.5', '4'], [0, '0.5', '2', '4']] });
      assert.deepEqual(await q.query('{__name__=~"http_server_duration_.+"}'), []);
      await checkDeltas(q, ['histogram_count(increase($_explicit[2m]))', 'histogram_quantile(0.6, rate($_explicit[2m]))']);
      assert.deepEqual(await q.values('histogram_count(increase(http_server_duration[3m]))'), { [series({ k8s_pod_name: 'p1', ...own })]: '6' });
    });

    await withQueries(weir, { 'query.otlp.translation_strategy': 'NoUTF8EscapingWithSuffixes', 'query.otlp.keep_identifying_resource_attributes': true }, async (q) => {
      assert.deepEqual(Object.keys(await q.values('target_info{"service.name"="cart","service.namespace"="shop","service.instance.id"="i1"}')).length, 1);
      assert.deepEqual(await q.values('{"http.server.requests_total"}'), { [series({ __name__: 'http.server.requests_total', 'http.route': '/a', ...own })]: '40' });
      assert.deepEqual(await q.values('{"cpu.usage_ratio"}'), { [series({ __name__: 'cpu.usage_ratio', 'http.route': '/a', ...own })]: '0.4' });
      assert.deepEqual(await q.values('{"http.server.duration_seconds_count"}'), { [series({ __name__: 'http.server.duration_seconds_count', ...own })]: '8' });
      assert.ok((await q.get('label/__name__/values')).includes('http.server.duration_seconds_bucket'));
    });
  });
});
