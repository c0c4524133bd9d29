// Prometheus' remote write: a real Prometheus (Debian's package) sends what it scrapes (1.0); 2.0 is sent by hand, with histograms, exemplars and metadata.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { until, withWeir } from '../harness/weir.mjs';
import { startPrometheus } from '../harness/prometheus.mjs';
import { remoteWrite, requestV2, snappy } from '../harness/remote_write.mjs';

const ask = async (weir, path, params) => (await fetch(`http://127.0.0.1:${weir.ports.query}/api/v1/${path}?${new URLSearchParams(params)}`)).json();

// An application that counts its scrapes.
function application() {
  let scrapes = 0;
  const server = http.createServer((req, res) => {
    scrapes++;
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
    const app = await application();
    const prometheus = await startPrometheus(`scrape_configs:
- { job_name: app, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{ targets: ['127.0.0.1:${app.address().port}'] }] }
remote_write:
- { url: 'http://127.0.0.1:${weir.ports.http}/api/v1/write', queue_config: { batch_send_deadline: 1s } }
`);
    try {
      await until('five scrapes are in weir', async () => Number((await ask(weir, 'query', { query: 'app_scrapes_total' })).data.result[0]?.value[1] ?? 0) >= 5);
      const at = Number((await ask(weir, 'query', { query: 'max(timestamp(app_scrapes_total))' })).data.result[0].value[1]);
      for (const query of ['{job="app"}', 'app_scrapes_total[3s]', 'rate(app_scrapes_total[4s])', 'histogram_quantile(0.4, rate(app_seconds_bucket[4s]))']) {
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
    const exemplars = (await ask(weir, 'query_exemplars', { query: 'shop_orders_total', start: seconds - 5, end: seconds + 5 })).data;
    assert.equal(exemplars[0].exemplars[0].labels.trace_id, trace);
    assert.deepEqual((await ask(weir, 'metadata', { metric: 'shop_orders_total' })).data.shop_orders_total, [{ type: 'counter', help: 'Orders.', unit: '' }]);
    assert.equal((await query('kept')).length, 1);
  });
});
