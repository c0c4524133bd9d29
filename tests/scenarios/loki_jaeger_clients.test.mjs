// The requests that Grafana's stock data sources, logcli and jaeger-ui send, literally, against data sent through OTLP; exact answers.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withWeir } from '../harness/weir.mjs';
import { exportJson } from '../harness/otlp.mjs';

const minute = 60_000;
const t0 = Math.floor((Date.now() - 5 * minute) / minute) * minute; // a whole minute
const ns = (ms) => `${ms}000000`;
const string = (key, value) => ({ key, value: { stringValue: value } });
const resource = { attributes: [string('service.name', 'cart/api'), string('service.namespace', 'shop'), string('host.name', 'h1')] };
const scope = { name: 'lib', version: '2.0' };
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

const logs = {
  resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [
    { timeUnixNano: ns(t0 + 10_000), severityNumber: 9, severityText: 'INFO', body: { stringValue: 'cart <opened>' }, attributes: [string('user.id', 'u-1')] },
    { timeUnixNano: ns(t0 + 11_000), severityNumber: 17, severityText: 'ERROR', body: { stringValue: 'cart lost' }, traceId, spanId: '00f067aa0ba902b7' },
    { timeUnixNano: ns(t0 + 71_000), severityNumber: 9, severityText: 'INFO', body: { stringValue: 'cart found' } },
  ] }] }],
};
const span = (spanId, parentSpanId, name, kind, start, ms, more = {}) => ({ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano: ns(start), endTimeUnixNano: ns(start + ms), ...more });
const traces = {
  resourceSpans: [
    { resource, scopeSpans: [{ scope, spans: [span('00f067aa0ba902b7', '', 'GET /cart', 2, t0, 500, { attributes: [{ key: 'http.status_code', value: { intValue: '200' } }] })] }] },
    { resource: { attributes: [string('service.name', 'stock')] }, scopeSpans: [{ spans: [span('00f067aa0ba902b8', '00f067aa0ba902b7', 'reserve', 2, t0 + 100, 200, { status: { code: 2, message: 'none left' } })] }] },
  ],
};

const streamLabels = { service_name: 'cart/api', service_namespace: 'shop' };
const common = { host_name: 'h1', scope_name: 'lib', scope_version: '2.0' };
const metadata = {
  'cart <opened>': { ...common, user_id: 'u-1', severity_number: '9', severity_text: 'INFO', detected_level: 'info' },
  'cart lost': { ...common, severity_number: '17', severity_text: 'ERROR', detected_level: 'error', trace_id: traceId, span_id: '00f067aa0ba902b7' },
  'cart found': { ...common, severity_number: '9', severity_text: 'INFO', detected_level: 'info' },
};
const range = `start=${ns(t0)}&end=${ns(t0 + 3 * minute)}`;
const selector = encodeURIComponent('{service_name="cart/api"}');

test('what Grafana, logcli and jaeger-ui ask is answered as they expect', async (t) => {
  await withWeir({}, async (weir) => {
    assert.equal((await exportJson(weir, 'logs', logs)).bytes.toString(), '{}');
    assert.equal((await exportJson(weir, 'traces', traces)).bytes.toString(), '{}');
    await weir.flush();
    const ask = async (path, { method = 'GET', headers = {}, body } = {}) => {
      const r = await fetch(weir.url('query', path), { method, headers, body });
      const text = await r.text();
      return { status: r.status, type: r.headers.get('content-type'), encoding: r.headers.get('content-encoding'), text, json: text.startsWith('{') ? JSON.parse(text) : null };
    };
    const ok = async (path, options) => {
      const r = await ask(path, options);
      assert.equal(r.status, 200, `${path}: ${r.text}`);
      assert.match(r.type, /^application\/json/);
      return r.json;
    };
    const form = (fields) => ({ method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(fields).toString() });
    const grafana = { 'user-agent': 'Grafana/12.1.0', 'x-loki-response-encoding-flags': 'categorize-labels', 'x-query-tags': 'Source=grafana', 'x-scope-orgid': 'anything', fromalert: 'false' };

    await t.test("Grafana's Loki health check", async () => {
      const r = await ok('/loki/api/v1/query?direction=backward&query=vector%281%29%2Bvector%281%29&time=4000000000', { headers: grafana });
      assert.equal(r.status, 'success');
      assert.equal(r.data.resultType, 'vector');
      assert.deepEqual(r.data.result, [{ metric: {}, value: [4000000000, '2'] }]);
    });
    await t.test('Grafana, lines with categorized labels', async () => {
      const r = await ok(`/loki/api/v1/query_range?direction=backward&end=${ns(t0 + 3 * minute)}&limit=1000&query=${selector}&start=${ns(t0)}&step=1000ms`, { headers: grafana });
      assert.deepEqual(r.data.encodingFlags, ['categorize-labels']);
      assert.equal(r.data.resultType, 'streams');
      const value = (ms, line) => [ns(ms), line, { structuredMetadata: metadata[line] }];
      assert.deepEqual(r.data.result, [{ stream: streamLabels, values: [value(t0 + 71_000, 'cart found'), value(t0 + 11_000, 'cart lost'), value(t0 + 10_000, 'cart <opened>')] }]);
      assert.equal(typeof r.data.stats.summary.totalLinesProcessed, 'number');
    });
    await t.test('the same as a form, and without the flag in two places: all labels, two members', async () => {
      const fields = { query: '{service_name="cart/api"}', start: ns(t0), end: ns(t0 + 3 * minute), limit: '1000', direction: 'backward', step: '1000ms' };
      for (const path of ['/loki/api/v1/query_range', '/loki/api/v1/query_range?limit=1000']) {
        const r = await ok(path, form(fields));
        assert.equal(r.data.encodingFlags, undefined);
        const entries = r.data.result.flatMap((s) => s.values.map((v) => ({ v, labels: s.stream }))).sort((a, b) => (BigInt(a.v[0]) < BigInt(b.v[0]) ? -1 : 1));
        assert.deepEqual(entries, logs.resourceLogs[0].scopeLogs[0].logRecords.map((l) => ({
          v: [l.timeUnixNano, l.body.stringValue], labels: { ...streamLabels, ...metadata[l.body.stringValue] } })));
      }
    });
    await t.test("Grafana's log volume", async () => {
      const query = 'sum by (level, detected_level) (count_over_time({service_name="cart/api"} | drop __error__[60000ms]))';
      const r = await ok(`/loki/api/v1/query_range?direction=backward&${range}&query=${encodeURIComponent(query)}&step=60000ms`, { headers: { ...grafana, 'x-query-tags': 'Source=logvolhist' } });
      assert.equal(r.data.resultType, 'matrix');
      const at = (n) => t0 / 1000 + n * 60;
      assert.deepEqual(r.data.result, [
        { metric: { detected_level: 'error' }, values: [[at(1), '1']] },
        { metric: { detected_level: 'info' }, values: [[at(1), '1'], [at(2), '1']] },
      ]);
    });
    await t.test("Grafana's editor: labels, values, series, index/stats", async () => {
      assert.deepEqual(await ok(`/loki/api/v1/labels?${range}`, { headers: grafana }), { status: 'success', data: ['service_name', 'service_namespace'] });
      assert.deepEqual(await ok(`/loki/api/v1/labels?${range}&query=${selector}`), { status: 'success', data: ['service_name', 'service_namespace'] });
      assert.deepEqual(await ok(`/loki/api/v1/label/service_name/values?${range}&query=${encodeURIComponent('{service_namespace="shop"}')}`), { status: 'success', data: ['cart/api'] });
      assert.deepEqual((await ok(`/loki/api/v1/label/nothing/values?${range}`)).data, []);
      assert.deepEqual(await ok(`/loki/api/v1/series?match[]=${selector}&${range}`), { status: 'success', data: [streamLabels] });
      const stats = await ok(`/loki/api/v1/index/stats?query=${selector}&${range}`);
      assert.deepEqual([stats.streams, stats.entries], [1, 3]);
      assert.equal(stats.bytes, 'cart <opened>cart lostcart found'.length);
    });
    await t.test('logcli: query in both directions, instant-query, labels, series, stats', async () => {
      const logcli = { 'user-agent': 'loki-logcli/3.5.0', 'x-scope-orgid': '', 'accept-encoding': 'gzip' };
      for (const [direction, expected] of [['BACKWARD', ['cart found', 'cart lost']], ['FORWARD', ['cart <opened>', 'cart lost']]]) {
        const r = await ok(`/loki/api/v1/query_range?direction=${direction}&end=${ns(t0 + 3 * minute)}&limit=2&query=${selector}&start=${ns(t0)}`, { headers: logcli });
        const entries = r.data.result.flatMap((s) => s.values);
        entries.sort((a, b) => (BigInt(a[0]) < BigInt(b[0]) ? -1 : 1) * (direction === 'FORWARD' ? 1 : -1));
        assert.deepEqual(entries.map((v) => v[1]), expected);
      }
      const next = await ok(`/loki/api/v1/query_range?direction=FORWARD&end=${ns(t0 + 3 * minute)}&limit=1000&query=${selector}&start=${ns(t0 + 11_000)}`, { headers: logcli });
      assert.deepEqual(next.data.result.flatMap((s) => s.values.map((v) => v[1])).sort(), ['cart found', 'cart lost'], 'start is inclusive: paging goes on from the last entry');
      const query = 'sum(count_over_time({service_name="cart/api"}[3m]))';
      const instant = await ok(`/loki/api/v1/query?direction=BACKWARD&limit=30&query=${encodeURIComponent(query)}&time=${ns(t0 + 3 * minute)}`, { headers: logcli });
      assert.deepEqual(instant.data.result, [{ metric: {}, value: [t0 / 1000 + 180, '3'] }]);
      assert.deepEqual((await ok(`/loki/api/v1/series?${range}&match=${selector}`, { headers: logcli })).data, [streamLabels]);
      assert.deepEqual((await ok(`/loki/api/v1/label/service_namespace/values?${range}`, { headers: logcli })).data, ['shop']);
    });
    await t.test('errors of Loki are plain text', async () => {
      const r = await ask(`/loki/api/v1/query?query=${selector}&time=${ns(t0)}`);
      assert.equal(r.status, 400);
      assert.match(r.type, /^text\/plain/);
      assert.match(r.text, /^log queries are not supported as an instant query type, please change your query to a range query type/);
    });

    await t.test("Grafana's Prometheus health check", async () => {
      const r = await ok('/api/v1/query', form({ query: '1+1', time: '4' }));
      assert.deepEqual([r.data.resultType, r.data.result], ['scalar', [4, '2']]);
      assert.match((await ok('/api/v1/status/buildinfo')).data.version, /^\d+\.\d+\.\d+/);
      assert.deepEqual((await ok('/api/v1/rules')).data, { groups: [] });
    });

    await t.test("Grafana's and jaeger-ui's lists: services, operations", async () => {
      const services = await ok('/api/services');
      assert.deepEqual([services.data, services.total, services.errors], [['cart/api', 'stock'], 2, null]);
      assert.deepEqual((await ok('/api/services/cart%2Fapi/operations')).data, ['GET /cart']);
      assert.deepEqual((await ok('/api/operations?service=stock')).data, [{ name: 'reserve', spanKind: 'server' }]);
    });
    await t.test('search, as Grafana and as jaeger-ui send it', async () => {
      const us = `start=${t0 - minute}000&end=${t0 + minute}000`;
      const grafanaSearch = `/api/traces?service=cart%2Fapi&operation=GET+%2Fcart&tags=%7B%22http.status_code%22%3A%22200%22%7D&minDuration=100ms&maxDuration=1.5s&limit=20&${us}`;
      assert.deepEqual((await ok(grafanaSearch)).data.map((x) => [x.traceID, x.spans.length]), [[traceId, 2]]);
      const uiSearch = `/api/traces?end=${t0 + minute}000&limit=20&lookback=1h&maxDuration&minDuration&service=stock&start=${t0 - minute}000&tags=%7B%22error%22%3A%22true%22%7D`;
      assert.deepEqual((await ok(uiSearch)).data.map((x) => x.traceID), [traceId]);
      assert.deepEqual((await ok(`/api/traces?service=stock&limit=20&${us}&minDuration=300ms`)).data, []);
      assert.deepEqual((await ok(`/api/traces?traceID=${traceId}&traceID=00000000000000000000000000000001`)).data.map((x) => x.traceID), [traceId]);
    });
    await t.test('a trace by id, as Grafana and jaeger-ui read it', async () => {
      for (const path of [`/api/traces/${traceId}`, `/api/traces/${traceId}?start=${t0 - minute}000&end=${t0 + minute}000`, `/api/traces/${traceId.toUpperCase()}?prettyPrint=true`]) {
        const { data } = await ok(path);
        assert.equal(data.length, 1);
        const [x] = data;
        assert.equal(x.traceID, traceId);
        const [root, child] = [...x.spans].sort((a, b) => a.startTime - b.startTime);
        assert.deepEqual([root.spanID, root.startTime, root.duration, root.references, root.logs], ['00f067aa0ba902b7', t0 * 1000, 500_000, [], []]);
        assert.deepEqual(root.tags, [
          { key: 'otel.scope.name', type: 'string', value: 'lib' },
          { key: 'otel.scope.version', type: 'string', value: '2.0' },
          { key: 'http.status_code', type: 'int64', value: 200 },
          { key: 'span.kind', type: 'string', value: 'server' },
        ]);
        assert.deepEqual(child.references, [{ refType: 'CHILD_OF', traceID: traceId, spanID: '00f067aa0ba902b7' }]);
        assert.deepEqual(child.tags, [
          { key: 'span.kind', type: 'string', value: 'server' },
          { key: 'otel.status_code', type: 'string', value: 'ERROR' },
          { key: 'error', type: 'bool', value: true },
          { key: 'otel.status_description', type: 'string', value: 'none left' },
        ]);
        assert.deepEqual(x.processes[root.processID], { serviceName: 'cart/api', tags: [
          { key: 'service.namespace', type: 'string', value: 'shop' }, { key: 'host.name', type: 'string', value: 'h1' }] });
        assert.deepEqual(x.processes[child.processID], { serviceName: 'stock', tags: [] });
      }
    });
    await t.test('a trace that is not there: 404, never an empty list', async () => {
      const r = await ask('/api/traces/00000000000000000000000000000abc');
      assert.equal(r.status, 404);
      assert.equal(r.json.data, null);
      assert.deepEqual(r.json.errors.map((e) => [e.code, e.msg]), [[404, 'trace not found']]);
    });
    await t.test('dependencies', async () => {
      const r = await ok(`/api/dependencies?endTs=${t0 + 2 * minute}&lookback=604800000`);
      assert.deepEqual(r.data, [{ parent: 'cart/api', child: 'stock', callCount: 1 }]);
    });
  });
});
