// Tools made for the schema of the OpenTelemetry Collector's exporter read weir's tables through the views of database otel: what was sent in OTLP
// comes back by the statements that Grafana's ClickHouse data source and HyperDX make, and a trace is found by its id without reading the others.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withWeir } from '../harness/weir.mjs';
import { sql } from '../harness/sql.mjs';

const now = Date.now() - 60000;
const nano = (ms) => `${BigInt(Math.round(ms * 1000)) * 1000n}`;
const attributes = (o) => Object.entries(o).map(([key, v]) => ({ key, value: typeof v === 'number' ? { intValue: String(v) } : { stringValue: v } }));
const resource = (service) => ({ attributes: attributes({ 'service.name': service, 'host.name': 'h1' }) });
const trace = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';

const spans = {
  resourceSpans: [
    { resource: resource('shop'), scopeSpans: [{ scope: { name: 'lib', version: '1.2' }, spans: [
      { traceId: trace, spanId: '00000000000000a1', name: 'GET /cart', kind: 2, startTimeUnixNano: nano(now), endTimeUnixNano: nano(now + 120), traceState: 'x=y',
        attributes: attributes({ 'http.method': 'GET', 'http.status_code': 500 }), status: { code: 2, message: 'no stock' },
        events: [{ timeUnixNano: nano(now + 5), name: 'exception', attributes: attributes({ 'exception.type': 'E' }) }],
        links: [{ traceId: 'ff'.repeat(16), spanId: 'ee'.repeat(8), traceState: 'l=1', attributes: attributes({ why: 'retry' }) }] },
      { traceId: trace, spanId: '00000000000000a2', parentSpanId: '00000000000000a1', name: 'call stock', kind: 3, startTimeUnixNano: nano(now + 10), endTimeUnixNano: nano(now + 100) },
    ] }] },
    { resource: resource('stock'), scopeSpans: [{ spans: [
      { traceId: trace, spanId: '00000000000000b1', parentSpanId: '00000000000000a2', name: 'GET /stock', kind: 2, startTimeUnixNano: nano(now + 20), endTimeUnixNano: nano(now + 90), status: { code: 1 } },
    ] }] },
  ],
};
const logs = {
  resourceLogs: [{ resource: resource('shop'), schemaUrl: 'https://schema/r', scopeLogs: [{ scope: { name: 'logger', attributes: attributes({ s: 't' }) }, logRecords: [
    { timeUnixNano: nano(now), severityNumber: 17, severityText: 'ERROR', body: { stringValue: 'Payment refused: card 4711' }, traceId: trace, spanId: '00000000000000a1', flags: 1, attributes: attributes({ order: 7 }) },
    { timeUnixNano: nano(now + 1), severityNumber: 9, severityText: 'INFO', body: { stringValue: 'payment accepted' }, eventName: 'paid' },
  ] }] }],
};
const at = { attributes: attributes({ core: 'c0' }), startTimeUnixNano: nano(now - 1000), timeUnixNano: nano(now) };
const metrics = {
  resourceMetrics: [{ resource: resource('shop'), scopeMetrics: [{ scope: { name: 'meter' }, metrics: [
    { name: 'load', description: 'how busy', unit: '1', gauge: { dataPoints: [{ ...at, asDouble: 1.5 }] } },
    { name: 'requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ ...at, asInt: '7' }] } },
    { name: 'latency', histogram: { aggregationTemporality: 1, dataPoints: [{ ...at, count: '3', sum: 6, min: 1, max: 4, bucketCounts: ['1', '2'], explicitBounds: [1] }] } },
    { name: 'sizes', exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ ...at, count: '4', sum: 9, scale: 1, zeroCount: '1', positive: { offset: -1, bucketCounts: ['1', '2'] }, negative: { offset: 3, bucketCounts: [] } }] } },
    { name: 'ages', summary: { dataPoints: [{ ...at, count: '3', sum: 6, quantileValues: [{ quantile: 0.5, value: 2 }] }] } },
  ] }] }],
};

test('tools for the exporter\'s schema read weir\'s tables', async (t) => {
  await withWeir({ 'clickhouse.readonly': 'false' }, async (weir) => {
    for (const [signal, body] of Object.entries({ traces: spans, logs, metrics })) {
      const r = await fetch(weir.url('http', `/v1/${signal}`), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      assert.equal(r.status, 200, await r.text());
    }
    await weir.flush();
    const ask = (text) => sql(weir.ports.clickhouse, text);
    const from = `toDateTime64(${now - 1000}/1000, 3)`, to = `toDateTime64(${now + 5000}/1000, 3)`;

    await t.test("Grafana's data source: trace list, trace by id, logs by level", async () => {
      assert.deepEqual(await ask(`SELECT "TraceId" as traceID, "ServiceName" as serviceName, "SpanName" as operationName, multiply("Duration", 0.000001) as duration
        FROM "otel"."otel_traces" WHERE ( Timestamp >= ${from} AND Timestamp <= ${to} ) AND ( ParentSpanId = '' ) AND ( Duration > 0 ) AND ( StatusCode = 'Error' )
        ORDER BY Timestamp DESC, Duration DESC LIMIT 1000`), [{ traceID: trace, serviceName: 'shop', operationName: 'GET /cart', duration: 120 }]);
      const byId = await ask(`WITH '${trace}' as trace_id,
          (SELECT min(Start) FROM "otel"."otel_traces_trace_id_ts" WHERE TraceId = trace_id) as trace_start,
          (SELECT max(End) + 1 FROM "otel"."otel_traces_trace_id_ts" WHERE TraceId = trace_id) as trace_end
        SELECT "TraceId" as traceID, "SpanId" as spanID, "ParentSpanId" as parentSpanID, "ServiceName" as serviceName, "SpanName" as operationName, "Timestamp" as startTime,
          multiply("Duration", 0.000001) as duration, arrayMap(key -> map('key', key, 'value',"SpanAttributes"[key]), mapKeys("SpanAttributes")) as tags,
          arrayMap(key -> map('key', key, 'value',"ResourceAttributes"[key]), mapKeys("ResourceAttributes")) as serviceTags,
          if("StatusCode" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode
        FROM "otel"."otel_traces" WHERE traceID = trace_id AND "Timestamp" >= trace_start AND "Timestamp" <= trace_end ORDER BY startTime LIMIT 1000`);
      assert.deepEqual(byId.map((s) => [s.spanID, s.parentSpanID, s.serviceName, s.statusCode]),
        [['00000000000000a1', '', 'shop', 2], ['00000000000000a2', '00000000000000a1', 'shop', 0], ['00000000000000b1', '00000000000000a2', 'stock', 0]]);
      assert.deepEqual(byId[0].tags, [{ key: 'http.method', value: 'GET' }, { key: 'http.status_code', value: '500' }]);
      assert.deepEqual(byId[0].serviceTags.find((a) => a.key === 'host.name'), { key: 'host.name', value: 'h1' });
      assert.deepEqual(await ask(`SELECT Timestamp as "timestamp_", Body as "body", SeverityText as "level", LogAttributes as "labels", TraceId as "traceID" FROM "otel"."otel_logs"
        WHERE ( Timestamp >= ${from} AND Timestamp <= ${to} ) AND ( SeverityText = 'ERROR' ) ORDER BY Timestamp DESC LIMIT 1000`).then((r) => r.map((l) => [l.body, l.level, l.labels, l.traceID])),
        [['Payment refused: card 4711', 'ERROR', { order: '7' }, trace]]);
    });

    await t.test('HyperDX: columns, search by words and attributes, a histogram, the service map', async () => {
      const columns = await ask('DESCRIBE TABLE otel.otel_logs');
      assert.equal(columns.find((c) => c.name === 'LogAttributes').type, 'Map(LowCardinality(String), String)');
      const range = `(TimestampTime >= fromUnixTimestamp64Milli(${now - 1000}) AND TimestampTime <= fromUnixTimestamp64Milli(${now + 5000}))`;
      assert.deepEqual(await ask(`SELECT Timestamp, ServiceName, SeverityText, Body, EventName FROM otel.otel_logs
        WHERE ${range} AND ((hasToken(lower(Body), lower('payment'))) AND ResourceAttributes['host.name'] = 'h1' AND EventName = 'paid') ORDER BY Timestamp DESC LIMIT 200`)
        .then((r) => r.map((l) => [l.ServiceName, l.SeverityText, l.Body])), [['shop', 'INFO', 'payment accepted']]);
      assert.deepEqual(await ask(`SELECT count() AS n, SeverityText, toStartOfInterval(toDateTime(TimestampTime), INTERVAL 1 hour) AS bucket FROM otel.otel_logs
        WHERE ${range} GROUP BY SeverityText, bucket ORDER BY SeverityText`).then((r) => r.map((x) => [x.n, x.SeverityText])), [[1, 'ERROR'], [1, 'INFO']]);
      assert.deepEqual(await ask(`SELECT SpanName, round(Duration / 1e6) AS ms, StatusMessage, Events.Name, Events.Attributes[1]['exception.type'] AS type, Links.TraceId, Links.Attributes
        FROM otel.otel_traces WHERE Timestamp >= fromUnixTimestamp64Milli(${now - 1000}) AND ((SpanAttributes['http.method'] = 'GET') AND (SpanKind = 'Server')) ORDER BY Timestamp DESC LIMIT 200`),
        [{ SpanName: 'GET /cart', ms: 120, StatusMessage: 'no stock', 'Events.Name': ['exception'], type: 'E', 'Links.TraceId': ['ff'.repeat(16)], 'Links.Attributes': [{ why: 'retry' }] }]);
      assert.deepEqual(await ask(`WITH
          server AS (SELECT TraceId, ParentSpanId, ServiceName, StatusCode FROM otel.otel_traces WHERE SpanKind IN ('Server', 'Consumer')),
          client AS (SELECT TraceId, SpanId, ServiceName FROM otel.otel_traces WHERE SpanKind IN ('Client', 'Producer'))
        SELECT client.ServiceName AS source, server.ServiceName AS target, server.StatusCode AS status, count() AS n
        FROM server JOIN client ON server.TraceId = client.TraceId AND server.ParentSpanId = client.SpanId
        WHERE client.ServiceName != server.ServiceName GROUP BY source, target, status`), [{ source: 'shop', target: 'stock', status: 'Ok', n: 1 }]);
    });

    await t.test('metrics of the five kinds', async () => {
      const common = "ServiceName, MetricName, Attributes['core'] AS core, ResourceAttributes['host.name'] AS host, ScopeName, TimeUnix - StartTimeUnix AS seconds";
      const one = async (kind, columns) => {
        const [row, ...more] = await ask(`SELECT ${common}, ${columns} FROM otel.otel_metrics_${kind} WHERE ServiceName = 'shop' AND TimeUnix >= now() - 3600`);
        assert.deepEqual(more, []);
        return Object.values(row);
      };
      const same = (name) => ['shop', name, 'c0', 'h1', 'meter', 1];
      assert.deepEqual(await one('gauge', 'Value, MetricDescription, MetricUnit, Exemplars.Value'), [...same('load'), 1.5, 'how busy', '1', []]);
      assert.deepEqual(await one('sum', 'Value, IsMonotonic, AggregationTemporality'), [...same('requests'), 7, true, 2]);
      assert.deepEqual(await one('histogram', 'Count, Sum, BucketCounts, ExplicitBounds, Min, Max, AggregationTemporality'), [...same('latency'), 3, 6, [1, 2], [1], 1, 4, 1]);
      assert.deepEqual(await one('exponential_histogram', 'Count, Sum, Scale, ZeroCount, PositiveOffset, PositiveBucketCounts, NegativeOffset, NegativeBucketCounts'), [...same('sizes'), 4, 9, 1, 1, -1, [1, 2], 3, []]);
      assert.deepEqual(await one('summary', 'Count, Sum, ValueAtQuantiles.Quantile, ValueAtQuantiles.Value'), [...same('ages'), 3, 6, [0.5], [2]]);
    });

    await t.test('a trace is found by the text of its id, a metric by its name', async () => {
      await ask(`INSERT INTO otel_traces (timestamp, trace_id, span_id, service_name)
        SELECT now64(9), unhex(leftPad(lower(hex(cityHash64(number))), 32, '0')), toFixedString('12345678', 8), 'bulk' FROM numbers(50000)`);
      const read = async (statement, table) => {
        const plan = (await ask(`EXPLAIN indexes = 1, json = 1 ${statement}`)).map((r) => r.explain).join('\n');
        const steps = [];
        (function walk(node) {
          if (node?.Indexes && node.Description === table) steps.push(node.Indexes.at(-1));
          for (const v of Object.values(node ?? {})) if (typeof v === 'object') walk(v);
        })(JSON.parse(plan));
        return steps;
      };
      for (const view of ['otel_traces', 'otel_traces_trace_id_ts']) {
        const [last] = await read(`SELECT * FROM otel.${view} WHERE TraceId = '${trace}'`, 'weir.otel_traces');
        assert.equal(last.Name, 'trace_id_text');
        assert.ok(last['Initial Granules'] > 5 && last['Selected Granules'] <= 2, JSON.stringify(last));
      }
      const [samples] = await read("SELECT Value FROM otel.otel_metrics_gauge WHERE MetricName = 'load' AND TimeUnix >= now() - 600", 'weir.otel_metrics');
      assert.deepEqual(samples.Keys, ['metric_name', 'timestamp']);
    });
  });
});
