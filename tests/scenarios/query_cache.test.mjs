// Answers of range queries are kept in memory and in a real Redis. That goes away, hangs, comes back and tells nonsense: answers are the same bytes throughout.
import test from 'node:test';
import assert from 'node:assert/strict';
import { topology, until, withWeir } from '../harness/weir.mjs';
import { exportJson } from '../harness/otlp.mjs';
import { Redis } from '../harness/redis.mjs';

const from = Math.floor(Date.now() / 900_000) * 900 - 3 * 3600; // s: a border of extents
const attribute = (key, stringValue) => ({ key, value: { stringValue } });

// A sample every 30 s from `start` to `end`.
async function send(weir, start, end, value) {
  const dataPoints = [];
  for (let t = start; t < end; t += 30) dataPoints.push({ timeUnixNano: `${t}000000000`, asDouble: value + (t % 900) / 30, attributes: [attribute('room', 'a')] });
  const request = { resourceMetrics: [{ resource: { attributes: [attribute('service.name', 'house')] }, scopeMetrics: [{ metrics: [{ name: 'temperature', gauge: { dataPoints } }] }] }] };
  assert.equal((await exportJson(weir, 'metrics', request)).status, 200);
  await weir.flush();
}

const queryService = topology === 'one' ? 'run' : 'query-api';
const log = (weir) => weir.started.filter(([name]) => name === queryService).flatMap(([, p]) => p.log);
const said = (weir, text) => log(weir).filter((l) => l.includes(text)).length;

async function metric(weir, name) {
  const text = await (await fetch(weir.url(topology === 'one' ? 'ingestAdmin' : 'queryAdmin', '/metrics'))).text();
  return Number(text.match(new RegExp(`^weir_query_cache_${name} (\\d+)`, 'm'))[1]);
}

// The answer, which is the same with and without the cache.
async function ask(weir, { query = 'avg_over_time(temperature[2m])', step = 15, start = from, end = from + 2 * 3600, headers = {} } = {}) {
  const params = { query, start, end, step };
  const cached = await fetch(`${weir.url('query', '/api/v1/query_range')}?${new URLSearchParams(params)}`, { headers });
  const text = await cached.text();
  assert.equal(cached.status, 200, text);
  const plain = await weir.query('/api/v1/query_range', { ...params, nocache: 1 });
  assert.equal(text, plain.text);
  return JSON.parse(text).data.result[0].values;
}

test('answers are the same whatever the cache and its Redis do', async () => {
  const redis = await Redis.open();
  const options = { 'query.cache.memory': '64MiB', 'query.cache.ask_store': 'true', 'query.cache.redis': `redis://127.0.0.1:${redis.port}/0`, 'query.cache.settle': '0', 'query.cache.redis_timeout': '3s' };
  try {
    await withWeir(options, async (weir) => {
      await send(weir, from, from + 2 * 3600, 10);
      assert.equal((await ask(weir)).length, 481);
      await until('the answer is kept', async () => (await ask(weir), (await metric(weir, 'hits_total')) >= 8));
      assert.ok((await metric(weir, 'bytes')) > 1000);
      assert.ok(Number(redis.command('DBSIZE')) >= 8);

      const hits = await metric(weir, 'hits_total'); // a client that will not have kept answers
      await ask(weir, { headers: { 'cache-control': 'no-store' } });
      assert.equal(await metric(weir, 'hits_total'), hits);

      await weir.kill(queryService); // its memory is gone, Redis has them; who does the inserts too begins anew
      await weir.restart(queryService);
      await ask(weir);
      if (topology === 'one') assert.equal(await metric(weir, 'redis_hits_total'), 0);
      else assert.ok((await metric(weir, 'redis_hits_total')) >= 8);

      await send(weir, from + 3600 + 7, from + 3600 + 8, 1000); // late
      assert.ok((await ask(weir)).some(([, v]) => Number(v) > 100));

      await redis.kill();
      assert.equal((await ask(weir, { step: 20 })).length, 361);
      await send(weir, from + 1800 + 7, from + 1800 + 8, 5000);
      assert.ok((await ask(weir, { step: 20 })).some(([, v]) => Number(v) > 500));
      for (let i = 0; i < 5; i++) await ask(weir, { step: 21 + i });
      assert.equal(said(weir, 'redis is away') - said(weir, 'redis is back'), 1); // told once, not each time
      assert.ok((await metric(weir, 'redis_errors_total')) >= 1);

      await redis.start();
      let step = 30;
      await until('weir has found Redis again', async () => (await ask(weir, { step: step++ }), said(weir, 'redis is away') === said(weir, 'redis is back')));
      await until('it is used again', async () => (await ask(weir, { step: 60 }), Number(redis.command('DBSIZE')) > 0));

      // What it holds is not weir's any more.
      redis.command('EVAL', "for _, k in ipairs(redis.call('KEYS', 'wqc:*')) do redis.call('SET', k, 'nonsense') end return 1", '0');
      await weir.kill(queryService);
      await weir.restart(queryService);
      await ask(weir, { step: 60 });
      assert.ok((await metric(weir, 'redis_errors_total')) >= 1);
      assert.equal(await metric(weir, 'redis_hits_total'), 0);

      redis.signal('SIGSTOP'); // it takes connections and says nothing
      await ask(weir, { step: 75 });
      await ask(weir, { step: 75, start: from + 7 });
      redis.signal('SIGCONT');
      assert.equal(said(weir, 'redis is away') - said(weir, 'redis is back'), 1);
    });
  } finally {
    redis.signal('SIGCONT');
    await redis.kill();
  }
});
