// Two `weir collector` in front of a third weir, all with one configuration file: what SDKs send to either arrives in the third once, also
// when the third is killed meanwhile and away for a while.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { Weir, plainBinary, startProcess, temporaryFolder } from '../harness/weir.mjs';
import { withStoredRows } from '../harness/sql.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';

// W_NEXT is set for the two in front: their pipelines end in the third; its own end in the store.
const file = `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:\${env:W_GRPC:-0}"}, http: {endpoint: "127.0.0.1:0"}}}}
processors:
  batch: {timeout: 100ms}
  attributes: {actions: [{key: passed, value: "\${env:W_NAME}", action: insert}]}
exporters:
  clickhouse:
  otlp: {endpoint: "\${env:W_NEXT:-127.0.0.1:1}", tls: {insecure: true}, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [attributes, batch], exporters: ["\${env:W_TO:-otlp}"]}
    logs: {receivers: [otlp], processors: [attributes, batch], exporters: ["\${env:W_TO:-otlp}"]}
`;

async function sendSpans(collector, service, n) {
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${collector.ready.grpc}`, concurrencyLimit: 1000 });
  const provider = new BasicTracerProvider({ resource: resourceFromAttributes({ 'service.name': service }), spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('t');
  for (let i = 0; i < n; i++) tracer.startSpan(`${service} ${i}`).end();
  await provider.forceFlush();
  await provider.shutdown();
}

const asWeir = (p) => ({ url: (port, path) => `http://127.0.0.1:${p.ready[port]}${path}` });
const flush = async (p) => {
  const r = await fetch(`http://127.0.0.1:${p.ready.admin}/flush`, { method: 'POST' });
  assert.ok(r.ok, await r.text());
};

test('two collectors deliver what they acknowledged to a third weir once, though it is killed meanwhile', async () => {
  const config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, file);
  const dir = temporaryFolder();
  const third = new Weir({}, { dir, shape: 'one', config, env: { W_TO: 'clickhouse', W_NAME: 'third' } });
  const collectors = [];
  try {
    await third.start();
    for (const name of ['first', 'second'])
      collectors.push(await startProcess(plainBinary, ['collector', '--config', config, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0'],
        { env: { W_NAME: name, W_NEXT: `127.0.0.1:${third.ports.grpc}` } }));
    const [first, second] = collectors;
    await Promise.all([sendSpans(first, 'a', 50), sendSpans(second, 'b', 50)]);
    await Promise.all(collectors.map(flush));

    await third.kill();
    // The third is away: both go on taking.
    await Promise.all([sendSpans(first, 'c', 50), sendSpans(second, 'd', 50)]);
    for (const c of collectors) assert.equal((await exportJson(asWeir(c), 'logs', logRequest(['while it is away']))).status, 200);
    await third.restart();
    await Promise.all([sendSpans(first, 'e', 20), sendSpans(second, 'f', 20)]);
    await Promise.all(collectors.map(flush));
    await third.flush();
    for (const c of collectors) {
      c.child.kill('SIGTERM');
      assert.equal((await c.exited).code, 0);
    }
    await third.stop();

    await withStoredRows(dir, {}, async (sql) => {
      const rows = await sql(`SELECT service_name s, count() n, uniqExact(span_name) names, groupUniqArray(span_attributes['passed']) passed
        FROM otel_traces GROUP BY s ORDER BY s`);
      assert.deepEqual(rows.map((r) => [r.s, r.n, r.names, r.passed]), [
        ['a', 50, 50, ['first']], ['b', 50, 50, ['second']], ['c', 50, 50, ['first']],
        ['d', 50, 50, ['second']], ['e', 20, 20, ['first']], ['f', 20, 20, ['second']],
      ]);
      const logs = await sql("SELECT log_attributes['passed'] passed FROM otel_logs ORDER BY passed");
      assert.deepEqual(logs.map((l) => l.passed), ['first', 'second']);
    });
  } catch (e) {
    for (const c of collectors) e.message += `\n--- collector ---\n${c.log.slice(-30).join('\n')}`;
    throw third.explain(e);
  } finally {
    third.killAll();
    for (const c of collectors) c.child.kill('SIGKILL');
  }
});

test('what the third weir rejects of a request is counted as refused in front of it, and the rest arrives', async () => {
  const config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, file);
  const dir = temporaryFolder();
  const third = new Weir({ 'receive.max_attributes': 2 }, { dir, shape: 'one', config, env: { W_TO: 'clickhouse', W_NAME: 'third' } });
  let first = null;
  try {
    await third.start();
    first = await startProcess(plainBinary, ['collector', '--config', config, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0'],
      { env: { W_NAME: 'first', W_NEXT: `127.0.0.1:${third.ports.grpc}` } });
    // The first adds `passed`: two of its own are one too many for the third.
    const request = logRequest(['light', 'heavy', 'light', 'heavy', 'light']);
    for (const r of request.resourceLogs[0].scopeLogs[0].logRecords) {
      const n = r.body.stringValue === 'heavy' ? 2 : 1;
      r.attributes = Array.from({ length: n }, (_, i) => ({ key: `own.${i}`, value: { stringValue: 'x' } }));
    }
    assert.equal((await exportJson(asWeir(first), 'logs', request)).status, 200);
    await flush(first);
    const status = await (await fetch(`http://127.0.0.1:${first.ready.admin}/status`)).json();
    const route = status.routes.find((r) => r.signal === 'logs');
    assert.deepEqual([route.taken, route.delivered, route.dropped.refused, route.journal], [5, 3, 2, 0], JSON.stringify(route));
    const metrics = await (await fetch(`http://127.0.0.1:${first.ready.admin}/metrics`)).text();
    assert.match(metrics, /^weir_dropped_items_total\{signal="logs",policy="refused"\} 2$/m);
    assert.match(metrics, /^weir_route_dropped_items_total\{[^}]*signal="logs",policy="refused"\} 2$/m);
    await third.flush();
    const theirs = await third.metrics();
    assert.equal(theirs['weir_rejected_items_total{signal="logs",reason="too_many_attributes"}'], 2, JSON.stringify(theirs));
    const answer = await third.query('/loki/api/v1/query_range', { query: '{service_name="hand"}' });
    assert.deepEqual(answer.json.data.result.flatMap((s) => s.values.map((v) => v[1])), ['light', 'light', 'light']);
    first.child.kill('SIGTERM');
    assert.equal((await first.exited).code, 0);
    await third.stop();
  } catch (e) {
    e.message += `\n--- first ---\n${first?.log.slice(-30).join('\n')}`;
    throw third.explain(e);
  } finally {
    third.killAll();
    first?.child.kill('SIGKILL');
  }
});
