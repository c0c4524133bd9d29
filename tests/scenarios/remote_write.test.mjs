// Prometheus' remote write: a real Prometheus (Debian's package) sends what it scrapes (1.0); 2.0 is sent by hand, with histograms, exemplars and metadata.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { temporaryFolder, until, withWeir } from '../harness/weir.mjs';
import { startPrometheus } from '../harness/prometheus.mjs';
import { double, message, number, packed, remoteWrite, requestV1, requestV2, snappy, zigzag } from '../harness/remote_write.mjs';

const ask = async (weir, path, params) => (await fetch(`http://127.0.0.1:${weir.ports.query}/api/v1/${path}?${new URLSearchParams(params)}`)).json();

// A native histogram of `n` observations in io.prometheus.client's protobuf: the only form in which one is scraped.
function nativeHistogram(n) {
  const histogram = message(7, number(1, 3 * n), double(2, 2.5 * n), number(5, zigzag(1)), double(6, 0.001), number(7, 0), message(12, number(1, zigzag(2)), number(2, 2)), packed(13, [n, n].map(zigzag)));
  return Buffer.concat([message(1, Buffer.from('app_wait')), number(3, 4), message(4, histogram)]);
}

// An application that counts its scrapes. From far above zero: where a range is not filled with samples, 2.42 looks for a counter's zero in another way.
function application() {
  let scrapes = 1000;
  const server = http.createServer((req, res) => {
    scrapes++;
    if (req.url === '/native') {
      const family = nativeHistogram(scrapes);
      res.setHeader('content-type', 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited');
      return res.end(Buffer.concat([Buffer.from([family.length]), family]));
    }
    res.setHeader('content-type', 'text/plain; version=0.0.4');
    res.end(`# TYPE app_scrapes_total counter
app_scrapes_total{_private="yes",path="/a b"} ${scrapes}
# TYPE app_seconds histogram
app_seconds_bucket{le="0.5"} ${scrapes}
app_seconds_bucket{le="+Inf"} ${2 * scrapes}
app_seconds_sum ${1.25 * scrapes}
app_seconds_count ${2 * scrapes}
app_nan NaN
`);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

test('what a Prometheus writes to weir is what it has itself', async () => {
  await withWeir({ 'batch.timeout': '1s' }, async (weir) => {
    const app = await application(), target = `scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ['127.0.0.1:${app.address().port}'] }]`;
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'rules.yml'), 'groups: [{ name: g, interval: 1s, rules: [{ record: app:wait, expr: 0.75 * app_wait }, { record: app:wait_rate, expr: "rate(app_wait[3s])" }] }]');
    const prometheus = await startPrometheus(`scrape_configs:
- { job_name: app, ${target} }
- { job_name: native, metrics_path: /native, ${target} }
rule_files: [${join(folder, 'rules.yml')}]
remote_write:
- { url: 'http://127.0.0.1:${weir.ports.http}/api/v1/write', send_native_histograms: true, queue_config: { batch_send_deadline: 1s } }
`, ['--enable-feature=native-histograms'], 'prometheus', folder);
    try {
      await until('five scrapes are in weir', async () => Number((await ask(weir, 'query', { query: 'app_scrapes_total' })).data.result[0]?.value[1] ?? 0) >= 1005);
      await until('so are recorded histograms', async () => (await ask(weir, 'query', { query: 'app:wait and app:wait_rate' })).data.result.length > 0);
      const at = Number((await ask(weir, 'query', { query: 'max(timestamp(app_scrapes_total))' })).data.result[0].value[1]);
      for (const query of ['{job="app"}', 'app_scrapes_total[3s]', 'rate(app_scrapes_total[4s])', 'histogram_quantile(0.4, rate(app_seconds_bucket[4s]))', 'app_wait', 'app:wait', 'app:wait_rate']) {
        const [want, got] = await Promise.all([prometheus.query(query, { time: at - 0.001 }), ask(weir, 'query', { query, time: at - 0.001 })]);
        const sorted = (r) => r.map((x) => JSON.stringify({ ...x, metric: Object.entries(x.metric).sort() })).sort();
        assert.ok(want.result.length > 0, query);
        assert.deepEqual(sorted(got.data.result), sorted(want.result), query);
      }
    } finally {
      await prometheus.stop();
      app.close();
    }
  });
});

test('remote write 2.0: samples, native histograms, exemplars, metadata, and what is left out', async () => {
  await withWeir({}, async (weir) => {
    const ms = Date.now() - 10_000, seconds = ms / 1000, trace = '0102030405060708090a0b0c0d0e0f10';
    const body = requestV2([
      { labels: { __name__: 'shop_orders_total', job: 'shop', instance: 'i1', currency: 'EUR' }, samples: [[7, ms]], exemplars: [{ labels: { trace_id: trace }, value: 1, ms }], type: 1, help: 'Orders.', unit: '', created: ms - 60_000 },
      { labels: { __name__: 'shop_wait', job: 'shop' }, histograms: [{ count: 6, sum: 9.5, schema: 0, zeroCount: 1, spans: [[1, 2]], deltas: [2, 1], ms }], type: 3 },
    ]);
    const taken = await remoteWrite(weir, snappy(body));
    assert.deepEqual(taken, { status: 204, text: '', written: [1, 1, 1] });
    const native = (name, h) => ({ labels: { __name__: name, job: 'shop' }, histograms: [{ ms, schema: 0, ...h }] });
    const kinds = (v) => [
      native(`part${v}`, { count: 4.5, sum: 9.25, zeroCount: 0.5, spans: [[1, 1], [1, 1]], counts: [1.5, 2.5] }),
      native(`below${v}`, { count: -3, sum: -4, spans: [[1, 1]], counts: [-2.5], negativeSpans: [[0, 1]], negativeCounts: [-0.5], hint: 3 }),
      native(`own${v}`, { count: 4, sum: 5, schema: -53, spans: [[0, 3]], deltas: [1, 1, -1], custom: [0.5, 2] }),
      native(`own_part${v}`, { count: 2.75, sum: 5, schema: -53, spans: [[1, 1]], counts: [2.75], custom: [-1, 0.1, 2], hint: 1 }),
    ];
    assert.deepEqual(await remoteWrite(weir, snappy(requestV2(kinds(2)))), { status: 204, text: '', written: [0, 4, 0] });
    const v1 = { 'content-type': 'application/x-protobuf', 'x-prometheus-remote-write-version': '0.1.0' };
    assert.equal((await remoteWrite(weir, snappy(requestV1(kinds(1))), v1)).status, 204);
    const invalid = await remoteWrite(weir, snappy(requestV2([native('kept', { count: 1, sum: 1, schema: -53, spans: [[0, 1]], deltas: [1], custom: [2, 1] })])));
    assert.deepEqual([invalid.status, invalid.text], [400, '1 left out: histogram kept: its custom bounds do not ascend, or do not end below +Inf\n']);
    const partial = await remoteWrite(weir, snappy(requestV2([{ labels: { job: 'no name' }, samples: [[1, ms]] }, { labels: { __name__: 'kept' }, samples: [[1, ms], [2, 1]] }])));
    assert.deepEqual([partial.status, partial.written], [400, [1, 0, 0]]);
    assert.match(partial.text, /^2 left out: a series without __name__\n$/);
    for (const [bad, headers, status] of [
      [Buffer.from('no'), {}, 400],
      [snappy(Buffer.from('no')), {}, 400],
      [snappy(body), { 'content-encoding': 'gzip' }, 415],
      [snappy(body), { 'content-type': 'application/x-protobuf;proto=other' }, 415],
      [snappy(body), { 'content-type': 'text/plain' }, 415],
    ])
      assert.equal((await remoteWrite(weir, bad, headers)).status, status);

    await weir.flush();
    const query = async (q) => (await ask(weir, 'query', { query: q, time: seconds })).data.result;
    assert.deepEqual(await query('shop_orders_total'), [{ metric: { __name__: 'shop_orders_total', currency: 'EUR', instance: 'i1', job: 'shop' }, value: [seconds, '7'] }]);
    assert.deepEqual(await query('shop_wait'), [{ metric: { __name__: 'shop_wait', job: 'shop' }, histogram: [seconds, { count: '6', sum: '9.5', buckets: [[3, '-0.001', '0.001', '1'], [0, '1', '2', '2'], [0, '2', '4', '3']] }] }]);
    for (const [name, want] of [
      ['part', { count: '4.5', sum: '9.25', buckets: [[3, '-0.001', '0.001', '0.5'], [0, '1', '2', '1.5'], [0, '4', '8', '2.5']] }],
      ['below', { count: '-3', sum: '-4', buckets: [[1, '-1', '-0.5', '-0.5'], [0, '1', '2', '-2.5']] }],
      ['own', { count: '4', sum: '5', buckets: [[3, '-Inf', '0.5', '1'], [0, '0.5', '2', '2'], [0, '2', '+Inf', '1']] }],
      ['own_part', { count: '2.75', sum: '5', buckets: [[0, '-1', '0.1', '2.75']] }],
    ])
      for (const v of [1, 2]) assert.deepEqual((await query(name + v))[0].histogram, [seconds, want], name + v);
    const exemplars = (await ask(weir, 'query_exemplars', { query: 'shop_orders_total', start: seconds - 5, end: seconds + 5 })).data;
    assert.equal(exemplars[0].exemplars[0].labels.trace_id, trace);
    assert.deepEqual((await ask(weir, 'metadata', { metric: 'shop_orders_total' })).data.shop_orders_total, [{ type: 'counter', help: 'Orders.', unit: '' }]);
    assert.equal((await query('kept')).length, 1);
  });
});
