// The soak: loadgen sends all signals while weir's processes are killed with SIGKILL at random moments and, as three processes, the store fails at
// random (see harness/faulty_store.mjs). At the end everything acknowledged is stored exactly once and the ledger balances to the item.
//
//   WEIR_TEST_KILLS (10; `./dev soak`: 100), WEIR_TEST_SEED (random, printed), WEIR_TEST_RATE (3000 items of each signal a second)
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Weir, temporaryFolder } from '../harness/weir.mjs';
import { acknowledgedItems, checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { randomFrom, startFaultyStore } from '../harness/faulty_store.mjs';
import { sql, withStoredRows } from '../harness/sql.mjs';

const kills = Number(process.env.WEIR_TEST_KILLS || 10);
const seed = Number(process.env.WEIR_TEST_SEED || Math.floor(Math.random() * 2 ** 32));
const rate = process.env.WEIR_TEST_RATE || '3000';

// What every process must hold at a quiet moment.
async function checkLedger(weir) {
  for (const [signal, l] of Object.entries(await weir.ledger())) {
    assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
    assert.deepEqual([l.journal, l.dropped, l.rejected], [0, 0, 0], `${signal}: ${JSON.stringify(l)}`);
  }
}

test(`${kills} kills at random moments, store errors: everything acknowledged is stored exactly once`, async () => {
  console.log(`seed ${seed}`);
  const random = randomFrom(seed);
  let proxy = null;
  const between = async (port) => (proxy = await startFaultyStore(port, { random, share: 0.1 })).port;
  const options = { 'batch.timeout': '300ms', 'batch.send_batch_size': 2000, 'journal.segment_size': '1MiB' };
  const weir = new Weir(options, { dir: temporaryFolder(), between });
  const victims = weir.shape === 'one' ? ['run'] : ['collector', 'storage-writer'];
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', rate, '--batch', '200', '--series', '50', '--seed', String(seed),
      '--duration', '0', '--ack-log', ackLog]);
    for (let i = 0, before = 0; i < kills; i++) {
      before = await load.acknowledgedPast(ackLog, before + 1000);
      await pause(500 * random()); // any moment: not a wait for an event
      const victim = victims[Math.floor(random() * victims.length)];
      await weir.kill(victim);
      await weir.restart(victim);
    }
    await load.acknowledgedPast(ackLog, 0);
    load.child.kill('SIGTERM');
    const summary = await load.done;
    for (const [signal, s] of Object.entries(summary.signals)) assert.deepEqual([s.rejected, s.failed.items], [0, 0], `${signal}: ${JSON.stringify(s)}`);
    await weir.flush();
    await checkLedger(weir);
    const acked = readAckLog(ackLog);
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
    console.log(`${total} acknowledged items, ${kills} kills${proxy ? `, store faults ${JSON.stringify(proxy.faults)}` : ''}: each stored once`);
  } catch (e) {
    throw weir.explain(e);
  } finally {
    proxy?.close();
    weir.killAll();
  }
});
