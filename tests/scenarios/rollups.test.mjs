// The rollup jobs of a storage-writer that is killed while they run: what they computed when it is over is the raw rows once; and `weir status` and /metrics
// say how far they are.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { exportJson } from '../harness/otlp.mjs';
import { Weir, plainBinary, startProcess, temporaryFolder, until } from '../harness/weir.mjs';
import { sql } from '../harness/sql.mjs';

const start = (dir) => startProcess(plainBinary, ['storage-writer', '--data', dir, '--admin.endpoint=127.0.0.1:0', '--clickhouse.endpoint=127.0.0.1:0']);
const names = ['metrics_5m', 'metrics_1h', 'logs_5m', 'logs_1h', 'traces_red_1h'];
const day = Math.floor(Date.now() / 86400e3 - 2) * 86400; // a whole day, two days ago
const rows = [
  // 40 series, a sample each 15 s; a second sample of some windows' beginning, another block
  `INSERT INTO otel_metrics (timestamp, metric_name, series_id, type, present, value) SELECT fromUnixTimestamp64Milli((${day} + 1 + intDiv(number, 40) * 15) * 1000), 'm', number % 40, 1, 0, number FROM numbers(${40 * 5760})`,
  `INSERT INTO otel_logs (timestamp, service_name, severity_number, body) SELECT fromUnixTimestamp64Nano((${day} + 1 + number % 86400) * 1000000000), concat('s', toString(number % 5)), number % 3, 'line' FROM numbers(86400)`,
  `INSERT INTO otel_traces_red_5m SELECT toDateTime(${day} + number % 288 * 300), 's', concat('o', toString(number % 7)), 2, 1, 0, 5, 5, ([1], [1]) FROM numbers(${288 * 7})`,
];

const status = async (p) => (await fetch(`http://127.0.0.1:${p.ready.admin}/status`)).json();
const totals = async (p) =>
  Object.assign({}, ...(await Promise.all([
    `SELECT sum(samples) AS metrics_5m, count() AS windows_5m FROM otel_metrics_5m FINAL`,
    `SELECT sum(samples) AS metrics_1h FROM otel_metrics_1h FINAL`,
    `SELECT sum(lines) AS logs_5m, sum(bytes) AS bytes FROM otel_logs_5m FINAL`,
    `SELECT sum(lines) AS logs_1h FROM otel_logs_1h FINAL`,
    `SELECT sum(count) AS traces_red_1h FROM otel_traces_red_1h FINAL`,
  ].map((q) => sql(p.ready.clickhouse, q)))).flat());

test('rollup jobs that are killed are gone on with, and each row counts once', async () => {
  const dir = temporaryFolder();
  let p = await start(dir);
  for (const q of rows) await sql(p.ready.clickhouse, q);
  // before the jobs have seen the rows; while they compute; as soon as something of theirs is stored
  const moments = [
    async () => true,
    async () => (await status(p)).jobs.some((j) => j.name.startsWith('rollup-') && j.running),
    async () => Object.values(await totals(p)).some((n) => Number(n) > 0),
  ];
  for (const moment of moments) {
    await until('the moment to kill', moment, { seconds: 60 });
    p.child.kill('SIGKILL');
    await p.exited;
    p = await start(dir);
  }
  try {
    await until('all rollups are computed', async () => {
      const t = await totals(p);
      return [t.metrics_1h, t.logs_1h, t.traces_red_1h].every((n) => Number(n) > 0) && (await status(p)).rollups.length === names.length;
    }, { seconds: 60 });
    const t = await totals(p);
    assert.deepEqual(Object.fromEntries(Object.entries(t).map(([k, v]) => [k, Number(v)])), {
      metrics_5m: 40 * 5760, windows_5m: 40 * 288, metrics_1h: 40 * 5760, logs_5m: 86400, bytes: 4 * 86400, logs_1h: 86400, traces_red_1h: 288 * 7,
    });
    // what they say of themselves
    const shown = JSON.parse(execFileSync(plainBinary, ['status', '--json', '--admin.endpoint', `127.0.0.1:${p.ready.admin}`], { encoding: 'utf8' }));
    assert.deepEqual(shown.rollups.map((r) => r.name), names);
    for (const r of shown.rollups) {
      assert.ok(r.watermark > day + 86400, `${r.name}: ${r.watermark}`);
      assert.ok(r.lag_seconds < 2 * 3600, `${r.name} is ${r.lag_seconds} s behind`);
    }
    const table = execFileSync(plainBinary, ['status', '--admin.endpoint', `127.0.0.1:${p.ready.admin}`], { encoding: 'utf8' });
    for (const name of names) assert.match(table, new RegExp(name));
    const metrics = await (await fetch(`http://127.0.0.1:${p.ready.admin}/metrics`)).text();
    for (const name of names) {
      assert.match(metrics, new RegExp(`^weir_rollup_lag_seconds\\{rollup="${name}"\\} \\d+$`, 'm'));
      assert.match(metrics, new RegExp(`^weir_rollup_duration_seconds_count\\{rollup="${name}"\\} [1-9]`, 'm'));
    }
  } finally {
    p.child.kill('SIGTERM');
    assert.equal((await p.exited).code, 0);
  }
});

test('a range query of whole windows is read from windows, and answers as its samples do', async () => {
  const weir = await new Weir({}, { shape: 'three' }).start();
  try {
    const first = (Math.floor(Date.now() / 3600e3) - 9) * 3600, count = 6 * 240; // six hours, a sample each 15 s, of two counters, one of which fell
    const dataPoints = ['a', 'b'].flatMap((name) => Array.from({ length: count }, (_, i) => ({
      attributes: [{ key: 'name', value: { stringValue: name } }],
      startTimeUnixNano: `${first - 60}000000000`, timeUnixNano: `${first + 7 + 15 * i}000000000`, asInt: String(name === 'a' ? 11 * i : (i * i) % 90001),
    })));
    const metrics = [{ name: 'turns', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }];
    await exportJson(weir, 'metrics', { resourceMetrics: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] }, scopeMetrics: [{ metrics }] }] });
    await weir.flush();
    await weir.kill('storage-writer'); // the job begins with a start
    await weir.restart('storage-writer');
    const hours = async () => Number((await sql(weir.ports.clickhouse, `SELECT uniqExact(time) AS n FROM weir_rollup_done WHERE rollup = 'metrics_1h'`))[0].n);
    await until('the windows are computed', async () => (await hours()) >= 6, { seconds: 60 });
    const ask = async (query, more = {}) => {
      const params = { query, start: first + 900, end: first + 6 * 3600, step: 300, nocache: 1, ...more };
      const r = await fetch(weir.url('query', `/api/v1/query_range?${new URLSearchParams(params)}`));
      return { used: r.headers.get('x-weir-resolution'), data: (await r.json()).data };
    };
    const queries = ['sum by (name) (rate(turns_total[5m]))', 'increase(turns_total[15m])', 'avg_over_time(turns_total[10m] offset 5m)'];
    // rows of the last minute may be followed by others: what was computed at once does not count
    assert.equal((await ask(queries[0])).used, 'raw');
    await sql(weir.ports.clickhouse, 'TRUNCATE TABLE weir_rollup_touched'); // as if they had come earlier
    for (const query of queries) {
      const windows = await ask(query);
      assert.equal(windows.used, '5m, raw', query);
      assert.equal(windows.data.result.length, 2, query);
      const all = await ask(query, { stats: 'all' }); // counts samples, so it reads them
      assert.equal(all.used, 'raw');
      assert.deepEqual(windows.data.result, all.data.result, query);
    }
  } finally {
    await weir.stop();
  }
});
