// Cold storage: what is older than retention.*_hot moves to an object store or another folder; queries find it there and here; with the object
// store away hot queries and ingest go on; nobody is shown the credentials.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, plainBinary, run, temporaryFolder, until, withWeir } from '../harness/weir.mjs';
import { ObjectStore, accessKeyId, secretAccessKey } from '../harness/s3.mjs';
import { ask, assertWhole, moment, sendAged } from '../harness/aged.mjs';
import { withStoredRows } from '../harness/sql.mjs';

const old = moment(10), recent = moment(1);
const fast = { 'batch.timeout': '50ms', 'retention.traces_hot': '5d', 'retention.logs_hot': '5d', 'retention.metrics_hot': '5d' };

// Parts below an engine's store/ folder: store/abc/UUID/part.
function parts(store) {
  let all = [];
  try {
    all = readdirSync(store, { recursive: true }).map(String);
  } catch {
    return [];
  }
  return all.filter((n) => /^[0-9a-f]{3}\/[0-9a-f-]{36}\/\d+(-[^/]*)?_\d+_\d+_\d+(_\d+)?$/.test(n));
}

function filesBelow(dir) {
  return readdirSync(dir, { recursive: true }).map((n) => join(dir, String(n))).filter((n) => statSync(n).isFile());
}

test('old parts move to an object store, and queries answer from both', { timeout: 120_000 }, async () => {
  const s3 = await new ObjectStore().start();
  const dir = temporaryFolder();
  const cold = { ...fast, 'store.cold.url': s3.url('cold'), 'store.cold.region': 'us-east-1', 'store.cold.cache': '0', 'query.timeout': '20s' };
  const moved = () => parts(join(dir, 'clickhouse/disks/cold_bucket/store'));
  const outputs = [];
  let weir = new Weir(cold, { dir, env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_EC2_METADATA_DISABLED: 'true' } });
  try {
    // The first start says at once that it may not write there.
    const wrong = new Weir(cold, { dir: temporaryFolder(), env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: `not${secretAccessKey}`, AWS_EC2_METADATA_DISABLED: 'true' } });
    await assert.rejects(wrong.start(), (e) => {
      assert.match(e.message, /cold storage at http:.*cannot be written.*The signature does not match/);
      outputs.push(e.message);
      return true;
    });
    wrong.killAll();

    await weir.start();
    for (const m of [old, recent]) await sendAged(weir, m);
    await weir.flush();
    await until('one part of each signal is in the bucket', () => moved().length === 3);
    assert.ok(s3.objects('cold/').length > 10);
    for (const m of [old, recent]) assertWhole(await ask(weir, m), m);

    // Away: hot queries answer, cold ones say why and soon, ingest goes on.
    await s3.close();
    assertWhole(await ask(weir, recent), recent);
    const s = Math.floor(old.time / 1000), away = await ask(weir, old);
    away.promql = await weir.query('/api/v1/query_range', { query: 'aged_gauge', start: s - 7200, end: s + 60, step: 60 }); // of an hour the engine keeps blocks
    away.instant = await weir.query('/api/v1/query', { query: 'sum(count_over_time(aged_gauge[2h]))', time: s + 60 });
    for (const [question, a] of Object.entries(away)) { // and not what query.timeout says
      assert.ok(a.status >= 500, `${question}: ${a.status} ${a.text}`);
      assert.match(a.text, /S3/, question);
      outputs.push(a.text);
    }
    const now = moment(0);
    for (const m of [now, moment(11)]) await sendAged(weir, m);
    await weir.flush();
    assertWhole(await ask(weir, now), now);
    await s3.open();
    assertWhole(await ask(weir, old), old);
    await until('what came meanwhile has moved too', () => moved().length === 6, { seconds: 60 });
    outputs.push(await (await fetch(weir.url('ingestAdmin', '/debug/config'))).text(), await (await fetch(weir.url('ingestAdmin', '/status'))).text());
    await weir.stop();
    outputs.push(...weir.started.map(([, p]) => p.log.join('\n')));

    // The same credentials from a file, which wins over the environment; and a cache, with which a start needs no object store.
    const file = join(temporaryFolder(), 'credentials');
    writeFileSync(file, `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`);
    const cached = { ...cold, 'store.cold.cache': '64MiB', 'store.s3.credentials_file': file };
    const environment = { AWS_ACCESS_KEY_ID: 'wrong', AWS_SECRET_ACCESS_KEY: 'wrong', AWS_EC2_METADATA_DISABLED: 'true' };
    weir = new Weir(cached, { dir, env: environment });
    await weir.start();
    assertWhole(await ask(weir, old), old);
    await s3.close();
    await weir.kill();
    await weir.restart();
    assertWhole(await ask(weir, recent), recent);
    outputs.push(await (await fetch(weir.url('ingestAdmin', '/debug/config'))).text());
    await weir.stop();
    outputs.push(...weir.started.map(([, p]) => p.log.join('\n')));
    assert.doesNotMatch(outputs.at(-1), /tokens of inserts that were cut off/); // those of moved parts are not

    // Turned off while parts lie there: refused, with the place.
    const off = await run(plainBinary, ['run', '--data', dir, '--receive.grpc.endpoint=127.0.0.1:0', '--receive.http.endpoint=127.0.0.1:0']);
    assert.equal(off.code, 1);
    assert.match(off.stderr, /6 parts lie in cold storage at http:\/\/127\.0\.0\.1:\d+\/weir\/cold\//);

    // No table of the engine shows the credentials, and no file under the data folder holds them.
    await s3.open();
    const stored = Object.fromEntries(Object.entries(cached).filter(([k]) => k.startsWith('store.') || k.startsWith('retention.')));
    await withStoredRows(dir, stored, async (query) => {
      const on = await query("SELECT disk_name, count() n FROM system.parts WHERE active AND database = 'weir' AND table IN ('otel_traces', 'otel_logs', 'otel_metrics') GROUP BY 1 ORDER BY 1");
      assert.deepEqual(on, [{ disk_name: 'cold', n: 6 }, { disk_name: 'default', n: on[1].n }]);
      const telling = ['disks', 'storage_policies', 'server_settings', 'settings', 'merge_tree_settings', 'processes', 'backups', 'errors', 'warnings', 'parts', 'tables', 'remote_data_paths',
        'filesystem_cache', 'filesystem_cache_settings', 'named_collections', 'users', 'user_directories', 'settings_profile_elements', 'macros', 'asynchronous_metrics', 'build_options', 's3_queue'];
      for (const name of telling) outputs.push(await query(`SELECT * FROM system.${name}`).then(JSON.stringify, (e) => e.message));
    });
    for (const f of filesBelow(dir)) outputs.push(readFileSync(f, 'latin1'));
    assert.ok(outputs.length > 100, `${outputs.length}`);
    for (const text of outputs) assert.ok(!text.includes(secretAccessKey), `the secret is in: ${text.slice(Math.max(0, text.indexOf(secretAccessKey) - 300)).slice(0, 400)}`);
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
    await s3.close();
  }
});

test('old parts move to a second path, which must be there at each start', async () => {
  const dir = temporaryFolder(), disk = temporaryFolder(), place = join(disk, 'weir/cold');
  const cold = { ...fast, 'store.cold.path': place };
  const moved = () => parts(join(place, 'store'));
  const refused = async (options) => {
    const args = ['run', '--data', dir, '--receive.grpc.endpoint=127.0.0.1:0', '--receive.http.endpoint=127.0.0.1:0', '--query.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0'];
    const r = await run(plainBinary, [...args, ...Object.entries(options).map(([k, v]) => `--${k}=${v}`)]);
    assert.equal(r.code, 1);
    return r.stderr;
  };
  await withWeir(cold, async () => {}, { dir }); // nothing goes there, so it may be turned off again
  await withWeir(fast, (weir) => sendAged(weir, old), { dir });
  await withWeir(cold, async (weir) => {
    await sendAged(weir, recent);
    await weir.flush();
    await until('one part of each signal is there', () => moved().length === 3);
    for (const m of [old, recent]) assertWhole(await ask(weir, m), m);
  }, { dir });

  renameSync(place, `${place}.away`); // as when the disk is not mounted
  mkdirSync(place);
  assert.match(await refused(cold), /is its disk mounted\?/);
  rmSync(place, { recursive: true });
  renameSync(`${place}.away`, place);
  assert.match(await refused({}), /3 parts lie in cold storage at .*\/weir\/cold\//);

  // Nothing more goes there; what lies there is read on.
  await withWeir({ ...cold, 'retention.traces_hot': 0, 'retention.logs_hot': 0, 'retention.metrics_hot': 0 }, async (weir) => assertWhole(await ask(weir, old), old), { dir });
});

test('options that contradict one another are told of before anything starts', async () => {
  const said = async (...args) => {
    const r = await run(plainBinary, ['check-config', ...args]);
    assert.equal(r.code, 2, r.stdout);
    return r.stderr;
  };
  assert.match(await said('--store.cold.path=/a', '--store.cold.url=s3://b/c'), /only one can be/);
  assert.match(await said('--store.cold.path=a'), /store\.cold\.path: want an absolute path/);
  assert.match(await said('--store.cold.policy=tiers'), /store\.cold\.policy is for a server/);
  assert.match(await said('--store.url=http://h:1', '--store.cold.path=/a'), /store\.cold\.policy/);
  const hush = await said('--store.cold.url=https://id:hush@host/bucket');
  assert.match(hush, /store\.cold\.url: want s3:/);
  assert.ok(!hush.includes('hush'));
});
