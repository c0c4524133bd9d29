// Prometheus' remote read: a real Prometheus with nothing of its own answers queries with what weir has. WEIR_TEST_PROMETHEUS is another one than Debian's: one of 3.x asks for chunks.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { withWeir } from '../harness/weir.mjs';
import { startPrometheus } from '../harness/prometheus.mjs';
import { readRequest, remoteWrite, requestV2, snappy } from '../harness/remote_write.mjs';
import { difference } from '../differential/compare.mjs';
import { stale } from '../differential/data.mjs';

const program = process.env.WEIR_TEST_PROMETHEUS || 'prometheus';
const three = /version [3-9]/.test(execFileSync(program, ['--version'], { stdio: ['ignore', 'pipe', 'pipe'] }).toString()); // 2.42 reads no histograms
const from = Math.floor(Date.now() / 60_000) * 60_000 - 3600_000;
const times = Array.from({ length: 200 }, (_, i) => from + i * 15_000);
const native = (i, ms) => {
  const n = i < 100 ? i : i - 100; // a reset in the middle
  return { count: 3 * n + 3, sum: 2.5 * n, schema: 1, zeroCount: n, spans: [[-1, 2]], deltas: [n + 1, 1], ms };
};
const part = (i, ms) => ({ count: i / 4, sum: i / 8, schema: 2, zeroCount: 0, spans: [[-3, 1], [2, 1]], counts: [i / 8, i / 8], ms });
const level = (i, ms) => ({ count: (i % 5) + 2.5, sum: 1 - i, schema: 0, zeroCount: 0.25, spans: [[0, 1]], counts: [(i % 5) + 2.25], hint: 3, ms });
const own = (i, ms) => ({ count: 2 * i, sum: i, schema: -53, spans: [[i < 100 ? 0 : 1, 2]], deltas: [i, 0], custom: i < 150 ? [0.5, 2, 8] : [0.25, 2], ms });
const series = [
  { labels: { __name__: 'orders_total', job: 'shop', currency: 'EUR' }, samples: times.map((t, i) => [i * 7, t]), type: 1 },
  { labels: { __name__: 'odd', job: 'shop' }, samples: times.map((t, i) => [[NaN, 1e300, -0, Infinity, 0.1, stale][i % 6], t + (i % 7)]) },
  { labels: { __name__: 'wait_seconds', job: 'shop' }, histograms: times.map((t, i) => native(i, t)), type: 3 },
  ...Object.entries({ part, level, own }).map(([name, make]) => ({ labels: { __name__: `${name}_seconds`, job: 'shop' }, histograms: times.map((t, i) => make(i, t)), type: 3 })),
];

test('a Prometheus reads from weir what it has not itself', async () => {
  await withWeir({}, async (weir) => {
    assert.equal((await remoteWrite(weir, snappy(requestV2(series)))).status, 204);
    await weir.flush();
    const url = `http://127.0.0.1:${weir.ports.query}`;
    const prometheus = await startPrometheus(`remote_read:\n- { url: '${url}/api/v1/read', read_recent: true }\n`, ['--enable-feature=native-histograms'], program);
    try {
      const at = times[180] / 1000 + 0.5;
      const histograms = three ? ['{job="shop"}', 'wait_seconds', 'histogram_quantile(0.9, rate(wait_seconds[10m]))', 'increase(wait_seconds[40m])', 'sum(histogram_count(wait_seconds offset 20m))', 'part_seconds[30m]', 'rate(part_seconds[20m])', 'level_seconds[10m]', 'rate(level_seconds[5m])', 'own_seconds[45m]', 'histogram_quantile(0.7, increase(own_seconds[5m]))'] : [];
      for (const query of [...histograms, '{job="shop",__name__!~".*_seconds"}', 'orders_total[1h]', 'rate(orders_total{currency!~"U.*"}[5m])', 'count_over_time(odd[30m])', 'sum_over_time(odd[1m])']) {
        const ask = async (to) => (await fetch(`${to}/api/v1/query?${new URLSearchParams({ query, time: at })}`)).json();
        const [want, got] = await Promise.all([ask(url), ask(prometheus.url)]);
        assert.equal(got.status, 'success', `${query}: ${got.error} ${prometheus.log.join('')}`);
        assert.ok(want.data.result.length > 0, query);
        assert.equal(difference(want, got), null, query);
      }
    } finally {
      await prometheus.stop();
    }

    const post = (body) => fetch(`${url}/api/v1/read`, { method: 'POST', body });
    for (const type of [0, 1]) {
      const r = await post(snappy(readRequest([{ from, to: times.at(-1), matchers: [[0, '__name__', 'orders_total']] }], [type])));
      assert.deepEqual([r.status, r.headers.get('content-type'), r.headers.get('content-encoding')], type ? [200, 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse', null] : [200, 'application/x-protobuf', 'snappy']);
      assert.ok((await r.arrayBuffer()).byteLength > 200);
    }
    for (const [body, text] of [
      [Buffer.from('no'), /^snappy: malformed\n$/],
      [snappy(Buffer.from([10, 127])), /^malformed ReadRequest at byte \d+\n$/],
      [snappy(readRequest([{ from, to: from, matchers: [[2, 'job', '(']] }])), /missing closing parenthesis/],
      [snappy(readRequest([], [9])), /^none of the accepted response types is known/],
    ]) {
      const r = await post(body);
      assert.equal(r.status, 400);
      assert.match(await r.text(), text);
    }
  });
});
