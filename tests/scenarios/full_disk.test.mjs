// The journal's cap is reached, its disk is down to the reserve, or is full to the last byte: requests are refused with a retryable status,
// nothing acknowledged is lost, and weir recovers by itself. The storage-writer is killed meanwhile, so that the journal cannot drain.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Weir, temporaryFolder, until } from '../harness/weir.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql } from '../harness/sql.mjs';

const send = (weir, lines) => exportJson(weir, 'logs', logRequest(lines, { service: 'filler' }));

// Sends log requests until one is refused, which it returns.
async function fill(weir, acknowledged, limit = 4000) {
  for (let i = 0; i < limit; i++) {
    const lines = Array.from({ length: 50 }, (_, k) => `line ${acknowledged.length}-${k} ${'x'.repeat(200)}`);
    const r = await send(weir, lines);
    if (r.status !== 200) return r;
    acknowledged.push(...lines);
  }
  throw new Error(`never refused after ${acknowledged.length} lines`);
}

function isRefusal(r) {
  assert.ok([429, 503].includes(r.status), `refused with ${r.status}: a retryable status (OTLP O9)`);
  const status = JSON.parse(r.bytes);
  assert.equal(status.code, 14, 'UNAVAILABLE');
  assert.match(status.message, /journal|disk|space/, 'the message says what is full');
}

const readiness = async (weir) => (await fetch(weir.url('ingestAdmin', '/ready'))).status;

// steps.full: what happens once requests are refused, before the storage-writer is back; steps.back: after that.
async function scenario(options, { full = async () => {}, back = async () => {} } = {}) {
  const weir = new Weir({ 'receive.workers': 1, 'batch.timeout': '200ms', ...options }, { dir: temporaryFolder(), shape: 'three' });
  try {
    await weir.start();
    const acknowledged = ['first'];
    assert.equal((await send(weir, acknowledged)).status, 200);
    await weir.flush();
    await weir.kill('storage-writer');
    isRefusal(await fill(weir, acknowledged));
    assert.ok(acknowledged.length > 1000, `refused after ${acknowledged.length} lines`);
    assert.equal(await readiness(weir), 503);
    await full(weir, acknowledged);
    await weir.restart('storage-writer');
    await back(weir, acknowledged);
    let n = 0;
    await until('requests are taken again', async () => {
      const line = `after ${n++}`; // one that is refused must not be stored
      const { status } = await send(weir, [line]);
      if (status === 200) acknowledged.push(line);
      return status === 200;
    });
    await until('ready again', async () => (await readiness(weir)) === 200);
    await weir.flush();
    const rows = await sql(weir.ports.clickhouse, `SELECT body, count() n FROM otel_logs WHERE service_name = 'filler' GROUP BY body`);
    const stored = new Map(rows.map((r) => [r.body, Number(r.n)]));
    for (const line of acknowledged) assert.equal(stored.get(line), 1, `"${line.slice(0, 40)}" is stored ${stored.get(line) ?? 0} times`);
    assert.equal(rows.length, acknowledged.length, 'what was refused is not stored');
    const ledger = (await weir.ledger()).logs;
    assert.equal(ledger.balance, 0, JSON.stringify(ledger));
    assert.equal(ledger.journal, 0, JSON.stringify(ledger));
    assert.equal(ledger.dropped, 0, JSON.stringify(ledger));
    await weir.stop();
    weir.checkReports();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
}

test('a journal at its cap refuses, loses nothing, and recovers', () => scenario({ 'journal.max_size': '2MiB', 'journal.segment_size': '256KiB' }));

async function onSmallDisk(t, fn) {
  const mount = mkdtempSync(join(tmpdir(), 'weir-tmpfs-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch (e) {
    rmdirSync(mount);
    t.skip(`no tmpfs can be mounted here: ${String(e.stderr).trim()}`);
    return;
  }
  try {
    await fn(mount);
  } finally {
    execFileSync('umount', ['-l', mount]);
    rmdirSync(mount);
  }
}

// Takes all that is left of the file system. Returns what gives it back.
function takeTheRest(folder) {
  const file = join(folder, 'ballast');
  const fd = openSync(file, 'w');
  for (let size = 1 << 20; size >= 1; ) {
    try {
      writeSync(fd, Buffer.alloc(size, 1));
    } catch (e) {
      if (e.code !== 'ENOSPC') throw e;
      size >>= 1;
    }
  }
  closeSync(fd);
  assert.equal(statfsSync(folder).bavail, 0);
  return () => unlinkSync(file);
}

test('a disk down to the reserve refuses; killed then and started again, weir loses nothing and recovers', (t) =>
  onSmallDisk(t, (disk) => scenario({ 'journal.dir': disk, 'journal.segment_size': '256KiB', 'journal.reserve': '1MiB' }, {
    full: async (weir) => {
      await weir.kill('collector');
      await weir.restart('collector');
      isRefusal(await send(weir, [`refused ${'r'.repeat(9000)}`])); // more than what is left of the last page
    },
  })));

test('a disk that others fill to the last byte refuses, loses nothing, and recovers once there is room', (t) =>
  onSmallDisk(t, async (disk) => {
    let giveBack;
    const options = { 'journal.dir': disk, 'journal.segment_size': '256KiB', 'journal.reserve': '1MiB' };
    await scenario(options, {
      full: async (weir) => {
        giveBack = takeTheRest(disk);
        isRefusal(await send(weir, [`refused ${'r'.repeat(9000)}`])); // more than what is left of the last page
      },
      back: async (weir) => {
        isRefusal(await send(weir, [`refused too ${'r'.repeat(9000)}`]));
        giveBack();
      },
    });
  }));

// Other than above the space goes while requests are under way: the write itself fails, not the look at what is left before it.
test('a write that finds the disk full is refused and cut off', (t) =>
  onSmallDisk(t, async (disk) => {
    const options = { 'journal.dir': disk, 'journal.segment_size': '256KiB', 'journal.reserve': '1MiB' };
    let giveBack;
    await scenario(options, {
      full: async (weir, acknowledged) => {
        await weir.restart('storage-writer');
        await until('room again', async () => (await readiness(weir)) === 200);
        await weir.flush();
        await weir.kill('storage-writer');
        const before = Array.from({ length: 8 }, (_, i) => `before ${i}`);
        assert.equal((await send(weir, before)).status, 200); // now what is left is known, for a moment
        acknowledged.push(...before);
        giveBack = takeTheRest(disk);
        const lines = Array.from({ length: 20 }, (_, i) => `full ${i} ${'y'.repeat(9000)}`);
        const answers = await Promise.all(lines.map((l) => send(weir, [l])));
        answers.forEach((r, i) => (r.status === 200 ? acknowledged.push(lines[i]) : isRefusal(r)));
        assert.ok(answers.some((r) => r.status !== 200));
      },
      back: async () => giveBack(),
    });
  }));
