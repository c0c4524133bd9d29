// An OpenTelemetry Collector with its own exporter for ClickHouse makes its schema through the storage-writer's door and writes to it, in each of
// the compressions it has. Needs the Collector that tests/tools/build-collector builds; without it this is skipped.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Weir, plainBinary, temporaryFolder, until } from '../harness/weir.mjs';
import { sql } from '../harness/sql.mjs';

const version = /^ {2}version: (.*)$/m.exec(readFileSync(new URL('../tools/collector.yaml', import.meta.url), 'utf8'))[1];
const cache = process.env.WEIR_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weir');
const collector = join(cache, `otelcol-clickhouse-${version}`, 'otelcol-clickhouse');
const skip = existsSync(collector) ? false : `no ${collector}: tests/tools/build-collector builds it (Go, some minutes)`;

const freePort = () =>
  new Promise((resolve) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });

const compressions = ['lz4', 'zstd', 'gzip', 'deflate', 'br', 'none'];
const time = `${Date.now()}000000`;
const attributes = (o) => Object.entries(o).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const resource = { attributes: attributes({ 'service.name': 'shop' }) };
const point = { attributes: attributes({ a: 'b' }), startTimeUnixNano: time, timeUnixNano: time };
const cumulative = { aggregationTemporality: 2 };
const span = {
  traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708', name: 'GET /', kind: 2, startTimeUnixNano: time, endTimeUnixNano: time,
  attributes: attributes({ 'http.method': 'GET' }), events: [{ timeUnixNano: time, name: 'e', attributes: attributes({ x: 'y' }) }],
  links: [{ traceId: 'ff02030405060708090a0b0c0d0e0f10', spanId: 'ff02030405060708' }], status: { code: 2, message: 'no' },
};
const sent = {
  traces: { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 's' }, spans: Array.from({ length: 500 }, () => span) }] }] },
  logs: { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ timeUnixNano: time, severityNumber: 9, severityText: 'INFO', body: { stringValue: 'hello' } }] }] }] },
  metrics: {
    resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [
      { name: 'g', gauge: { dataPoints: [{ ...point, asDouble: 1.5 }] } },
      { name: 'c', sum: { ...cumulative, isMonotonic: true, dataPoints: [{ ...point, asInt: '7' }] } },
      { name: 'h', histogram: { ...cumulative, dataPoints: [{ ...point, count: '3', sum: 6, bucketCounts: ['1', '2'], explicitBounds: [1] }] } },
      { name: 'x', exponentialHistogram: { ...cumulative, dataPoints: [{ ...point, count: '3', sum: 6, scale: 1, zeroCount: '0', positive: { offset: 1, bucketCounts: ['1', '2'] } }] } },
      { name: 'q', summary: { dataPoints: [{ ...point, count: '3', sum: 6, quantileValues: [{ quantile: 0.5, value: 2 }] }] } },
    ] }] }],
  },
};

test("the OpenTelemetry Collector's exporter for ClickHouse writes through the door", { skip }, async () => {
  const dir = temporaryFolder();
  const weir = new Weir({}, { dir, shape: 'three' });
  let child = null;
  const log = [];
  try {
    await weir.startService('storage-writer', plainBinary, {});
    const port = await freePort();
    const exporters = compressions.map((c) => `clickhouse/${c}`);
    const pipeline = { receivers: ['otlp'], exporters };
    writeFileSync(join(dir, 'collector.yaml'), JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: Object.fromEntries(compressions.map((c) => [`clickhouse/${c}`, {
        endpoint: weir.url('clickhouse', ''), database: `by_${c}`, compress: c, create_schema: true, ttl: '72h', async_insert: false,
        sending_queue: { enabled: false }, retry_on_failure: { enabled: false },
      }])),
      service: { telemetry: { metrics: { level: 'none' } }, pipelines: { traces: pipeline, logs: pipeline, metrics: pipeline } },
    }));
    child = spawn(collector, ['--config', join(dir, 'collector.yaml')], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.stderr.on('data', (d) => log.push(String(d)));
    for (const [signal, body] of Object.entries(sent)) { // without a queue the answer says that all six have stored it
      let r = null;
      await until('the Collector listens', async () => {
        r = await fetch(`http://127.0.0.1:${port}/v1/${signal}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).catch(() => null);
        return r || child.exitCode !== null;
      }, { seconds: 60 });
      assert.equal(r?.status, 200, r ? await r.text() : 'it ended');
    }
    for (const c of compressions) {
      const [row] = await sql(weir.ports.clickhouse, `SELECT
        (SELECT count() FROM by_${c}.otel_traces) AS spans,
        (SELECT any((SpanName, SpanKind, ServiceName, StatusCode, SpanAttributes['http.method'], Events.Name[1], Links.TraceId[1])) FROM by_${c}.otel_traces) AS span,
        (SELECT count() FROM by_${c}.otel_traces_trace_id_ts WHERE TraceId = '0102030405060708090a0b0c0d0e0f10') AS index,
        (SELECT any((Body, SeverityText)) FROM by_${c}.otel_logs) AS log,
        (SELECT any(Value) FROM by_${c}.otel_metrics_gauge) AS gauge, (SELECT any(Value) FROM by_${c}.otel_metrics_sum) AS sum,
        (SELECT any(BucketCounts) FROM by_${c}.otel_metrics_histogram) AS histogram,
        (SELECT any(PositiveBucketCounts) FROM by_${c}.otel_metrics_exponential_histogram) AS exponential,
        (SELECT any(ValueAtQuantiles.Value) FROM by_${c}.otel_metrics_summary) AS summary`);
      assert.deepEqual(Object.values(row), [500, ['GET /', 'Server', 'shop', 'Error', 'GET', 'e', 'ff02030405060708090a0b0c0d0e0f10'], 1, ['hello', 'INFO'], 1.5, 7, [1, 2], [1, 2], [2]], c);
    }
    // weir's views have the columns that the exporter has made, and their types but for the time zone, which is UTC there.
    const columns = (database) => sql(weir.ports.clickhouse, `SELECT table, name, replaceRegexpAll(type, '(DateTime)\\(\\'UTC\\'\\)|(DateTime64\\(9), \\'UTC\\'', '\\\\1\\\\2') AS type FROM system.columns
      WHERE database = '${database}' AND table NOT LIKE '%_mv' AND default_kind = '' AND name != 'TimestampTime' ORDER BY table, position`);
    const made = await columns('by_none');
    assert.ok(made.length > 100);
    assert.deepEqual(await columns('otel'), made);
    child.kill('SIGTERM');
    await ended;
    child = null;
    await weir.stop();
  } catch (e) {
    e.message += `\n--- collector ---\n${log.join('').slice(-4000)}`;
    throw weir.explain(e);
  } finally {
    child?.kill('SIGKILL');
    weir.killAll();
  }
});
