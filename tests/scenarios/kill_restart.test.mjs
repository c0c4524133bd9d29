// weir is killed with SIGKILL while loadgen runs, several times, and started again: every acknowledged span, log record and sample is stored
// exactly once, and the ledger balances. As three processes, the collector and the storage-writer are killed in turn.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Weir, temporaryFolder, topology } from '../harness/weir.mjs';
import { acknowledgedItems, checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { sql, withStoredRows } from '../harness/sql.mjs';

const kills = Number(process.env.WEIR_TEST_KILLS || 4);

test(`after ${kills} kills under load everything acknowledged is stored exactly once`, async () => {
  const options = { 'batch.timeout': '300ms', 'batch.send_batch_size': 2000 };
  const weir = new Weir(options, { dir: temporaryFolder() });
  const victims = weir.shape === 'one' ? ['run'] : ['collector', 'storage-writer'];
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    // The load goes on while weir is away; a request whose answer was lost is not sent again.
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', '4000', '--batch', '200', '--series', '50', '--seed', '7',
      '--duration', '0', '--ack-log', ackLog]);
    let before = 0;
    for (let i = 0; i < kills; i++) {
      before = await load.acknowledgedPast(ackLog, before + 3000);
      await pause(400 * Math.random()); // any moment of a batch: not a wait for an event
      const victim = victims[i % victims.length];
      await weir.kill(victim);
      await weir.restart(victim);
    }
    await load.acknowledgedPast(ackLog, before + 3000);
    load.child.kill('SIGTERM');
    const summary = await load.done;
    for (const [signal, s] of Object.entries(summary.signals)) assert.deepEqual([s.rejected, s.failed.items], [0, 0], `${signal}: ${JSON.stringify(s)}`);
    await weir.flush();
    for (const [signal, l] of Object.entries(await weir.ledger())) {
      assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
      assert.equal(l.journal, 0, `${signal}: ${JSON.stringify(l)}`);
      assert.equal(l.dropped, 0, `${signal}: ${JSON.stringify(l)}`);
    }
    const acked = readAckLog(ackLog);
    for (const [signal, s] of Object.entries(summary.signals)) assert.equal(acknowledgedItems({ [signal]: acked[signal] }), s.acknowledged.items, `${signal} in the log`);
    const total = acknowledgedItems(acked);
    let checked = 0;
    if (weir.shape === 'one') {
      await weir.stop();
      await withStoredRows(weir.dir, options, async (query) => (checked = await checkExactlyOnce(query, acked)));
    } else {
      checked = await checkExactlyOnce((text) => sql(weir.ports.clickhouse, text), acked);
      await weir.stop();
    }
    assert.equal(checked, total);
    console.log(`${total} acknowledged items, ${kills} kills: each stored once`);
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});

// So many, and so small, that a loop takes several requests at a time (ingest/shard.c).
test('of 300 clients with small requests everything acknowledged is stored exactly once, over kills', { skip: topology !== 'one' }, async () => {
  const options = { 'batch.timeout': '300ms', 'batch.send_batch_size': 2000 };
  const weir = new Weir(options, { dir: temporaryFolder() });
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--signals', 'traces,logs', '--rate', '3500', '--batch', '10', '--connections', '300',
      '--streams', '1', '--seed', '11', '--duration', '0', '--ack-log', ackLog]);
    let before = 0;
    for (let i = 0; i < 2; i++) {
      before = await load.acknowledgedPast(ackLog, before + 4000);
      await weir.kill();
      await weir.restart();
    }
    await load.acknowledgedPast(ackLog, before + 4000);
    load.child.kill('SIGTERM');
    await load.done;
    await weir.flush();
    for (const [signal, l] of Object.entries(await weir.ledger())) assert.deepEqual([l.balance, l.journal, l.dropped], [0, 0, 0], `${signal}: ${JSON.stringify(l)}`);
    const acked = readAckLog(ackLog);
    await weir.stop();
    await withStoredRows(weir.dir, options, async (query) => assert.equal(await checkExactlyOnce(query, acked), acknowledgedItems(acked)));
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});

// The journal takes a damaged note of the boot for another boot.
test('after a restart of the machine what the embedded engine has confirmed is sent again, and stored once', { skip: topology !== 'one' }, async () => {
  const options = { 'batch.timeout': '300ms', 'batch.send_batch_size': 2000 };
  const weir = new Weir(options, { dir: temporaryFolder() });
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    // 200 of each: a journal that holds a megabyte when it falls idle has the store made durable and begins anew, and nothing would be in doubt.
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', '1000', '--batch', '20', '--series', '50', '--seed', '9',
      '--duration', '200ms', '--ack-log', ackLog]);
    await load.done;
    await weir.flush();
    await weir.kill();
    const journal = join(weir.dir, 'journal');
    for (const shard of readdirSync(journal)) writeFileSync(join(journal, shard, 'boot'), 'another boot');
    await weir.restart();
    await weir.flush();
    const m = await weir.metrics();
    for (const signal of ['traces', 'logs', 'metrics']) assert.ok(m[`weir_journal_replayed_requests_total{signal="${signal}"}`] > 0, `${signal} is read back`);
    for (const [signal, l] of Object.entries(await weir.ledger())) assert.deepEqual([l.balance, l.journal, l.dropped], [0, 0, 0], `${signal}: ${JSON.stringify(l)}`);
    await weir.stop();
    const acked = readAckLog(ackLog);
    await withStoredRows(weir.dir, options, async (query) => assert.equal(await checkExactlyOnce(query, acked), acknowledgedItems(acked)));
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});
