// SIGTERM while load is under way: weir ends by itself with 0, what was acknowledged is stored or in the journal, and after a restart all of it
// is stored once.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Weir, temporaryFolder, topology } from '../harness/weir.mjs';
import { acknowledgedItems, checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql, withStoredRows } from '../harness/sql.mjs';

const ingest = (weir) => (weir.shape === 'one' ? 'run' : 'collector');

// SIGTERM to one process; it must end with 0.
async function terminate(weir, command) {
  const p = weir.processes[command];
  const from = Date.now();
  p.child.kill('SIGTERM');
  const { code, signal } = await p.exited;
  delete weir.processes[command];
  assert.equal(code, 0, `${command} ended with ${code ?? signal}:\n${p.log.slice(-30).join('\n')}`);
  weir.checkReports();
  return Date.now() - from;
}

async function withStored(weir, options, fn) {
  if (weir.shape === 'one') {
    await weir.stop();
    await withStoredRows(weir.dir, options, fn);
  } else {
    await fn((text) => sql(weir.ports.clickhouse, text));
  }
}

test('SIGTERM under load ends with 0 and loses nothing', async () => {
  const options = { 'batch.timeout': '60s', 'batch.send_batch_size': 100000 }; // all that is stored before the end is stored by the end
  const weir = new Weir(options, { dir: temporaryFolder() });
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', '4000', '--batch', '200', '--series', '50', '--duration', '0', '--ack-log', ackLog]);
    const before = await load.acknowledgedPast(ackLog, 5000);
    await terminate(weir, ingest(weir));
    assert.ok(acknowledgedItems(readAckLog(ackLog)) >= before);
    if (weir.shape !== 'one') {
      const [{ n }] = await sql(weir.ports.clickhouse, 'SELECT (SELECT count() FROM otel_traces) + (SELECT count() FROM otel_logs) n');
      assert.ok(n > 0, 'the open blocks were stored before the end');
    }
    await weir.restart(ingest(weir));
    await load.acknowledgedPast(ackLog, acknowledgedItems(readAckLog(ackLog)) + 2000); // the same clients go on
    load.child.kill('SIGTERM');
    const summary = await load.done;
    for (const [signal, s] of Object.entries(summary.signals)) assert.deepEqual([s.rejected, s.failed.items], [0, 0], `${signal}: ${JSON.stringify(s)}`);
    await weir.flush();
    for (const [signal, l] of Object.entries(await weir.ledger())) assert.deepEqual([l.balance, l.journal, l.dropped], [0, 0, 0], `${signal}: ${JSON.stringify(l)}`);
    const acked = readAckLog(ackLog);
    await withStored(weir, options, async (query) => assert.equal(await checkExactlyOnce(query, acked), acknowledgedItems(acked)));
    await weir.stop();
    const unanswered = Object.values(summary.signals).reduce((n, s) => n + s.unanswered.requests, 0);
    assert.equal(unanswered, 0, `every request that was taken is answered before the end: ${JSON.stringify(summary)}`);
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});

const skip = topology === 'one' ? 'one process has its store with it' : false;

test('SIGTERM while the store is away ends with 0 in the stated time; the journal keeps what was acknowledged', { skip }, async () => {
  const weir = new Weir({ 'batch.timeout': '200ms', 'shutdown.timeout': '1s' }, { dir: temporaryFolder() });
  try {
    await weir.start();
    await weir.kill('storage-writer');
    const lines = Array.from({ length: 20 }, (_, i) => `kept ${i}`);
    for (const l of lines) assert.equal((await exportJson(weir, 'logs', logRequest([l], { service: 'kept' }))).status, 200);
    const took = await terminate(weir, 'collector');
    assert.ok(took < 5000, `${took} ms`);
    await weir.restart('storage-writer');
    await weir.restart('collector');
    await weir.flush();
    const rows = await sql(weir.ports.clickhouse, `SELECT body, count() n FROM otel_logs WHERE service_name = 'kept' GROUP BY body ORDER BY body`);
    assert.deepEqual(rows, lines.sort().map((body) => ({ body, n: 1 })));
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});
