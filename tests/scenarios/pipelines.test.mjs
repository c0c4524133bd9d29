// One weir whose traces go through attributes, filter and sampler into the store and a file: both have what the options say, logs take a
// pipeline of their own, and metrics, for which no pipeline is defined, are refused.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, temporaryFolder } from '../harness/weir.mjs';
import { withStoredRows } from '../harness/sql.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';

const attribute = (key, stringValue) => ({ key, value: { stringValue } });
const traces = 400;
const id = (i, digits) => (BigInt(i + 1) * 0x9e3779b97f4a7c15n).toString(16).slice(-digits).padStart(digits, '5');

// Trace i: a server span that is a health check for every tenth, with a user's address.
const request = () => ({
  resourceSpans: [{
    resource: { attributes: [attribute('service.name', 'shop')] },
    scopeSpans: [{
      spans: Array.from({ length: traces }, (_, i) => ({
        traceId: id(i, 16) + id(i + 7777, 16), spanId: id(i, 16), name: i % 10 === 0 ? 'health' : 'buy', kind: 2,
        startTimeUnixNano: `${Date.now() - 1000}000000`, endTimeUnixNano: `${Date.now() - 900}000000`,
        attributes: [attribute('http.route', i % 10 === 0 ? '/healthz' : '/buy'), attribute('password', 'secret'), attribute('n', String(i))],
      })),
    }],
  }],
});

test('attributes, filter and sampler do their part, on the way to the store and to a file', async () => {
  const dir = temporaryFolder(), out = join(temporaryFolder(), 'out.jsonl');
  const config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, `
receivers: {otlp: {protocols: {grpc: , http: }}}
processors:
  attributes:
    actions:
      - {key: password, action: delete}
      - {key: stage, value: test, action: insert}
  filter:
    traces: {span: ['attributes["http.route"] == "/healthz"']}
  probabilistic_sampler: {sampling_percentage: 25}
  resourcedetection: {detectors: [env], override: false}
  resource: {attributes: [{key: region, value: eu, action: upsert}]}
  batch: {timeout: 100ms}
exporters:
  clickhouse:
  file: {path: ${out}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [attributes, filter, probabilistic_sampler, batch], exporters: [clickhouse, file]}
    logs: {receivers: [otlp], processors: [resourcedetection, resource, batch], exporters: [clickhouse]}
`);
  const weir = new Weir({}, { dir, config, env: { OTEL_RESOURCE_ATTRIBUTES: 'rack=r7,service.name=not-this' } });
  try {
    await weir.start();
    assert.equal((await exportJson(weir, 'traces', request())).status, 200);
    assert.equal((await exportJson(weir, 'logs', logRequest(['hello']))).status, 200);
    const refused = await exportJson(weir, 'metrics', { resourceMetrics: [] });
    assert.ok(refused.status >= 400 && refused.status < 500, `metrics have no pipeline: ${refused.status}`);
    await weir.flush();
    const ledger = await weir.ledger();
    assert.equal(ledger.traces.received, traces);
    assert.equal(ledger.traces.balance, 0, JSON.stringify(ledger));
    await weir.stop();

    const written = readFileSync(out, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l))
      .flatMap((r) => r.resourceSpans.flatMap((rs) => rs.scopeSpans.flatMap((s) => s.spans)));
    await withStoredRows(dir, {}, async (sql) => {
      const rows = await sql('SELECT lower(hex(span_id)) id, span_name, span_attributes, trace_state, adjusted_count FROM otel_traces');
      assert.ok(rows.length > traces * 0.9 * 0.12 && rows.length < traces * 0.9 * 0.4, `${rows.length} of ${traces} are stored`);
      assert.equal(ledger.traces.stored, rows.length);
      assert.equal(ledger.traces.dropped, traces - rows.length);
      for (const r of rows) {
        assert.equal(r.span_name, 'buy', 'health checks are filtered');
        assert.equal(r.span_attributes.password, undefined);
        assert.equal(r.span_attributes.stage, 'test');
        assert.match(r.trace_state, /ot=.*th:c/, 'what the sampler decided by');
        assert.equal(r.adjusted_count, 4);
      }
      assert.deepEqual(written.map((s) => s.spanId).sort(), rows.map((r) => r.id).sort(), 'the file has the spans the store has');
      for (const s of written) {
        const keys = s.attributes.map((a) => a.key).sort();
        assert.deepEqual(keys, ['http.route', 'n', 'stage']);
      }
      const [{ resource_attributes }] = await sql('SELECT resource_attributes FROM otel_logs');
      assert.equal(resource_attributes.region, 'eu');
      assert.equal(resource_attributes.rack, 'r7', 'detected in the environment');
      assert.equal(resource_attributes['service.name'], 'hand', 'what was sent stays');
    });
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});
