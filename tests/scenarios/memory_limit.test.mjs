// Memory is short: requests are refused with a retryable status, nothing acknowledged is lost, resident memory stays where it is stated to stay,
// and weir takes requests again by itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Weir, temporaryFolder, until } from '../harness/weir.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { checkExactlyOnce, readAckLog, startLoadgen } from '../harness/loadgen.mjs';
import { sql, withStoredRows } from '../harness/sql.mjs';

const MIB = 1 << 20;
const SLACK = 100 * MIB; // what one interval of 100 ms and the engine can add past the hard limit

const load = (weir, seconds, log) =>
  startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--signals', 'traces,logs', '--duration', `${seconds}s`, '--seed', '1', '--ack-log', log]);

// Metrics until `done`: the most there was of each.
async function watch(weir, done, names) {
  const most = Object.fromEntries(names.map((n) => [n, 0]));
  let ended = false;
  const summary = done.finally(() => (ended = true));
  await until('the load to end', async () => {
    const m = await weir.metrics();
    for (const n of names) most[n] = Math.max(most[n], m[n] ?? 0);
    return ended;
  }, { seconds: 120 });
  return { most, summary: await summary };
}

// The store is tried again every 30 s at the latest.
const taken = (weir) => until('requests are taken again', async () => (await exportJson(weir, 'logs', logRequest(['after'], { service: 'after' }))).status === 200, { seconds: 90 });

// The collector is limited far below what it would hold for a store that is away.
test('what waits for the store stays below the soft limit', async () => {
  const options = { 'receive.workers': 1, 'batch.timeout': '200ms', 'memory.limit': '1000MiB', 'memory.soft_percentage': 6 };
  const weir = new Weir(options, { dir: temporaryFolder(), shape: 'three' });
  try {
    await weir.start();
    await weir.kill('storage-writer');
    const log = join(weir.dir, 'acknowledged'), soft = 60 * MIB;
    const load_ = load(weir, 2, log);
    const { most, summary } = await watch(weir, load_.done, ['process_resident_memory_bytes', 'weir_memory_refusals_total']);
    assert.ok(most.weir_memory_refusals_total > 0, `refused: ${JSON.stringify(most)}`);
    assert.ok(most.process_resident_memory_bytes < soft + SLACK, `at most ${most.process_resident_memory_bytes / MIB} MiB resident, the soft limit is 60`);
    assert.ok(summary.signals.traces.acknowledged.items > 0);
    const refused = await exportJson(weir, 'logs', logRequest(['refused'], { service: 'refused' }));
    assert.equal(refused.status, 429);
    assert.match(JSON.parse(refused.bytes).message, /memory.limit/);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1, 'says when to come back');
    await weir.restart('storage-writer');
    await taken(weir);
    await weir.flush();
    const query = (text) => sql(weir.ports.clickhouse, text);
    assert.ok((await checkExactlyOnce(query, readAckLog(log))) > 0);
    await weir.stop();
  } finally {
    weir.killAll();
  }
});

// All in one process, offered more than it can take.
test('under overload resident memory stays below the hard limit', async () => {
  const options = { 'memory.limit': '700MiB', 'memory.soft_percentage': 80, 'memory.limit_percentage': 90 };
  const weir = new Weir(options, { dir: temporaryFolder(), shape: 'one' });
  try {
    await weir.start();
    const log = join(weir.dir, 'acknowledged'), hard = 630 * MIB;
    const load_ = load(weir, 10, log);
    const { most } = await watch(weir, load_.done, ['process_resident_memory_bytes', 'weir_memory_refusals_total', 'weir_inflight_bytes']);
    assert.ok(most.process_resident_memory_bytes < hard + SLACK, `at most ${most.process_resident_memory_bytes / MIB} MiB resident, the hard limit is 630`);
    await taken(weir);
    await weir.flush();
    const ledger = await weir.ledger();
    for (const s of Object.values(ledger)) assert.equal(s.balance, 0);
    await weir.stop();
    await withStoredRows(weir.dir, {}, async (query) => assert.ok((await checkExactlyOnce(query, readAckLog(log))) > 0));
    if (process.env.WEIR_TEST_VERBOSE) console.log(most);
  } finally {
    weir.killAll();
  }
});

test('a limit that is too little to work with is said at the start, and by check-config', async () => {
  const weir = new Weir({ 'memory.limit': '100MiB' }, { dir: temporaryFolder(), shape: 'one' });
  await assert.rejects(weir.start(), /memory.limit: 90 % of 100 MiB is too little to work with, 544 MiB are needed/);
});
