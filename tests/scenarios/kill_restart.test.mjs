// weir is killed with SIGKILL while loadgen runs, several times, and started again: every acknowledged span, log record and sample is stored
// exactly once, and the ledger balances.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Weir, temporaryFolder } from '../harness/weir.mjs';
import { checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { sql, withStoredRows } from '../harness/sql.mjs';

const kills = Number(process.env.WEIR_TEST_KILLS || 3);

test(`after ${kills} kills under load everything acknowledged is stored exactly once`, async () => {
  const options = { 'batch.timeout': '300ms', 'batch.send_batch_size': 2000 };
  const weir = new Weir(options, { dir: temporaryFolder() });
  try {
    await weir.start();
    const ackLog = join(temporaryFolder(), 'acked');
    // The load goes on while weir is away; a request whose answer was lost is not sent again under its number.
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', '6000', '--batch', '200', '--series', '50', '--seed', '7',
      '--duration', `${kills * 3 + 2}s`, '--ack-log', ackLog]);
    for (let i = 0; i < kills; i++) {
      await pause(1200 + 700 * Math.random()); // a moment of the load, not a wait for an event
      await weir.kill();
      await weir.restart();
    }
    const summary = await load.done;
    await weir.flush();
    for (const [signal, l] of Object.entries(await weir.ledger())) {
      assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
      assert.equal(l.journal, 0, `${signal}: ${JSON.stringify(l)}`);
    }
    const acked = readAckLog(ackLog);
    const total = Object.values(acked).reduce((n, m) => n + [...m.values()].reduce((a, b) => a + b, 0), 0);
    assert.ok(total > 5000, `only ${total} items were acknowledged: ${JSON.stringify(summary)}`);
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
  } finally {
    weir.killAll();
  }
});
