// An unchanged OpenTelemetry SDK sends traces, logs and metrics over each of its three protocols; what it sent comes back through
// the Jaeger, Loki and Prometheus APIs, field by field, attribute types included.
import test from 'node:test';
import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode, TraceFlags, context, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { MeterProvider, PeriodicExportingMetricReader, AggregationType } from '@opentelemetry/sdk-metrics';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import * as grpcTraces from '@opentelemetry/exporter-trace-otlp-grpc';
import * as grpcMetrics from '@opentelemetry/exporter-metrics-otlp-grpc';
import * as grpcLogs from '@opentelemetry/exporter-logs-otlp-grpc';
import * as protoTraces from '@opentelemetry/exporter-trace-otlp-proto';
import * as protoMetrics from '@opentelemetry/exporter-metrics-otlp-proto';
import * as protoLogs from '@opentelemetry/exporter-logs-otlp-proto';
import * as jsonTraces from '@opentelemetry/exporter-trace-otlp-http';
import * as jsonMetrics from '@opentelemetry/exporter-metrics-otlp-http';
import * as jsonLogs from '@opentelemetry/exporter-logs-otlp-http';
import { withWeir } from '../harness/weir.mjs';

const protocols = {
  grpc: (weir) => {
    const o = { url: `http://127.0.0.1:${weir.ports.grpc}`, compression: CompressionAlgorithm.GZIP };
    return [new grpcTraces.OTLPTraceExporter(o), new grpcMetrics.OTLPMetricExporter(o), new grpcLogs.OTLPLogExporter(o)];
  },
  'http-protobuf': (weir) => {
    const o = (signal) => ({ url: `http://127.0.0.1:${weir.ports.http}/v1/${signal}`, compression: CompressionAlgorithm.GZIP });
    return [new protoTraces.OTLPTraceExporter(o('traces')), new protoMetrics.OTLPMetricExporter(o('metrics')), new protoLogs.OTLPLogExporter(o('logs'))];
  },
  'http-json': (weir) => {
    const o = (signal) => ({ url: `http://127.0.0.1:${weir.ports.http}/v1/${signal}` });
    return [new jsonTraces.OTLPTraceExporter(o('traces')), new jsonMetrics.OTLPMetricExporter(o('metrics')), new jsonLogs.OTLPLogExporter(o('logs'))];
  },
};

const resourceOf = (service) =>
  resourceFromAttributes({
    'service.name': service,
    'service.namespace': 'shop',
    'service.instance.id': 'instance-1',
    'deployment.environment.name': 'test',
    'host.cpus': 4,
    'host.load': 0.75,
    'host.virtual': true,
    'host.tags': ['a', 'b'],
  });

async function sendTraces(exporter, service) {
  const provider = new BasicTracerProvider({ resource: resourceOf(service), spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('checkout-lib', '1.2.3');
  const linked = { traceId: '0123456789abcdef0123456789abcdef', spanId: 'fedcba9876543210', traceFlags: TraceFlags.SAMPLED };
  const start = Date.now() - 5000;
  const root = tracer.startSpan('GET /cart', {
    kind: SpanKind.SERVER,
    startTime: start,
    attributes: { 'http.route': '/cart', 'http.status_code': 500, 'cart.ratio': 0.25, 'user.known': true, 'cart.items': ['apple', 'pear'] },
    links: [{ context: linked, attributes: { why: 'retry' } }],
  });
  root.addEvent('cache.miss', { key: 'cart:42', size: 17 }, start + 100);
  root.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
  const child = tracer.startSpan('SELECT items', { kind: SpanKind.CLIENT, startTime: start + 200, attributes: { 'db.system': 'postgresql' } }, trace.setSpan(context.active(), root));
  child.end(start + 450);
  root.end(start + 1000);
  await provider.forceFlush();
  await provider.shutdown();
  return { start, traceId: root.spanContext().traceId, root: root.spanContext().spanId, child: child.spanContext().spanId, linked };
}

async function sendLogs(exporter, service, spans) {
  const provider = new LoggerProvider({ resource: resourceOf(service), processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger('checkout-lib', '1.2.3');
  const time = Date.now() - 3000;
  const spanContext = trace.setSpanContext(context.active(), { traceId: spans.traceId, spanId: spans.root, traceFlags: TraceFlags.SAMPLED });
  logger.emit({ timestamp: time, severityNumber: SeverityNumber.INFO, severityText: 'INFO', body: 'cart loaded', attributes: { 'user.id': 'u-7', attempt: 2 } });
  logger.emit({ timestamp: time + 1, severityNumber: SeverityNumber.ERROR, severityText: 'ERROR', body: 'payment failed: "card" <declined>', context: spanContext });
  logger.emit({ timestamp: time + 2, severityNumber: SeverityNumber.WARN, severityText: 'WARN', body: { reason: 'slow', ms: 1250 } });
  await provider.forceFlush();
  await provider.shutdown();
  return { time };
}

async function sendMetrics(exporter, service) {
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3600_000 });
  const provider = new MeterProvider({
    resource: resourceOf(service),
    readers: [reader],
    views: [{ instrumentName: 'request.duration', aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [0.1, 0.5, 1] } } }],
  });
  const meter = provider.getMeter('checkout-lib', '1.2.3');
  const orders = meter.createCounter('orders', { description: 'orders placed' });
  orders.add(3, { 'payment.method': 'card' });
  orders.add(4, { 'payment.method': 'cash' });
  meter.createObservableGauge('queue.depth').addCallback((r) => r.observe(12.5, { queue: 'mail' }));
  const h = meter.createHistogram('request.duration', { unit: 's', description: 'duration of requests' });
  for (const v of [0.05, 0.2, 0.3, 0.7, 5]) h.record(v, { route: '/cart' });
  await provider.forceFlush();
  await provider.shutdown();
}

const byKey = (list) => Object.fromEntries(list.map((t) => [t.key, [t.type, t.value]]));

async function checkJaeger(weir, service, sent) {
  const services = await weir.query('/api/services');
  assert.equal(services.status, 200);
  assert.ok(services.json.data.includes(service), services.text);
  const operations = await weir.query('/api/operations', { service });
  assert.deepEqual(operations.json.data, [{ name: 'GET /cart', spanKind: 'server' }, { name: 'SELECT items', spanKind: 'client' }]);
  const names = await weir.query(`/api/services/${service}/operations`);
  assert.deepEqual(names.json.data, ['GET /cart', 'SELECT items']);

  const { status, json } = await weir.query(`/api/traces/${sent.traceId}`);
  assert.equal(status, 200);
  assert.equal(json.data.length, 1);
  const t = json.data[0];
  assert.equal(t.traceID, sent.traceId);
  assert.equal(t.spans.length, 2);
  const root = t.spans.find((s) => s.spanID === sent.root);
  const child = t.spans.find((s) => s.spanID === sent.child);
  assert.equal(root.operationName, 'GET /cart');
  assert.equal(root.startTime, sent.start * 1000);
  assert.equal(root.duration, 1_000_000);
  assert.deepEqual(byKey(root.tags), {
    'otel.scope.name': ['string', 'checkout-lib'],
    'otel.scope.version': ['string', '1.2.3'],
    'http.route': ['string', '/cart'],
    'http.status_code': ['int64', 500],
    'cart.ratio': ['float64', 0.25],
    'user.known': ['bool', true],
    'cart.items': ['string', '["apple","pear"]'],
    'span.kind': ['string', 'server'],
    'otel.status_code': ['string', 'ERROR'],
    error: ['bool', true],
    'otel.status_description': ['string', 'no stock'],
  });
  assert.deepEqual(root.references, [{ refType: 'FOLLOWS_FROM', traceID: sent.linked.traceId, spanID: sent.linked.spanId }]);
  assert.equal(root.logs.length, 1);
  assert.equal(root.logs[0].timestamp, (sent.start + 100) * 1000);
  assert.deepEqual(byKey(root.logs[0].fields), { event: ['string', 'cache.miss'], key: ['string', 'cart:42'], size: ['int64', 17] });
  assert.deepEqual(child.references, [{ refType: 'CHILD_OF', traceID: sent.traceId, spanID: sent.root }]);
  assert.equal(child.duration, 250_000);
  const process = t.processes[root.processID];
  assert.equal(process.serviceName, service);
  assert.deepEqual(byKey(process.tags), {
    'service.namespace': ['string', 'shop'],
    'service.instance.id': ['string', 'instance-1'],
    'deployment.environment.name': ['string', 'test'],
    'host.cpus': ['int64', 4],
    'host.load': ['float64', 0.75],
    'host.virtual': ['bool', true],
    'host.tags': ['string', '["a","b"]'],
  });

  const found = async (params) => (await weir.query('/api/traces', { service, ...params })).json.data.map((x) => x.traceID);
  assert.deepEqual(await found({}), [sent.traceId]);
  assert.deepEqual(await found({ operation: 'GET /cart', tags: '{"http.status_code":"500","error":"true"}', minDuration: '900ms', maxDuration: '2s' }), [sent.traceId]);
  assert.deepEqual(await found({ operation: 'SELECT items', tags: '{"http.status_code":"500"}' }), [], 'all tags must be on the same span as the operation');
  assert.deepEqual(await found({ minDuration: '2s' }), []);
  assert.equal((await weir.query('/api/traces/00000000000000000000000000000abc')).status, 404);
}

async function checkLoki(weir, service, sent, spans) {
  const range = { start: `${sent.time - 60_000}000000`, end: `${sent.time + 60_000}000000` };
  const q = await weir.query('/loki/api/v1/query_range', { query: `{service_name="${service}"}`, direction: 'forward', ...range });
  assert.equal(q.status, 200, q.text);
  assert.equal(q.json.data.resultType, 'streams');
  const entries = q.json.data.result.flatMap((s) => s.values.map(([ts, line]) => ({ ts, line, labels: s.stream })));
  entries.sort((a, b) => (BigInt(a.ts) < BigInt(b.ts) ? -1 : 1));
  assert.deepEqual(entries.map((e) => [e.ts, e.line]), [
    [`${sent.time}000000`, 'cart loaded'],
    [`${sent.time + 1}000000`, 'payment failed: "card" <declined>'],
    [`${sent.time + 2}000000`, '{"reason":"slow","ms":1250}'],
  ]);
  for (const e of entries) {
    assert.equal(e.labels.service_name, service);
    assert.equal(e.labels.service_namespace, 'shop');
    assert.equal(e.labels.deployment_environment_name, 'test');
  }
  assert.equal(entries[0].labels.user_id, 'u-7');
  assert.equal(entries[0].labels.attempt, '2');
  assert.equal(entries[0].labels.severity_text, 'INFO');
  assert.equal(entries[1].labels.trace_id, spans.traceId);
  assert.equal(entries[1].labels.span_id, spans.root);

  const lines = async (query, more = {}) =>
    (await weir.query('/loki/api/v1/query_range', { query, ...range, ...more })).json.data.result.flatMap((s) => s.values.map((v) => v[1]));
  assert.deepEqual(await lines(`{service_name="${service}"} |= "payment"`), ['payment failed: "card" <declined>']);
  assert.deepEqual((await lines(`{service_name="${service}"} !~ "pay.*declined" != "slow"`)), ['cart loaded']);
  assert.deepEqual(await lines(`{service_name="${service}"}`, { limit: 1 }), ['{"reason":"slow","ms":1250}'], 'newest first');
  const count = await weir.query('/loki/api/v1/query', { query: `sum by (service_name) (count_over_time({service_name="${service}"}[5m]))`, time: `${sent.time + 60_000}000000` });
  assert.equal(count.json.data.resultType, 'vector');
  assert.deepEqual(count.json.data.result.map((r) => [r.metric, r.value[1]]), [[{ service_name: service }, '3']]);
  const values = await weir.query('/loki/api/v1/label/service_name/values', range);
  assert.ok(values.json.data.includes(service));
}

async function checkPrometheus(weir, service) {
  const q = async (query) => {
    const r = await weir.query('/api/v1/query', { query, time: Date.now() / 1000 + 1 });
    assert.equal(r.status, 200, r.text);
    return r.json.data.result.map(({ metric, value }) => [metric, value[1]]);
  };
  const job = `shop/${service}`;
  const base = { instance: 'instance-1', job };
  assert.deepEqual(await q(`orders_total{job="${job}"}`), [
    [{ __name__: 'orders_total', ...base, payment_method: 'card' }, '3'],
    [{ __name__: 'orders_total', ...base, payment_method: 'cash' }, '4'],
  ]);
  assert.deepEqual(await q(`sum(orders_total{job="${job}"})`), [[{}, '7']]);
  assert.deepEqual(await q(`queue_depth{job="${job}"}`), [[{ __name__: 'queue_depth', ...base, queue: 'mail' }, '12.5']]);
  const buckets = await q(`request_duration_seconds_bucket{job="${job}"}`);
  assert.deepEqual(Object.fromEntries(buckets.map(([m, v]) => [m.le, v])), { 0.1: '1', 0.5: '3', 1: '4', '+Inf': '5' });
  assert.deepEqual(await q(`request_duration_seconds_count{job="${job}"}`), [[{ __name__: 'request_duration_seconds_count', ...base, route: '/cart' }, '5']]);
  assert.deepEqual(await q(`request_duration_seconds_sum{job="${job}"}`), [[{ __name__: 'request_duration_seconds_sum', ...base, route: '/cart' }, '6.25']]);
  assert.deepEqual(await q(`histogram_quantile(0.5, request_duration_seconds_bucket{job="${job}"})`), [[{ ...base, route: '/cart' }, '0.4']]);
  const meta = (await weir.query('/api/v1/metadata', { metric: 'orders_total' })).json.data;
  assert.deepEqual(meta, { orders_total: [{ type: 'counter', help: 'orders placed', unit: '' }] });
  const names = (await weir.query('/api/v1/label/__name__/values')).json.data;
  for (const n of ['orders_total', 'queue_depth', 'request_duration_seconds_bucket']) assert.ok(names.includes(n), `${n} in ${names}`);
}

test('what an OpenTelemetry SDK sends comes back through all three APIs', async (t) => {
  await withWeir({}, async (weir) => {
    const sent = {};
    for (const [protocol, exporters] of Object.entries(protocols)) {
      const service = `sdk-${protocol}`;
      const [traces, metrics, logs] = exporters(weir);
      const spans = await sendTraces(traces, service);
      sent[service] = { spans, logs: await sendLogs(logs, service, spans) };
      await sendMetrics(metrics, service);
    }
    await weir.flush();
    for (const [service, s] of Object.entries(sent)) {
      await t.test(`${service}: Jaeger`, () => checkJaeger(weir, service, s.spans));
      await t.test(`${service}: Loki`, () => checkLoki(weir, service, s.logs, s.spans));
      await t.test(`${service}: Prometheus`, () => checkPrometheus(weir, service));
    }
    const ledger = await weir.ledger();
    for (const [signal, l] of Object.entries(ledger)) {
      assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
      assert.equal(l.journal, 0);
    }
    assert.equal(ledger.traces.stored, 6);
    assert.equal(ledger.logs.stored, 9);
  });
});
