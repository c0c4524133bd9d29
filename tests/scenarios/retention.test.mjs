// Retention changes while weir runs: by SIGHUP and by POST /reload, for all and for one service; and the oldest rows go when the disk is nearly full.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Weir, startProcess, plainBinary, temporaryFolder, until } from '../harness/weir.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql } from '../harness/sql.mjs';

const day = 86400e3;
const soon = { seconds: 120 }; // on a busy machine

test('a retention that changes changes the tables of a running weir', async () => {
  const dir = temporaryFolder();
  const config = join(dir, 'weir.yaml');
  const write = (retention, more = '') => writeFileSync(config, `retention:\n${retention}${more}`);
  write('  logs: 30d\n');
  const p = await startProcess(plainBinary, ['storage-writer', '--config', config, '--data', dir, '--admin.endpoint=127.0.0.1:0', '--clickhouse.endpoint=127.0.0.1:0']);
  try {
    const ask = (text) => sql(p.ready.clickhouse, text);
    const reload = () => fetch(`http://127.0.0.1:${p.ready.admin}/reload`, { method: 'POST' });
    const services = async () => (await ask('SELECT DISTINCT toString(service_name) s FROM otel_logs ORDER BY s')).map((r) => r.s);
    const ttl = async (table) => /TTL (.*) SETTINGS/.exec((await ask(`SELECT engine_full e FROM system.tables WHERE database = 'weir' AND name = '${table}'`))[0].e)[1];
    await ask(`INSERT INTO otel_logs (timestamp, service_name) SELECT now64(9) - toIntervalDay(10), arrayJoin(['checkout', 'payments', 'other'])`);

    // one service is kept shorter, another longer: SIGHUP
    write('  logs: 30d\n  overrides:\n    - {match: {service.name: checkout}, raw: 7d}\n    - {match: {service.name: payments}, raw: 60d, signals: [logs]}\n');
    p.child.kill('SIGHUP');
    await until('the rows of checkout are gone', async () => (await services()).join() === 'other,payments', soon);
    assert.equal(await ttl('otel_logs'), 'toDateTime(timestamp) + toIntervalDay(60)');
    assert.equal(await ttl('otel_traces'), 'toDateTime(timestamp) + toIntervalDay(30)');

    // what is wrong changes nothing
    write('  logs: soon\n');
    const refused = await reload();
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /weir\.yaml:2:9: .*retention\.logs/);
    assert.equal(await ttl('otel_logs'), 'toDateTime(timestamp) + toIntervalDay(60)');

    // a shorter retention drops whole parts at once; an option that cannot change now is told
    write('  logs: 5d\n  traces_5m: 0\n', 'batch:\n  timeout: 3s\n');
    assert.equal((await reload()).status, 200);
    assert.equal(await ttl('otel_logs'), 'toDateTime(timestamp) + toIntervalDay(5)');
    assert.doesNotMatch((await ask(`SELECT engine_full e FROM system.tables WHERE database = 'weir' AND name = 'otel_traces_red_5m'`))[0].e, /TTL/);
    await until('all rows of ten days ago are gone', async () => (await services()).length === 0, soon);
    await until('the other option is told', async () => p.log.some((l) => l.includes('takes effect at the next start') && l.includes('batch.timeout')), soon);
    const shown = await (await fetch(`http://127.0.0.1:${p.ready.admin}/debug/config`)).text();
    assert.match(shown, /^retention\.logs: 5d$/m);
    assert.doesNotMatch(shown, /overrides/);
  } finally {
    p.child.kill('SIGTERM');
    assert.equal((await p.exited).code, 0);
  }
});

async function onSmallDisk(t, fn) {
  const mount = mkdtempSync(join(tmpdir(), 'weir-tmpfs-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'none', mount], { stdio: 'ignore' });
  } catch {
    rmdirSync(mount);
    t.skip('no right to mount');
    return;
  }
  try {
    await fn(mount);
  } finally {
    execFileSync('umount', ['-l', mount]);
    rmdirSync(mount);
  }
}

test('a disk that is nearly full loses the oldest rows, then requests are refused', async (t) => {
  await onSmallDisk(t, async (mount) => {
    const config = join(temporaryFolder(), 'weir.yaml');
    const write = (reserve, policy = 'drop_oldest') => writeFileSync(config, `store.disk: {reserve: ${reserve}, policy: ${policy}}\n`);
    write('1MiB');
    // the journal is elsewhere: what is free changes by the tables only
    const options = { 'receive.workers': 1, 'journal.dir': temporaryFolder() };
    const weir = new Weir(options, { dir: mount, shape: 'one', config });
    try {
      await weir.start();
      const send = (age, n) => exportJson(weir, 'logs', logRequest(Array.from({ length: n }, () => randomBytes(30000).toString('base64')), { service: `${age} days`, time: Date.now() - age * day }));
      for (const age of [3, 2, 1]) {
        for (let i = 0; i < 3; i++) assert.equal((await send(age, 100)).status, 200);
        await weir.flush();
      }
      const reload = async () => assert.equal((await fetch(weir.url('ingestAdmin', '/reload'), { method: 'POST' })).status, 200);
      const free = () => {
        const s = statfsSync(mount);
        return s.bavail * s.bsize;
      };
      const metric = async (name) => (await weir.metrics())[name];
      const ages = async () => {
        const r = await weir.query('/loki/api/v1/label/service_name/values', { start: String((Date.now() - 10 * day) * 1e6), end: String(Date.now() * 1e6) });
        return r.json.data;
      };
      assert.equal((await ages()).length, 3);
      assert.equal(await metric('weir_store_disk_dropped_partitions_total'), 0);

      write(free() + (4 << 20));
      await reload();
      await until('the oldest day is dropped', async () => (await metric('weir_store_disk_dropped_partitions_total')) === 1, soon);
      await until('there is room again', async () => (await metric('weir_store_disk_short')) === 0, soon);
      const told = weir.processes.run.log.filter((l) => l.includes('the oldest rows are dropped'));
      assert.equal(told.length, 1, told.join('\n'));
      assert.match(told[0], /level=error .*table=otel_logs/);
      assert.equal((await send(0, 1)).status, 200);
      await weir.flush();

      write('1TiB', 'refuse');
      await reload();
      await until('requests are refused', async () => (await send(0, 1)).status === 503, soon);
      const r = await send(0, 1);
      assert.match(JSON.parse(r.bytes).message, /store\.disk\.reserve/);
      assert.equal((await fetch(weir.url('ingestAdmin', '/ready'))).status, 503);
      assert.ok(weir.processes.run.log.some((l) => /level=error .*nearly full: requests are refused/.test(l)));
      assert.equal(await metric('weir_store_disk_dropped_partitions_total'), 1, 'nothing is dropped by this policy');

      write('1MiB');
      await reload();
      await until('requests are taken again', async () => (await send(0, 1)).status === 200, soon);
      await weir.flush();
      assert.equal((await weir.ledger()).logs.balance, 0);
      await weir.stop();

      // the ClickHouse door refuses inserts, and answers queries
      write('1TiB', 'refuse');
      const p = await startProcess(plainBinary, ['storage-writer', '--config', config, '--data', mount, '--admin.endpoint=127.0.0.1:0', '--clickhouse.endpoint=127.0.0.1:0']);
      try {
        await until('inserts are refused', async () => {
          const refused = await fetch(`http://127.0.0.1:${p.ready.clickhouse}/?query=INSERT+INTO+otel_logs+(body)+FORMAT+TSV`, { method: 'POST', body: 'x\n' });
          const text = await refused.text();
          return refused.status === 500 && text.includes('NOT_ENOUGH_SPACE') && refused.headers.get('x-clickhouse-exception-code') === '243';
        }, soon);
        const rows = await sql(p.ready.clickhouse, 'SELECT toString(service_name) s, count() n FROM otel_logs GROUP BY s ORDER BY s');
        assert.deepEqual(rows.map((r) => r.s), ['0 days', '1 days', '2 days']);
        assert.equal(rows[1].n, 300);
      } finally {
        p.child.kill('SIGTERM');
        await p.exited;
      }
    } catch (e) {
      throw weir.explain(e);
    } finally {
      weir.killAll();
    }
  });
});
