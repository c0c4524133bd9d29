// Backup and restore: of a running weir and of its folder, to a folder, one file and an object store, whole and incrementally. A restored weir
// gives the same answers byte for byte; half a backup, a damaged one and one of a newer weir are refused.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, plainBinary, run, startProcess, temporaryFolder, withWeir } from '../harness/weir.mjs';
import { ObjectStore, accessKeyId, secretAccessKey } from '../harness/s3.mjs';
import { ask, assertWhole, moment, sendAged } from '../harness/aged.mjs';
import { sql } from '../harness/sql.mjs';

const moments = [moment(3), moment(1), moment(2)];
const options = { 'batch.timeout': '50ms' };
const credentials = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_EC2_METADATA_DISABLED: 'true' };
const outputs = [];

async function weirDoes(command, args, env = {}) {
  const r = await run(plainBinary, [command, ...args], { env: { ...process.env, ...env } });
  outputs.push(r.stdout, r.stderr);
  return { ...r, json: r.code === 0 && args.includes('--json') ? JSON.parse(r.stdout) : null };
}

// What the dialects say of these moments, byte for byte, but how long Loki's answers took.
const took = /"(bytesProcessedPerSecond|linesProcessedPerSecond|execTime|queueTime)":[-+.0-9e]+/g;
async function answers(weir, some) {
  const all = [];
  for (const m of some) {
    const a = await ask(weir, m);
    assertWhole(a, m);
    all.push(...Object.values(a).map((x) => x.text.replace(took, '"$1":0')));
  }
  return all;
}

const restore = (place, dir, ...more) => weirDoes('restore', [place, '--data', dir, '--json', ...more], credentials);

const scratch = temporaryFolder();
let restores = 0;

async function restoredAnswers(place, some, ...more) {
  const dir = join(scratch, `new-${++restores}`);
  const r = await restore(place, dir, ...more);
  assert.equal(r.code, 0, r.stderr);
  assert.ok(r.json.tables >= 8 && r.json.rows > 0, r.stdout);
  let texts;
  await withWeir(options, async (weir) => (texts = await answers(weir, some)), { dir });
  return texts;
}

test('a restored weir gives the same answers, byte for byte', { timeout: 170_000 }, async () => {
  const s3 = await new ObjectStore().start();
  const dir = temporaryFolder(), backups = temporaryFolder();
  const weir = new Weir({ ...options, 'backup.path': backups }, { dir, env: credentials });
  const backup = (...args) => weirDoes('backup', [...args, '--json', '--data', dir, `--backup.path=${backups}`, `--admin.endpoint=127.0.0.1:${weir.ports.ingestAdmin}`]);
  try {
    await weir.start();
    // Whole: what was acknowledged before is in it, although nobody flushed.
    await sendAged(weir, moments[0], { items: 20 });
    const whole = await backup('monday');
    assert.equal(whole.code, 0, whole.stderr);
    assert.equal(whole.json.journal_stored, true);
    assert.ok(existsSync(join(backups, 'monday/.backup')));

    // Incremental: only what is new, as a folder, as one file, in an object store.
    await sendAged(weir, moments[1]);
    const more = await backup('tuesday', '--incremental', 'monday');
    assert.equal(more.code, 0, more.stderr);
    assert.ok(more.json.new_files < more.json.files / 2 && more.json.bytes > whole.json.bytes, more.stdout);
    assert.equal((await backup('whole.tar.zst')).code, 0);
    const there = await backup(s3.url('backups/one'));
    assert.equal(there.code, 0, there.stderr);
    assert.ok(s3.objects('backups/one/').length > 20);
    assert.equal((await backup(s3.url('backups/two'), '--incremental', s3.url('backups/one'))).code, 0);
    assert.ok(s3.objects('backups/two/').length < s3.objects('backups/one/').length / 2);

    // Refused: a place that is taken, one outside backup.path, a base that is not there.
    for (const [args, why] of [[['monday'], /already exists/], [[join(dir, 'elsewhere')], /not allowed/], [['x', '--incremental', 'nothing'], /not found/]]) {
      const r = await backup(...args);
      assert.equal(r.code, 1);
      assert.match(r.stderr, why);
    }
    const [first, both] = [await answers(weir, [moments[0]]), await answers(weir, moments.slice(0, 2))];
    await sendAged(weir, moments[2]); // too late for all of them
    await weir.stop();
    outputs.push(...weir.started.map(([, p]) => p.log.join('\n')));

    // Of a folder on which no weir runs.
    const offline = await backup('offline');
    assert.equal(offline.code, 0, offline.stderr);
    assert.match(offline.stderr, /no weir runs/);

    assert.deepEqual(await restoredAnswers(join(backups, 'monday'), [moments[0]]), first);
    renameSync(join(backups, 'monday'), join(backups, 'moved'));
    const baseless = await restore(join(backups, 'tuesday'), join(scratch, 'baseless'));
    assert.equal(baseless.code, 1);
    assert.match(baseless.stderr, /monday.* not found/);
    assert.deepEqual(await restoredAnswers(join(backups, 'tuesday'), moments.slice(0, 2), '--base', join(backups, 'moved')), both);
    renameSync(join(backups, 'moved'), join(backups, 'monday'));
    assert.deepEqual(await restoredAnswers(join(backups, 'whole.tar.zst'), moments.slice(0, 2)), both);
    assert.deepEqual(await restoredAnswers(s3.url('backups/two'), moments.slice(0, 2)), both);
    const all = await restoredAnswers(join(backups, 'offline'), moments);
    assert.deepEqual(all.slice(0, both.length), both);

    // Not into a folder that holds something.
    const taken = await restore(join(backups, 'monday'), dir);
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /is not empty/);
    for (const text of outputs) assert.ok(!text.includes(secretAccessKey));
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
    await s3.close();
  }
});

test('half a backup, a damaged one and one of a newer weir are refused, and the folder is not used', { timeout: 170_000 }, async () => {
  const dir = temporaryFolder(), backups = temporaryFolder();
  const place = (name) => join(backups, name);
  await withWeir(options, (weir) => sendAged(weir, moments[0], { items: 20 }), { dir });
  const backup = (name) => weirDoes('backup', [place(name), '--data', dir]);
  assert.equal((await backup('good')).code, 0);

  // Killed while it writes: as soon as its first file is there.
  const child = spawn(plainBinary, ['backup', place('half'), '--data', dir], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  while (!existsSync(place('half')) && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await gone;
  rmSync(join(place('half'), '.backup'), { force: true }); // it is written last: had the kill come later, the backup would be whole

  // One byte of one column is another.
  assert.equal((await backup('flipped')).code, 0);
  const part = readdirSync(place('flipped'), { recursive: true }).map(String).find((n) => /otel_logs\/.*data\.bin$/.test(n));
  const file = join(place('flipped'), part), fd = openSync(file, 'r+');
  writeSync(fd, Buffer.from([readFileSync(file)[statSync(file).size >> 1] ^ 0xff]), 0, 1, statSync(file).size >> 1);
  closeSync(fd);

  // A list of files that is cut off.
  assert.equal((await backup('cut')).code, 0);
  const list = readFileSync(join(place('cut'), '.backup'));
  writeFileSync(join(place('cut'), '.backup'), list.subarray(0, list.length >> 1));

  // A schema of later.
  const writer = await startProcess(plainBinary, ['storage-writer', '--data', dir, '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0']);
  await sql(writer.ready.clickhouse, "INSERT INTO weir_migrations (version, name, checksum) VALUES (9000, 'later', 1)");
  writer.child.kill('SIGTERM');
  await writer.exited;
  assert.equal((await backup('newer')).code, 0);

  const target = join(scratch, 'refused');
  for (const [name, why] of [['nothing', /not found/], ['half', /not found/], ['flipped', /damaged: table otel_logs, part .*[Cc]hecksum/], ['cut', /[Ee]xception|not/], ['newer', /version 9000.*run a newer weir/]]) {
    const r = await restore(place(name), target); // the same folder again: what a failed restore left is taken away
    assert.equal(r.code, 1, name);
    assert.match(r.stderr, /nothing that can be used was restored/, name);
    assert.match(r.stderr, why, name);
    const refused = await run(plainBinary, ['run', '--data', target]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /half of a backup/, name);
  }
  assert.equal((await restore(place('good'), target)).code, 0);
  await withWeir(options, async (weir) => assertWhole(await ask(weir, moments[0]), moments[0]), { dir: target });
});
