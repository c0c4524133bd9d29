// promtool (Debian's prometheus package), unchanged, asks weir instant and range queries; the answers equal a table computed by hand.
import test from 'node:test';
import assert from 'node:assert/strict';
import { plainBinary, run, withWeir } from '../harness/weir.mjs';
import { exportJson } from '../harness/otlp.mjs';

const step = 15;
const t0 = Math.floor(Date.now() / 1000 / 60) * 60 - 600; // ten minutes ago, on a whole minute

// A counter of +30 every 15 s on /a and +6 on /b; a gauge; sent as OTLP/JSON: 21 points, t0 .. t0+300.
function points(value, attributes) {
  return Array.from({ length: 21 }, (_, i) => ({
    timeUnixNano: `${t0 + i * step}000000000`,
    startTimeUnixNano: `${t0 - 60}000000000`,
    asDouble: value(i),
    attributes: Object.entries(attributes).map(([key, v]) => ({ key, value: { stringValue: v } })),
  }));
}
const request = {
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'promtool' } }] },
      scopeMetrics: [
        {
          metrics: [
            { name: 'http.requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [...points((i) => i * 30, { path: '/a' }), ...points((i) => i * 6, { path: '/b' })] } },
            { name: 'temperature', unit: 'Cel', gauge: { dataPoints: points((i) => 20 + i, {}) } },
          ],
        },
      ],
    },
  ],
};

test('promtool works against weir and the answers equal a hand-computed table', async () => {
  await withWeir({}, async (weir) => {
    assert.equal((await exportJson(weir, 'metrics', request)).status, 200);
    await weir.flush();
    const server = `http://127.0.0.1:${weir.ports.query}`;
    const promtool = async (...args) => {
      const r = await run('promtool', args);
      assert.equal(r.code, 0, r.stdout + r.stderr);
      return r.stdout.trim().split('\n').sort();
    };
    const at = t0 + 300;
    const instant = (q) => promtool('query', 'instant', `--time=${at}`, server, q);

    assert.deepEqual(await instant('http_requests_total'), [
      `http_requests_total{job="promtool", path="/a"} => 600 @[${at}]`,
      `http_requests_total{job="promtool", path="/b"} => 120 @[${at}]`,
    ]);
    // (t-60s, t]: samples at t-45, t-30, t-15, t: 90 in 45 s, extrapolated by one interval (15 s < 1.1 * 15 s) to the
    // left: 90 * ((60/45) / 60), which is 2 a second but for the last bit, as in Prometheus.
    assert.deepEqual(await instant('rate(http_requests_total{path="/a"}[1m])'), [`{job="promtool", path="/a"} => 1.9999999999999998 @[${at}]`]);
    assert.deepEqual(await instant('sum without (path) (increase(http_requests_total[1m]))'), [`{job="promtool"} => 144 @[${at}]`]);
    assert.deepEqual(await instant('max_over_time(temperature_celsius[5m]) - min_over_time(temperature_celsius[5m])'), [`{job="promtool"} => 19 @[${at}]`]);
    assert.deepEqual(await instant('temperature_celsius offset 2m > 30'), [`temperature_celsius{job="promtool"} => 32 @[${at}]`]);
    assert.deepEqual(await instant('1 + 2 * 3'), [`scalar: 7 @[${at}]`]);
    assert.deepEqual(await instant('absent(nothing{a="b"})'), [`{a="b"} => 1 @[${at}]`]);

    const range = await run('promtool', ['query', 'range', `--start=${t0 + 60}`, `--end=${t0 + 180}`, '--step=60s', server, 'sum by (job) (http_requests_total)']);
    assert.equal(range.code, 0, range.stdout + range.stderr);
    assert.equal(range.stdout.trim(), `{job="promtool"} =>\n144 @[${t0 + 60}]\n288 @[${t0 + 120}]\n432 @[${t0 + 180}]`);

    const series = await promtool('query', 'series', `--match=http_requests_total`, `--start=${t0}`, `--end=${at}`, server);
    assert.deepEqual(series, ['{__name__="http_requests_total", job="promtool", path="/a"}', '{__name__="http_requests_total", job="promtool", path="/b"}']);
    assert.deepEqual(await promtool('query', 'labels', server, 'path'), ['/a', '/b']);
    const tree = await (await fetch(`${server}/api/v1/parse_query?query=${encodeURIComponent('-up')}`)).json();
    assert.deepEqual([tree.status, tree.data.type, tree.data.expr.name], ['success', 'unaryExpr', 'up']);

    // weir's own shell
    const shell = (...args) => run(plainBinary, ['promql', '--url', server, ...args]);
    const table = await shell('--time', String(at), 'http_requests_total');
    assert.deepEqual([table.code, table.stdout], [0, `http_requests_total{job="promtool", path="/a"}  600\nhttp_requests_total{job="promtool", path="/b"}  120\n`]);
    const csv = await shell('--start', String(t0 + 60), '--end', new Date((t0 + 120) * 1000).toISOString(), '--step=1m', '--output=csv', 'sum by (job) (http_requests_total)');
    assert.equal(csv.stdout, `job,timestamp,value\r\npromtool,${t0 + 60},144\r\npromtool,${t0 + 120},288\r\n`);
    assert.equal(JSON.parse((await shell('--output', 'json', '1 + 2')).stdout).data.result[1], '3');
    assert.match((await shell('--start=-15m', '--output=plot', 'temperature_celsius')).stdout, /[\u2801-\u28ff]/);
    const told = await shell('--explain', '--time', String(at), 'sum(rate(http_requests_total[1m]))');
    assert.match(told.stderr, /^\{__name__="http_requests_total"\}\n-- from = .*-- series = 2\n-- sets = 1\n-- resolution = raw\n/s);
    assert.match(told.stderr, /^FROM otel_metrics\n(.*\n)*-- rows = 8\n-- rowsRead = \d+\n-- seconds = /m);
    const wrong = await shell('sum(');
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    assert.match(wrong.stderr, /^weir promql: invalid parameter "query": 1:5: parse error/);
    assert.deepEqual([(await shell('--output', 'xml', 'up')).code, (await shell()).code], [2, 2]);

    const bad = await run('promtool', ['query', 'instant', server, 'sum(']);
    assert.notEqual(bad.code, 0);
    assert.match(bad.stderr + bad.stdout, /parse error/);
  });
});
