// weir migrate against a server: killed after every statement, two at a time, dry, refused by a newer schema; and weir run journals while its tables are made.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { startProcess, plainBinary, temporaryFolder, until } from '../harness/weir.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql } from '../harness/sql.mjs';

// A proxy in front of the store. `after(statement)` is called when a statement that changes something has been answered, and before the client
// hears of it; `before(statement)` may hold it back.
async function proxyTo(port) {
  const proxy = { before: async () => {}, after: async () => {} };
  const server = http.createServer(async (req, res) => {
    const parts = [];
    for await (const d of req) parts.push(d);
    const body = Buffer.concat(parts);
    const text = body.toString('latin1');
    const changes = /^(CREATE|ALTER|DROP|INSERT)/.test(text) || req.url.includes('query=INSERT');
    if (changes) await proxy.before(text);
    const up = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers }, async (answer) => {
      const out = [];
      for await (const d of answer) out.push(d);
      if (changes) await proxy.after(text);
      res.writeHead(answer.statusCode, answer.headers);
      res.end(Buffer.concat(out));
    });
    up.on('error', () => res.destroy());
    up.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.port = server.address().port;
  proxy.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return proxy;
}

// weir migrate; { code, signal, out, err }
function migrate(port, database, ...args) {
  const child = spawn(plainBinary, ['migrate', ...args, `--store.url=http://127.0.0.1:${port}`, `--store.database=${database}`]);
  const result = { child, out: '', err: '' };
  child.stdout.on('data', (d) => (result.out += d));
  child.stderr.on('data', (d) => (result.err += d));
  result.exited = new Promise((resolve) => child.on('close', (code, signal) => resolve({ ...result, code, signal })));
  return result;
}

const columns = (port, database) =>
  sql(port, `SELECT table, name, type, position FROM system.columns WHERE database = '${database}' AND table LIKE 'otel%' ORDER BY table, position`);

test('weir migrate', async (t) => {
  const owner = await startProcess(plainBinary, ['storage-writer', '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0', '--clickhouse.endpoint=127.0.0.1:0']);
  const port = owner.ready.clickhouse;
  const proxy = await proxyTo(port);
  try {
    await t.test('--dry-run prints and changes nothing', async () => {
      const r = await migrate(port, 'dry', 'up', '--dry-run').exited;
      assert.equal(r.code, 0, r.err);
      assert.match(r.out, /CREATE TABLE IF NOT EXISTS otel_traces\n/);
      assert.match(r.out, /INSERT INTO weir_migrations/);
      const cluster = await migrate(port, 'dry', '--dry-run', '--store.cluster=c').exited;
      assert.match(cluster.out, /CREATE TABLE IF NOT EXISTS otel_traces_local ON CLUSTER 'c'/);
      assert.match(cluster.out, /ENGINE = Distributed\('c', 'dry', 'otel_traces_local', cityHash64\(trace_id\)\)/);
      assert.deepEqual(await sql(port, "SELECT name FROM system.tables WHERE database = 'dry'"), []);
    });

    await t.test('killed after any statement it goes on at the next start', async () => {
      let lives = 0;
      for (let killed = true; killed; ) {
        lives++;
        const run = migrate(proxy.port, 'killed');
        let n = 0;
        proxy.after = async () => {
          if (++n === lives) {
            run.child.kill('SIGKILL');
            await run.exited;
          }
        };
        const { code, signal, err } = await run.exited;
        killed = signal === 'SIGKILL';
        if (!killed) assert.equal(code, 0, err);
      }
      proxy.after = async () => {};
      assert.ok(lives > 10, `${lives} lives`);
      assert.deepEqual(await columns(port, 'killed'), await columns(port, 'weir'));
      const r = await migrate(port, 'killed', 'status').exited;
      assert.match(r.out, /^0001_tables +20\d\d-/m);
      assert.match(r.out, /^0 missing$/m);
    });

    await t.test('two at a time: one waits for the other, and finds all done', async () => {
      const both = await Promise.all([migrate(port, 'two').exited, migrate(port, 'two').exited]);
      for (const r of both) assert.equal(r.code, 0, r.err);
      const applied = both.map((r) => Number(/^(\d+) migrations? applied/m.exec(r.out)[1])).sort();
      assert.equal(applied[0], 0, JSON.stringify(applied));
      assert.ok(applied[1] > 0);
      const rows = await sql(port, 'SELECT version, count() n FROM two.weir_migrations GROUP BY version HAVING n > 1');
      assert.deepEqual(rows, []);
    });

    await t.test('--to stops at a version', async () => {
      const r = await migrate(port, 'some', '--to', '1').exited;
      assert.match(r.out, /^1 migration applied$/m);
      assert.match((await migrate(port, 'some', '--to', '9000').exited).err, /there is no migration 9000/);
    });

    await t.test('a schema newer than the binary is refused, by name', async () => {
      await sql(port, "INSERT INTO some.weir_migrations (version, name, checksum) VALUES (9000, '9000_later', 1)");
      const r = await migrate(port, 'some').exited;
      assert.equal(r.code, 1);
      assert.match(r.err, /the store's schema has version 9000, this weir knows \d+: run a newer weir/);
      const run = startProcess(plainBinary, ['storage-writer', `--store.url=http://127.0.0.1:${port}`, '--store.database=some', '--admin.endpoint=127.0.0.1:0']);
      await assert.rejects(run, /run a newer weir/);
    });

    await t.test('weir run takes requests into its journal while its tables are made', async () => {
      const free = net.createServer().listen(0, '127.0.0.1');
      await until('a free port', async () => free.address());
      const listening = free.address().port;
      await new Promise((resolve) => free.close(resolve));
      let letGo;
      const held = new Promise((resolve) => (letGo = resolve));
      const heard = new Promise((resolve) => (proxy.before = async (s) => {
        if (!s.includes('otel_logs')) return;
        resolve();
        await held;
      }));
      const anyPort = ['receive.grpc', 'query', 'admin', 'clickhouse'].map((e) => `--${e}.endpoint=127.0.0.1:0`);
      const starting = startProcess(plainBinary, ['run', '--data', temporaryFolder(), `--store.url=http://127.0.0.1:${proxy.port}`, '--store.database=late',
        `--receive.http.endpoint=127.0.0.1:${listening}`, ...anyPort]);
      await heard;
      const weir = { url: (_, path) => `http://127.0.0.1:${listening}${path}` };
      assert.equal((await exportJson(weir, 'logs', logRequest(['early'], { service: 'bird' }))).status, 200);
      letGo();
      const p = await starting;
      const admin = `http://127.0.0.1:${p.ready.admin}`;
      assert.equal((await fetch(`${admin}/flush`, { method: 'POST' })).status, 200);
      assert.equal((await fetch(`${admin}/ready`)).status, 200);
      const jobs = (await (await fetch(`${admin}/status`)).json()).jobs;
      assert.ok(jobs.some((j) => j.name === 'retention'), JSON.stringify(jobs));
      assert.deepEqual(await sql(port, "SELECT body FROM late.otel_logs WHERE service_name = 'bird'"), [{ body: 'early' }]);
      p.child.kill('SIGTERM');
      assert.equal((await p.exited).code, 0);
    });
  } finally {
    proxy.close();
    owner.child.kill('SIGTERM');
    await owner.exited;
  }
});
