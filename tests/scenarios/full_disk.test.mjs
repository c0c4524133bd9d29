// The journal's cap is reached, and its disk is full: requests are refused with a retryable status, nothing acknowledged is lost, and weir
// recovers by itself. The store is stopped meanwhile, so that the journal cannot drain.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Weir, temporaryFolder } from '../harness/weir.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';
import { sql } from '../harness/sql.mjs';

// Sends log requests until one is refused. Returns what was acknowledged and the refusal.
async function fill(weir, acknowledged, limit = 4000) {
  for (let i = 0; i < limit; i++) {
    const lines = Array.from({ length: 50 }, (_, k) => `line ${acknowledged.length}-${k} ${'x'.repeat(200)}`);
    const r = await exportJson(weir, 'logs', logRequest(lines, { service: 'filler' }));
    if (r.status !== 200) return r;
    acknowledged.push(...lines);
  }
  throw new Error(`never refused after ${acknowledged.length} lines`);
}

async function until(what, check) {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50)); // polling an outside fact: there is no event to wait for
  }
  throw new Error(`not reached: ${what}`);
}

async function scenario(options) {
  const weir = new Weir({ 'receive.workers': 1, 'batch.timeout': '200ms', 'receive.max_inflight': '1GiB', ...options }, { dir: temporaryFolder(), shape: 'three' });
  try {
    await weir.start();
    const acknowledged = [];
    await exportJson(weir, 'logs', logRequest(['first'], { service: 'filler' }));
    acknowledged.push('first');
    await weir.flush();
    await weir.kill('storage-writer');
    const refused = await fill(weir, acknowledged);
    assert.ok([429, 503].includes(refused.status), `refused with ${refused.status}: a retryable status (OTLP O9)`);
    assert.ok(acknowledged.length > 50);
    assert.match(refused.bytes.toString(), /journal|disk|space/, 'the message says what is full');
    const ready = await fetch(weir.url('ingestAdmin', '/ready'));
    assert.equal(ready.status, 503);

    // Killed while full, it starts again and still has all of it.
    await weir.kill('collector');
    await weir.restart('storage-writer');
    await weir.restart('collector');
    await until('requests are taken again', async () => (await exportJson(weir, 'logs', logRequest(['after'], { service: 'filler' }))).status === 200);
    acknowledged.push('after');
    await weir.flush();
    const rows = await sql(weir.ports.clickhouse, `SELECT body, count() n FROM otel_logs WHERE service_name = 'filler' GROUP BY body`);
    const stored = new Map(rows.map((r) => [r.body, Number(r.n)]));
    for (const line of acknowledged) assert.equal(stored.get(line), 1, `"${line.slice(0, 40)}" is stored ${stored.get(line) ?? 0} times`);
    const ledger = (await weir.ledger()).logs;
    assert.equal(ledger.balance, 0, JSON.stringify(ledger));
    assert.equal(ledger.journal, 0, JSON.stringify(ledger));
    await weir.stop();
  } finally {
    weir.killAll();
  }
}

test('a journal at its cap refuses, loses nothing, and recovers', () => scenario({ 'journal.max_size': '2MiB', 'journal.segment_size': '256KiB' }));

test('a full disk refuses, loses nothing, and recovers', async (t) => {
  const mount = mkdtempSync(join(tmpdir(), 'weir-tmpfs-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch (e) {
    t.skip(`no tmpfs can be mounted here: ${String(e.stderr).trim()}`);
    return;
  }
  try {
    await scenario({ 'journal.dir': mount, 'journal.segment_size': '256KiB', 'journal.reserve': '0' });
  } finally {
    execFileSync('umount', ['-l', mount]);
  }
});
