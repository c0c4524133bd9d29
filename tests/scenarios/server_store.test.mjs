// The store behind HTTP: two addresses of which one is gone, TLS with certificates and a password from a file, a second store that has no tables
// yet, and a query-api that is killed while it is asked.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, plainBinary, run, startProcess, temporaryFolder, until, withWeir } from '../harness/weir.mjs';
import { acknowledgedItems, checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { authority } from '../harness/certs.mjs';
import { Address, startTlsStore } from '../harness/store_proxy.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql } from '../harness/sql.mjs';

const lines = (n, word = 'line') => Array.from({ length: n }, (_, i) => `${word} ${i}`);
const loki = (weir, query) => weir.query('/loki/api/v1/query_range', { query, limit: '1000', start: `${Date.now() - 3600e3}000000`, end: `${Date.now() + 3600e3}000000` });
const linesOf = (answer) => answer.json.data.result.flatMap((s) => s.values.map((v) => v[1])).sort();
const load = (weir, file, seed, rate = '2000') => startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', rate, '--batch', '100', '--series', '50',
  '--seed', seed, '--duration', '0', '--ack-log', file]);

// A store that fails is tried again soon: what waits for that is the test.
function impatient() {
  const file = join(temporaryFolder(), 'w.yaml');
  const all = '{receivers: [otlp], exporters: [clickhouse]}';
  writeFileSync(file, `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
exporters: {clickhouse: {retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}}
service: {pipelines: {traces: ${all}, logs: ${all}, metrics: ${all}}}
`);
  return file;
}

// Ends the load; what was acknowledged is stored exactly once.
async function checkLoad(weir, running, file) {
  running.child.kill('SIGTERM');
  const summary = await running.done;
  for (const [signal, s] of Object.entries(summary.signals)) assert.deepEqual([s.rejected, s.failed.items], [0, 0], `${signal}: ${JSON.stringify(s)}`);
  await weir.flush();
  for (const [signal, l] of Object.entries(await weir.ledger())) assert.deepEqual([l.balance, l.journal, l.dropped], [0, 0, 0], `${signal}: ${JSON.stringify(l)}`);
  const acked = readAckLog(file);
  assert.equal(await checkExactlyOnce((text) => sql(weir.ports.clickhouse, text), acked), acknowledgedItems(acked));
}

test('of two addresses of a store one is always gone in turn: nothing is lost, nothing stored twice, queries are answered', async () => {
  const addresses = [];
  const both = async (port) => {
    if (!addresses.length) addresses.push(await Address.open(port), await Address.open(port));
    return addresses.map((a) => a.url).join(',');
  };
  await withWeir({ 'batch.timeout': '200ms', 'batch.send_batch_size': 1000 }, async (weir) => {
    assert.equal((await exportJson(weir, 'logs', logRequest(lines(5, 'before')))).status, 200);
    await weir.flush();
    const file = join(temporaryFolder(), 'acked');
    const running = load(weir, file, '11');
    let before = 0;
    for (let turn = 0; turn < 4; turn++) {
      before = await running.acknowledgedPast(file, before + 1500);
      const gone = addresses[turn % 2];
      await gone.stop();
      before = await running.acknowledgedPast(file, before + 1500);
      for (let i = 0; i < 3; i++) {
        const answer = await loki(weir, '{service_name="hand"}');
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(linesOf(answer), lines(5, 'before'));
      }
      await gone.start();
    }
    await checkLoad(weir, running, file);
    assert.ok(addresses.every((a) => a.taken > 0));
    const told = weir.processes.collector.log.filter((l) => l.includes('an address of the store fails'));
    assert.ok(told.length >= 1 && told.length < 20, `${told.length} lines`);
  }, { between: both, betweenQueries: both, config: impatient() });
  for (const a of addresses) await a.stop();
});

for (const compression of ['zstd', 'lz4'])
  test(`certificates, a password from a file and ${compression} are between weir and its store, and the password is in no log`, async () => {
    const mine = authority(), other = authority('somebody else');
    const server = mine.issue('store'), client = mine.issue('weir');
    const dir = temporaryFolder();
    const file = (name, text) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const password = file('password', 'hush-hush\n');
    const users = file('users.yaml', `users: {default: {password_sha256: ${createHash('sha256').update('hush-hush').digest('hex')}}}\n`);
    let proxy = null;
    const between = async (port) => (proxy ??= await startTlsStore(port, { cert: server.pem, key: server.keyPem, ca: mine.pem, requestCert: true, rejectUnauthorized: true })).url;
    const weir = new Weir({
      'batch.timeout': '50ms', 'clickhouse.users_file': users, 'store.password_file': password, 'store.compression': compression,
      'store.tls.ca_file': mine.file, 'store.tls.cert_file': client.cert, 'store.tls.key_file': client.key,
    }, { between, betweenQueries: between });
    try {
      await weir.start();
      assert.equal((await exportJson(weir, 'logs', logRequest(lines(20, 'sealed')))).status, 200);
      await weir.flush();
      const answer = await loki(weir, '{service_name="hand"}');
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(linesOf(answer), lines(20, 'sealed').sort());
      const is = (r, word) => decodeURIComponent(r.url).includes(word);
      const inserts = proxy.requests.filter((r) => is(r, 'INSERT')), selects = proxy.requests.filter((r) => is(r, 'readonly=2'));
      assert.ok(inserts.length > 0 && selects.length > 0);
      for (const r of inserts) assert.equal(r.headers['content-encoding'], compression);
      for (const r of selects) assert.equal(r.headers['accept-encoding'], compression);
      assert.ok(selects.some((r) => r.answered === compression), JSON.stringify(selects.map((r) => r.answered)));
      for (const r of proxy.requests) assert.equal(r.headers['x-clickhouse-key'], 'hush-hush');
      if (compression === 'zstd') {
        // A server that somebody else has certified is not believed: what comes waits, and no header went there.
        await weir.kill('collector');
        weir.options['store.tls.ca_file'] = other.file;
        const seen = proxy.requests.length;
        await weir.restart('collector');
        assert.equal((await exportJson(weir, 'logs', logRequest(lines(3, 'waiting')))).status, 200);
        const status = async () => (await fetch(weir.url('ingestAdmin', '/status'))).json();
        await until('the store is not believed', async () => /certificate/.test((await status()).exporters[0].last_error ?? ''));
        assert.ok(!proxy.requests.slice(seen).some((r) => is(r, 'INSERT')));
        assert.equal((await fetch(weir.url('ingestAdmin', '/ready'))).status, 200, 'a collector takes what comes');

        // Without a look at the certificate it is: the log warns.
        await weir.kill('collector');
        weir.options['store.tls.insecure_skip_verify'] = 'true';
        await weir.restart('collector');
        await weir.flush();
        assert.ok(weir.processes.collector.log.some((l) => /level=warn .*insecure_skip_verify/.test(l)));
        assert.deepEqual(linesOf(await loki(weir, '{service_name="hand"} |= "waiting"')), lines(3, 'waiting'));

        // A password that the store refuses is told at the start, and what comes waits until it is the right one.
        await weir.kill('collector');
        weir.options['store.password_file'] = file('wrong', 'hush-hush-hush\n');
        await weir.restart('collector');
        assert.ok(weir.processes.collector.log.some((l) => /level=warn .*refuses weir's credentials.*AUTHENTICATION_FAILED/.test(l)), weir.processes.collector.log.join('\n'));
        assert.equal((await exportJson(weir, 'logs', logRequest(lines(4, 'locked out')))).status, 200);
        await until('it is tried', async () => /AUTHENTICATION_FAILED/.test((await status()).exporters[0].last_error ?? ''));
        await weir.kill('collector');
        weir.options['store.password_file'] = password;
        await weir.restart('collector');
        await weir.flush();
        assert.deepEqual(linesOf(await loki(weir, '{service_name="hand"} |= "locked out"')), lines(4, 'locked out').sort());
      }
      for (const [, p] of weir.started) assert.ok(!p.log.some((l) => l.includes('hush-hush')));
      await weir.stop();
    } catch (e) {
      throw weir.explain(e);
    } finally {
      weir.killAll();
      proxy?.close();
    }
  });

test('a second clickhouse exporter waits until its owner has made the tables, and then both stores have each item once', async () => {
  const second = await startProcess(plainBinary, ['storage-writer', '--data', temporaryFolder(), '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0']);
  const url = `http://127.0.0.1:${second.ready.clickhouse}`;
  const config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  clickhouse:
  clickhouse/second: {endpoint: "${url}", database: copy, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [clickhouse, clickhouse/second]}
    logs: {receivers: [otlp], exporters: [clickhouse, clickhouse/second]}
    metrics: {receivers: [otlp], exporters: [clickhouse, clickhouse/second]}
`);
  try {
    await withWeir({ 'batch.timeout': '100ms' }, async (weir) => {
      assert.equal((await exportJson(weir, 'logs', logRequest(lines(10)))).status, 200);
      const says = () => weir.processes.collector.log.filter((l) => l.includes('exporter=clickhouse/second') && l.includes('a destination fails'));
      await until('what to do about it is told', () => says().length > 0);
      assert.ok(says()[0].includes('the tables are not there (`weir migrate --store ' + url + ' --store.database copy` makes them)'), says()[0]);
      const file = join(temporaryFolder(), 'acked');
      const running = load(weir, file, '12', '1000');
      await running.acknowledgedPast(file, 2000);
      assert.ok(says().length < 4, `${says().length} lines for one destination`);

      const made = await run(plainBinary, ['migrate', '--store', url, '--store.database', 'copy']); // as the log said
      assert.equal(made.code, 0, made.stderr);
      await running.acknowledgedPast(file, 4000);
      await checkLoad(weir, running, file);
      const acked = readAckLog(file);
      const copy = (text) => sql(second.ready.clickhouse, text.replaceAll('FROM otel_', 'FROM copy.otel_').replaceAll('JOIN otel_', 'JOIN copy.otel_'));
      assert.equal(await checkExactlyOnce(copy, acked), acknowledgedItems(acked));
      for (const query of [copy, (text) => sql(weir.ports.clickhouse, text)])
        assert.deepEqual((await query("SELECT body FROM otel_logs WHERE service_name = 'hand' ORDER BY body")).map((r) => r.body), lines(10));
      const over = weir.processes.collector.log.filter((l) => l.includes('a destination works again') && l.includes('clickhouse/second'));
      assert.equal(over.length, 1, over.join('\n'));
      assert.match(over[0], /failed_tries=\d+/);
    }, { config });
  } finally {
    second.child.kill('SIGKILL');
  }
});

test('a query-api or a storage-writer that is killed while queries run gives right answers or none, and the next query is answered', async () => {
  await withWeir({ 'batch.timeout': '100ms' }, async (weir) => {
    assert.equal((await exportJson(weir, 'logs', logRequest(lines(50)))).status, 200);
    await weir.flush();
    const file = join(temporaryFolder(), 'acked');
    const running = load(weir, file, '13', '500');
    const want = lines(50).sort();
    const seen = { right: 0, none: 0, failed: 0 };
    let ending = false;
    const rest = () => new Promise((resolve) => setTimeout(resolve, 20));
    const asking = Array.from({ length: 3 }, async () => {
      while (!ending) {
        let answer = null;
        try {
          answer = await loki(weir, '{service_name="hand"}');
        } catch {
          seen.none++; // the connection: refused, or broken off
          await rest();
          continue;
        }
        if (answer.status >= 500) {
          seen.failed++;
          await rest();
        } else {
          assert.equal(answer.status, 200, answer.text);
          assert.deepEqual(linesOf(answer), want);
          seen.right++;
        }
      }
    });
    for (const [victim, sign] of [['query-api', 'none'], ['storage-writer', 'failed'], ['query-api', 'none']]) {
      const right = seen.right;
      await until('queries are answered', () => seen.right > right + 5);
      const before = seen[sign];
      await weir.kill(victim);
      await until('somebody has noticed', () => seen[sign] > before);
      await weir.restart(victim);
      assert.deepEqual(linesOf(await loki(weir, '{service_name="hand"}')), want);
    }
    ending = true;
    await Promise.all(asking);
    await checkLoad(weir, running, file);
    console.log(`answers: ${JSON.stringify(seen)}`);
  }, { config: impatient() });
});

test('weir run --store keeps everything at the other end of store.url', async () => {
  const store = await startProcess(plainBinary, ['storage-writer', '--data', temporaryFolder(), '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0']);
  try {
    const weir = new Weir({ 'batch.timeout': '50ms', store: `http://127.0.0.1:${store.ready.clickhouse}` }, { shape: 'one' });
    try {
      await weir.start();
      assert.equal((await exportJson(weir, 'logs', logRequest(lines(7)))).status, 200);
      await weir.flush();
      assert.deepEqual(linesOf(await loki(weir, '{service_name="hand"}')), lines(7));
      assert.deepEqual((await sql(store.ready.clickhouse, 'SELECT count() n FROM otel_logs')).map((r) => r.n), [7]);
      assert.ok(!existsSync(join(weir.dir, 'clickhouse')), 'no database beside it');
      await weir.stop();
    } catch (e) {
      throw weir.explain(e);
    } finally {
      weir.killAll();
    }
    // A storage-writer of that server owns the tables and serves nothing itself.
    const owner = await startProcess(plainBinary, ['storage-writer', '--store', weir.options.store, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0']);
    assert.deepEqual(Object.keys(owner.ready), ['admin']);
    assert.equal((await fetch(`http://127.0.0.1:${owner.ready.admin}/ready`)).status, 200);
    owner.child.kill('SIGTERM');
    assert.equal((await owner.exited).code, 0, owner.log.join('\n'));
  } finally {
    store.child.kill('SIGKILL');
  }
});
