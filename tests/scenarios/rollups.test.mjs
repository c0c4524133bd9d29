// The rollup jobs of a storage-writer that is killed while they run: what they computed when it is over is the raw rows once; and `weir status` and /metrics
// say how far they are.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { plainBinary, startProcess, temporaryFolder, until } from '../harness/weir.mjs';
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
