// Prometheus' HTTP API, endpoint by endpoint: parameters, envelopes, errors, headers, what an answer without data is.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { until, withWeir } from '../harness/weir.mjs';
import { remoteWrite, requestV2, snappy } from '../harness/remote_write.mjs';

const end = Math.floor(Date.now() / 60_000) * 60 - 60, start = end - 600;
const at = (f) => Array.from({ length: 41 }, (_, i) => [f(i), (start + i * 15) * 1000]);
const series = [
  { labels: { __name__: 'hits_total', job: 'shop', path: '/a' }, samples: at((i) => i), type: 1, help: 'Hits.' },
  { labels: { __name__: 'hits_total', job: 'shop', path: '/b' }, samples: at((i) => 2 * i), type: 1, help: 'Hits.' },
  { labels: { __name__: 'load', job: 'shop', 'http.method': 'GET' }, samples: at((i) => i / 8), type: 2 },
];

test('the HTTP API of Prometheus', async (t) => {
  await withWeir({}, async (weir) => {
    assert.equal((await remoteWrite(weir, snappy(requestV2(series)))).status, 204);
    await weir.flush();
    const base = `http://127.0.0.1:${weir.ports.query}`;
    const search = (params) => new URLSearchParams(Object.entries(params).flatMap(([k, v]) => [v].flat().map((x) => [k, x])));
    const get = async (path, params = {}, options = {}) => {
      const r = await fetch(`${base}${path}?${search(params)}`, options);
      const text = await r.text();
      return { status: r.status, headers: r.headers, text, json: text.startsWith('{') ? JSON.parse(text) : null };
    };
    const api = (path, params, options) => get(`/api/v1/${path}`, params, options);
    const data = async (path, params) => {
      const r = await api(path, params);
      assert.deepEqual([r.status, r.json?.status], [200, 'success'], `${path}: ${r.text}`);
      return r.json.data;
    };
    const fails = async (path, params, status, type, error) => {
      const r = await api(path, params);
      assert.deepEqual([r.status, r.json.status, r.json.errorType, r.json.error], [status, 'error', type, error], JSON.stringify(params));
      assert.equal(r.headers.get('access-control-allow-origin'), '*');
    };
    const bad = (path, params, error) => fails(path, params, 400, 'bad_data', error);

    await t.test('times and durations in all forms; the body of a POST wins', async () => {
      const value = async (params) => (await data('query', { query: 'hits_total{path="/a"}', ...params })).result[0]?.value;
      for (const time of [String(end), `${end}.000`, new Date(end * 1000).toISOString(), new Date(end * 1000).toISOString().replace('Z', '000000+00:00')])
        assert.deepEqual(await value({ time }), [end, '40'], time);
      assert.deepEqual(await value({ time: `${start}.0004` }), [start, '0']); // to the millisecond
      assert.deepEqual(await value({ time: end + 299 }), [end + 299, '40']);
      assert.equal(await value({ time: end + 30, lookback_delta: '20s' }), undefined);
      assert.equal(await value({ time: end + 30, lookback_delta: '20' }), undefined);
      const posted = await (await fetch(`${base}/api/v1/query?query=1`, { method: 'POST', body: search({ query: '2', time: end }) })).json();
      assert.deepEqual(posted.data, { resultType: 'scalar', result: [end, '2'] });
      assert.equal((await data('label/path/values', { start: '-292273086-05-16T16:47:06Z', end: '+292277025-08-18T07:12:54.999999999Z' })).length, 2);
      await bad('query', { query: 'up', time: 'soon' }, 'invalid parameter "time": cannot parse "soon" to a valid timestamp');
      await bad('query', { query: 'up', timeout: 'soon' }, 'invalid parameter "timeout": cannot parse "soon" to a valid duration');
      await bad('query', { query: 'up', lookback_delta: 'far' }, 'invalid parameter "lookback_delta": cannot parse "far" to a valid duration');
      await bad('query', { query: 'sum(' }, 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis');
    });

    await t.test('query: shapes, limit, stats', async () => {
      const q = (query, more = {}) => data('query', { query, time: end, ...more });
      assert.deepEqual(await q('"x"'), { resultType: 'string', result: [end, 'x'] });
      assert.deepEqual(await q('nothing'), { resultType: 'vector', result: [] });
      assert.deepEqual(await q('1e-7'), { resultType: 'scalar', result: [end, '1e-07'] });
      assert.deepEqual(await q('-1/0'), { resultType: 'scalar', result: [end, '-Inf'] });
      assert.equal((await q('load[1m]')).resultType, 'matrix');
      const cut = await api('query', { query: 'hits_total', time: end, limit: 1 });
      assert.deepEqual([cut.json.data.result.length, cut.json.warnings], [1, ['results truncated due to limit']]);
      assert.equal((await q('hits_total', { limit: 2 })).result.length, 2);
      assert.equal((await q('hits_total', { limit: 0 })).result.length, 2);
      await bad('query', { query: 'up', limit: 'x' }, 'invalid parameter "limit": cannot parse "x" to a valid limit');
      await bad('query', { query: 'up', limit: -1 }, 'invalid parameter "limit": limit must be non-negative');

      const one = (await q('sum(rate(hits_total[1m]))', { stats: 'true' })).stats;
      assert.deepEqual(one.samples, { totalQueryableSamples: 8, peakSamples: one.samples.peakSamples, samplesRead: 8 });
      for (const k of ['evalTotalTime', 'resultSortTime', 'queryPreparationTime', 'innerEvalTime', 'execQueueTime', 'execTotalTime']) assert.ok(one.timings[k] >= 0, k);
      assert.equal((await q('load')).stats, undefined);
      const steps = async (query, of) => {
        const { samples } = (await data('query_range', { query, start: start + 60, end: start + 180, step: 60, stats: 'all' })).stats;
        assert.equal(samples.totalQueryableSamplesPerStep.reduce((n, [, v]) => n + v, 0), samples.totalQueryableSamples);
        assert.equal(samples.samplesReadPerStep.reduce((n, [, v]) => n + v, 0), samples.samplesRead);
        const reads = samples.samplesReadPerStep.map(([, v]) => v);
        return of ? reads : samples.totalQueryableSamplesPerStep;
      };
      const all = (n) => [60, 120, 180].map((s, i) => [start + s, [n].flat()[i] ?? n]);
      assert.deepEqual(await steps('hits_total'), all(2));
      assert.deepEqual(await steps('rate(load[1m])'), all(4));
      assert.deepEqual(await steps(`load @ ${end}`), all(1));
      assert.deepEqual(await steps('sum_over_time(load[1m:30s])'), all(2)); // of the two that the subquery makes
      assert.deepEqual(await steps('hits_total + on () group_left () load'), all(3));
      const reads = { hits_total: [2, 2, 2], 'rate(load[1m])': [4, 4, 4], [`load @ ${end}`]: [1, 0, 0], [`sum_over_time(load[5m] @ ${end})`]: [20, 0, 0], 'sum_over_time(load[1m:30s])': [2, 2, 2] };
      for (const [query, want] of Object.entries(reads)) assert.deepEqual(await steps(query, 'reads'), want, query);
      assert.deepEqual((await steps('rate(load[2m])', 'reads')).slice(1), [4, 4]); // the others were looked at by the step before
      assert.deepEqual((await steps('max_over_time(rate(load[2m])[2m:30s])', 'reads')).slice(1), [4, 4]);
    });

    await t.test('query_range: its checks, in order', async () => {
      const range = (more) => ({ query: 'load', start, end, step: 15, ...more });
      assert.equal((await data('query_range', range({ step: '15s' }))).result[0].values.length, 41);
      assert.deepEqual((await data('query_range', range({ query: '1', step: 600 }))).result, [{ metric: {}, values: [[start, '1'], [end, '1']] }]);
      await bad('query_range', range({ limit: 'x', start: 'x' }), 'invalid parameter "limit": cannot parse "x" to a valid limit');
      await bad('query_range', range({ start: 'x', end: 'x' }), 'invalid parameter "start": cannot parse "x" to a valid timestamp');
      await bad('query_range', range({ end: start - 1, step: 0 }), 'invalid parameter "end": end timestamp must not be before start time');
      await bad('query_range', range({ step: 0 }), 'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer');
      await bad('query_range', range({ end: start + 11001, step: 1 }), 'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)');
      assert.equal((await data('query_range', range({ query: '1', end: start + 11000, step: 1 }))).result[0].values.length, 11001);
      await bad('query_range', range({ query: 'load[1m]' }), 'invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector');
      await fails('query_range', range({ query: 'label_replace(load, "x", "y", "job", "(")' }), 422, 'execution', (await api('query_range', range({ query: 'label_replace(load, "x", "y", "job", "(")' }))).json.error);
      const sorted = await data('query_range', range({ query: 'hits_total', limit: 1 }));
      assert.equal(sorted.result[0].metric.path, '/a');
    });

    await t.test('series, labels, values, metadata', async () => {
      assert.deepEqual(await data('labels', {}), ['__name__', 'http.method', 'job', 'path']);
      assert.deepEqual(await data('labels', { 'match[]': 'hits_total' }), ['__name__', 'job', 'path']);
      assert.deepEqual(await data('label/U__http_2e_method/values', {}), ['GET']);
      assert.deepEqual(await data('label/path/values', { 'match[]': ['load', 'hits_total{path="/b"}'] }), ['/b']);
      await bad('label/%ff/values', {}, (await api('label/%ff/values')).json.error);
      assert.equal((await data('series', { 'match[]': ['hits_total', 'load'] })).length, 3);
      assert.deepEqual(await data('series', { 'match[]': 'load', end: start - 200_000 }), []);
      await bad('series', {}, 'no match[] parameter provided');
      await bad('series', { 'match[]': '{job=~".*"}' }, (await api('series', { 'match[]': '{job=~".*"}' })).json.error);
      for (const [path, params] of [['series', { 'match[]': 'hits_total' }], ['labels', {}], ['label/path/values', {}]]) {
        const r = await api(path, { ...params, limit: 1 });
        assert.deepEqual([r.json.data.length, r.json.warnings], [1, ['results truncated due to limit']], path);
        await bad(path, { ...params, limit: 'x' }, 'invalid parameter "limit": cannot parse "x" to a valid limit');
      }
      assert.deepEqual(await data('metadata', { metric: 'hits_total' }), { hits_total: [{ type: 'counter', help: 'Hits.', unit: '' }] });
      assert.equal(Object.keys(await data('metadata', { limit: 1 })).length, 1);
      assert.deepEqual(await data('metadata', { limit: 0 }), {});
      assert.deepEqual(await data('metadata', { limit: -1 }), await data('metadata'));
      await bad('metadata', { limit: 'x' }, 'limit must be a number');
    });

    await t.test('204 where there is no data to give', async () => {
      const r = await api('query_exemplars', { query: '1 + 1' });
      assert.deepEqual([r.status, r.text, r.headers.get('content-type')], [204, '', null]);
      assert.deepEqual(await data('query_exemplars', { query: 'hits_total', start, end }), []);
      assert.equal((await get('/api/v1/query', {}, { method: 'OPTIONS' })).status, 204);
    });

    await t.test('what is told of the server', async () => {
      const build = await data('status/buildinfo');
      assert.deepEqual(Object.keys(build), ['version', 'revision', 'branch', 'buildUser', 'buildDate', 'goVersion']);
      assert.ok(new Date((await data('status/runtimeinfo')).startTime) <= new Date());
      assert.equal((await data('status/flags'))['query.max-samples'], '50000000');
      assert.match((await data('status/config')).yaml, /query.max_series: 500000/);
      assert.deepEqual(await data('status/walreplay'), { min: 0, max: 0, current: 0 });
      const tsdb = await data('status/tsdb');
      assert.deepEqual([tsdb.headStats.numSeries, tsdb.headStats.numLabelPairs], [3, 6]);
      assert.ok(tsdb.headStats.minTime < start * 1000 && tsdb.headStats.maxTime > end * 1000 && tsdb.headStats.chunkCount >= 3);
      assert.deepEqual(tsdb.seriesCountByMetricName, [{ name: 'hits_total', value: 2 }, { name: 'load', value: 1 }]);
      assert.deepEqual(tsdb.labelValueCountByLabelName, [{ name: '__name__', value: 2 }, { name: 'path', value: 2 }, { name: 'http.method', value: 1 }, { name: 'job', value: 1 }]);
      assert.deepEqual(tsdb.memoryInBytesByLabelName[0], { name: '__name__', value: 14 });
      assert.deepEqual(tsdb.seriesCountByLabelValuePair[0], { name: 'job=shop', value: 3 });
      assert.equal((await data('status/tsdb', { limit: 1 })).labelValueCountByLabelName.length, 1);
      await bad('status/tsdb', { limit: 0 }, 'limit must be a positive number');
      await bad('status/tsdb', { limit: 10001 }, 'limit must not exceed 10000');
      const features = await data('features');
      assert.deepEqual([features.promql_functions.rate, features.promql_functions.info, features.promql_operators.limitk, features.promql_operators['=='], features.api.query_stats], [true, false, false, true, true]);
    });

    await t.test('targets, rules, alerts: none, but what asks is checked', async () => {
      assert.deepEqual(await data('targets', { state: 'active' }), { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} });
      assert.deepEqual(await data('targets/metadata'), []);
      assert.deepEqual(await data('scrape_pools'), { scrapePools: [] });
      assert.deepEqual(await data('rules', { type: 'alert', exclude_alerts: 'true', 'match[]': 'up', group_limit: 3 }), { groups: [] });
      assert.deepEqual(await data('alerts'), { alerts: [] });
      assert.deepEqual(await data('alertmanagers'), { activeAlertmanagers: [], droppedAlertmanagers: [] });
      await bad('rules', { type: 'both' }, 'invalid parameter "type": not supported value "both"');
      await bad('rules', { group_next_token: 'x' }, 'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups');
      await bad('rules', { group_limit: 0 }, 'invalid parameter "group_limit": group_limit needs to be greater than 0');
      assert.deepEqual([(await get('/-/healthy')).status, (await get('/-/ready')).status], [200, 200]);
    });

    await t.test('other methods and paths', async () => {
      const r = await fetch(`${base}/api/v1/metadata`, { method: 'POST' });
      assert.deepEqual([r.status, r.headers.get('allow'), (await r.json()).status], [405, 'GET, OPTIONS', 'error']);
      assert.equal((await api('nothing')).status, 404);
    });

    await t.test('a long answer comes whole, packed or not', async () => {
      const params = { query: 'label_replace(hits_total, "long", "$1$1$1$1", "job", "(.*)") or load', start: start - 3600, end: start - 3600 + 11000, step: 1 };
      const plain = await api('query_range', params, { headers: { 'accept-encoding': 'identity' } });
      const packed = await api('query_range', params);
      assert.ok(plain.text.length > 30_000 && plain.json.data.result.length === 3);
      assert.equal(packed.headers.get('content-encoding'), 'gzip');
      assert.equal(packed.text, plain.text);
      const many = Array.from({ length: 8 }, (_, i) => `label_replace(vector(${i}), "n", "${i}", "", "")`).join(' or ');
      const huge = await api('query_range', { query: many, start: 1700000000, end: 1700011000, step: 1 }, { headers: { 'accept-encoding': 'identity' } });
      assert.ok(huge.text.length > 1 << 20 && huge.headers.get('transfer-encoding') === 'chunked');
      assert.deepEqual(huge.json.data.result.map((s) => s.values.length), Array(8).fill(11001));
    });

    await t.test('a query ends when its client leaves, and when its time is over', async () => {
      const slow = { query: 'sum(sum_over_time((vector(1))[40000s:1s]))', start: 0, end: 110_000, step: 10 };
      const request = http.get(`${base}/api/v1/query_range?${search(slow)}`);
      const gone = new Promise((resolve) => request.on('error', resolve));
      const metric = async (name) => Number(new RegExp(`^${name}(?:{api="prometheus"})? (\\d+)`, 'm').exec(await (await fetch(weir.url(weir.ports.queryAdmin ? 'queryAdmin' : 'ingestAdmin', '/metrics'))).text())[1]);
      await until('it runs', async () => (await metric('weir_queries_running')) === 1);
      const failed = await metric('weir_query_errors_total');
      request.destroy();
      await gone;
      await until('it has ended', async () => (await metric('weir_queries_running')) === 0);
      assert.equal(await metric('weir_query_errors_total'), failed + 1);
      await fails('query_range', { ...slow, timeout: '50ms' }, 503, 'timeout', (await api('query_range', { ...slow, timeout: '50ms' })).json.error);
    });
  });
});
