// A destination that refuses what it is sent: after the last try the requests lie in dead/, `weir dead ls` shows them with the reason, and
// when the destination has been put right `weir dead retry` delivers them once. Meanwhile the store has long had its rows.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, plainBinary, run, temporaryFolder, until } from '../harness/weir.mjs';
import { OtlpServer } from '../harness/otlp_server.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';

const lines = (from, n) => Array.from({ length: n }, (_, i) => `line ${from + i}`);

test('what a destination refused to the last try is listed, sent again and removed', async () => {
  const server = await new OtlpServer().start();
  const dir = temporaryFolder();
  const config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, `
receivers: {otlp: }
exporters:
  clickhouse:
  otlp_http/backup:
    endpoint: ${server.url}
    encoding: json
    retry_on_failure: {max_tries: 2, initial_interval: 10ms}
service:
  pipelines:
    logs: {receivers: [otlp], exporters: [clickhouse, otlp_http/backup]}
`);
  const weir = new Weir({ 'batch.timeout': '50ms' }, { dir, config });
  const dead = async (...args) => {
    const r = await run(plainBinary, ['dead', ...args, '--config', config, '--data', dir, `--admin.endpoint=127.0.0.1:${weir.ports.ingestAdmin}`]);
    return { ...r, json: args.includes('--json') ? JSON.parse(r.stdout) : null };
  };
  try {
    await weir.start();
    assert.deepEqual((await dead('ls', '--json')).json, []);
    server.answer = 400;
    for (let i = 0; i < 2; i++) assert.equal((await exportJson(weir, 'logs', logRequest(lines(10 * i, 3)))).status, 200);
    await until('all is in dead/', async () => (await dead('ls', '--json')).json.reduce((n, e) => n + e.requests, 0) === 2);
    assert.deepEqual(server.logBodies(), []);

    const listed = await dead('ls', '--json');
    assert.equal(listed.code, 0);
    for (const e of listed.json) {
      assert.match(e.route, /logs/);
      assert.match(e.reason, /400/);
      assert.ok(e.bytes > 100);
    }
    const table = await dead('ls');
    assert.ok(table.stdout.includes(listed.json[0].id) && table.stdout.includes(listed.json[0].reason), table.stdout);

    let r = await dead('retry', '--all', '--json'); // it still refuses
    assert.equal(r.code, 1);
    assert.ok(r.json.every((e) => !e.done && /400/.test(e.why)), r.stdout);
    assert.equal((await dead('ls', '--json')).json.length, listed.json.length);
    r = await dead('retry', 'no-such-id');
    assert.equal(r.code, 1);

    server.answer = 200;
    r = await dead('retry', '--all', '--json');
    assert.equal(r.code, 0, r.stdout + r.stderr);
    assert.ok(r.json.every((e) => e.done));
    assert.deepEqual(server.logBodies().sort(), [...lines(0, 3), ...lines(10, 3)].sort());
    assert.deepEqual((await dead('ls', '--json')).json, []);

    // Removed without being sent.
    server.answer = 400;
    await exportJson(weir, 'logs', logRequest(lines(100, 1)));
    await until('the next one is in dead/', async () => (await dead('ls', '--json')).json.length === 1);
    const [{ id }] = (await dead('ls', '--json')).json;
    assert.equal((await dead('rm', id)).code, 0);
    assert.deepEqual((await dead('ls', '--json')).json, []);
    assert.equal((await dead('rm', id)).code, 1);

    // Usage.
    assert.equal((await dead('rm')).code, 2);
    assert.equal((await dead('rm', id, '--all')).code, 2);
    assert.equal((await dead('bury')).code, 2);

    // The store was never held up.
    await weir.flush();
    const q = await weir.query('/loki/api/v1/query_range', { query: '{service_name="hand"}', limit: '100' });
    const stored = q.json.data.result.flatMap((s) => s.values.map((v) => v[1])).sort();
    assert.deepEqual(stored, [...lines(0, 3), ...lines(10, 3), ...lines(100, 1)].sort());

    const status = await run(plainBinary, ['status', '--json', '--config', config, `--admin.endpoint=127.0.0.1:${weir.ports.ingestAdmin}`]);
    assert.equal(status.code, 0, status.stderr);
    assert.ok(status.stdout.includes('otlp_http/backup'), status.stdout);
    const people = await run(plainBinary, ['status', '--config', config, `--admin.endpoint=127.0.0.1:${weir.ports.ingestAdmin}`]);
    assert.ok(people.stdout.includes('logs>otlp_http/backup') || people.stdout.includes('otlp_http/backup'), people.stdout);
    await weir.stop();

    // Nobody answers.
    r = await dead('retry', 'x');
    assert.equal(r.code, 1);
    assert.match(r.stderr, /no weir answers at 127\.0\.0\.1:\d+ \(admin\.endpoint\)/);
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
    await server.stop();
  }
});
