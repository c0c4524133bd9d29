// The store behind HTTP: two addresses of which one is gone, TLS with certificates and a password from a file, a second store that has no tables
// yet, and a query-api that is killed while it is asked.
import test from 'node:test';
import assert from 'node:assert/strict';
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

test('certificates, a password from a file and zstd are between weir and its store, and the password is in no log', async () => {
  const mine = authority(), other = authority('somebody else');
  const server = mine.issue('store'), client = mine.issue('weir');
  const password = join(temporaryFolder(), 'password');
  writeFileSync(password, 'hush-hush\n');
  let proxy = null;
  const between = async (port) => (proxy ??= await startTlsStore(port, { cert: server.pem, key: server.keyPem, ca: mine.pem, requestCert: true, rejectUnauthorized: true })).url;
  const tls = { 'store.tls.ca_file': mine.file, 'store.tls.cert_file': client.cert, 'store.tls.key_file': client.key };
  const weir = new Weir({ 'batch.timeout': '50ms' }, { between, betweenQueries: between });
  try {
    // The storage-writer hosts the engine: what is said of a server does not concern it.
    Object.assign(weir.options, tls, { 'store.user': 'default', 'store.compression': 'zstd' });
    await weir.start();
    assert.equal((await exportJson(weir, 'logs', logRequest(lines(20, 'sealed')))).status, 200);
    await weir.flush();
    const answer = await loki(weir, '{service_name="hand"}');
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(linesOf(answer), lines(20, 'sealed').sort());
    const inserts = proxy.requests.filter((r) => /INSERT/.test(decodeURIComponent(r.url)));
    assert.ok(inserts.length > 0);
    for (const r of inserts) assert.equal(r.headers['content-encoding'], 'zstd');
    for (const r of proxy.requests) assert.equal(r.headers['x-clickhouse-key'], undefined);
    assert.ok(proxy.requests.some((r) => r.headers['accept-encoding'] === 'zstd'));

    // A server that somebody else has certified is not believed: what comes waits, and no header went there.
    await weir.kill('collector');
    Object.assign(weir.options, { 'store.tls.ca_file': other.file, 'store.password_file': password });
    const seen = proxy.requests.length;
    await weir.restart('collector');
    assert.equal((await exportJson(weir, 'logs', logRequest(lines(3, 'waiting')))).status, 200);
    const status = async () => (await fetch(weir.url('ingestAdmin', '/status'))).json();
    await until('the store is not believed', async () => /certificate/.test((await status()).exporters[0].last_error ?? ''));
    assert.equal(proxy.requests.slice(seen).filter((r) => r.headers['x-clickhouse-key']).length, 0);
    assert.equal((await fetch(weir.url('ingestAdmin', '/ready'))).status, 200, 'a collector takes what comes');

    // Again with the right authority: the password of the file goes with every request.
    await weir.kill('collector');
    Object.assign(weir.options, { 'store.tls.ca_file': mine.file });
    await weir.restart('collector');
    await until('the password was sent', () => proxy.requests.some((r) => r.headers['x-clickhouse-key'] === 'hush-hush'));
    await weir.kill('collector');

    // Without a look at the certificate: the log warns.
    delete weir.options['store.password_file'];
    Object.assign(weir.options, { 'store.tls.ca_file': other.file, 'store.tls.insecure_skip_verify': 'true' });
    await weir.restart('collector');
    await weir.flush();
    assert.ok(weir.processes.collector.log.some((l) => /level=warn .*insecure_skip_verify/.test(l)));
    assert.deepEqual(linesOf(await loki(weir, '{service_name="hand"} |= "waiting"')), lines(3, 'waiting'));
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
