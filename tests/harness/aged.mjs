// Telemetry of all signals at one moment of the past, and the questions that find it again.
import assert from 'node:assert/strict';
import { exportJson, logRequest } from './otlp.mjs';

const service = { attributes: [{ key: 'service.name', value: { stringValue: 'aged' } }] };
const ns = (ms) => `${ms}000000`;

// A moment `days` ago, the same for a whole run of a test.
export const moment = (days, now = Date.now()) => ({ days, time: now - days * 86400_000 - 3600_000, trace: `${String(days).padStart(4, '0')}${'ab'.repeat(14)}` });

export async function sendAged(weir, { days, time, trace }, { items = 20 } = {}) {
  const spans = Array.from({ length: items }, (_, i) => ({
    traceId: trace, spanId: (i + 1).toString(16).padStart(16, '0'), parentSpanId: i ? '0000000000000001' : '', name: `step-${i}`, kind: 2,
    startTimeUnixNano: ns(time + i), endTimeUnixNano: ns(time + i + 5),
  }));
  const dataPoints = Array.from({ length: items }, (_, i) => ({ timeUnixNano: ns(time + 1000 * i), asDouble: days + i / 10, attributes: [] }));
  const bodies = {
    traces: { resourceSpans: [{ resource: service, scopeSpans: [{ spans }] }] },
    logs: logRequest(Array.from({ length: items }, (_, i) => `line ${i} of ${days} days ago`), { service: 'aged', time }),
    metrics: { resourceMetrics: [{ resource: service, scopeMetrics: [{ metrics: [{ name: 'aged_gauge', gauge: { dataPoints } }] }] }] },
  };
  for (const [signal, body] of Object.entries(bodies)) {
    const r = await exportJson(weir, signal, body);
    assert.equal(r.status, 200, `${signal}: ${r.bytes}`);
  }
}

// What the three dialects say of a moment: { name: { status, text } }. Times are explicit, so the same store says the same later.
export async function ask(weir, { time, trace }) {
  const s = Math.floor(time / 1000);
  return {
    promql: await weir.query('/api/v1/query_range', { query: 'aged_gauge', start: s + 1, end: s + 31, step: 5 }),
    instant: await weir.query('/api/v1/query', { query: 'sum(count_over_time(aged_gauge[5m]))', time: s + 60 }),
    loki: await weir.query('/loki/api/v1/query_range', { query: '{service_name="aged"}', start: ns(time - 1000), end: ns(time + 60_000), limit: 100 }),
    jaeger: await weir.query(`/api/traces/${trace}`),
  };
}

// All of the moment's `items` are in its answers.
export function assertWhole(answers, { days }, { items = 20 } = {}) {
  for (const [name, a] of Object.entries(answers)) assert.equal(a.status, 200, `${name} of ${days} days ago: ${a.text}`);
  assert.equal(answers.instant.json.data.result[0]?.value[1], String(items), `samples of ${days} days ago: ${answers.instant.text}`);
  assert.equal(answers.promql.json.data.result[0].values.length, 7);
  assert.equal(answers.loki.json.data.result.reduce((n, r) => n + r.values.length, 0), items, `lines of ${days} days ago`);
  assert.equal(answers.jaeger.json.data[0].spans.length, items, `spans of ${days} days ago`);
}
