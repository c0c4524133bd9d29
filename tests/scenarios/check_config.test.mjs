// Wrong options and files get an error with line, column and the nearest valid name; a good file is printed as it is in force.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainBinary, run, temporaryFolder } from '../harness/weir.mjs';

const check = (args, env = {}) => run(plainBinary, args, { env: { ...process.env, ...env } });

test('check-config says what is wrong and where', async () => {
  const dir = temporaryFolder();
  const file = join(dir, 'weir.yaml');
  const withFile = async (text) => {
    writeFileSync(file, text);
    return check(['check-config', '--config', file]);
  };
  let r = await withFile('batch:\n  timeout: 3s\n');
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stdout, /^batch\.timeout: 3s$/m);

  r = await withFile('batch:\n  time_out: 3s\n');
  assert.equal(r.code, 2);
  assert.match(r.stderr, /weir\.yaml:2:3: no option "batch\.time_out"; did you mean "batch\.timeout"\?/);

  r = await withFile('batch:\n  timeout: soon\n');
  assert.match(r.stderr, /weir\.yaml:2:12: batch\.timeout: "soon" is not a duration/);

  r = await withFile('receive:\n  grpc:\n    endpoint: nowhere\n');
  assert.equal(r.code, 2);
  assert.match(r.stderr, /receive\.grpc\.endpoint/);

  r = await check(['check-config', '--batch.timeot=3s']);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /did you mean "batch\.timeout"/);

  r = await check(['check-config'], { WEIR_BATCH_TIMEOUT: '4s' });
  assert.match(r.stdout, /^batch\.timeout: 4s$/m);
  r = await check(['check-config'], { WEIR_BACH_TIMEOUT: '4s' });
  assert.match(r.stderr, /did you mean WEIR_BATCH_TIMEOUT/);

  r = await check(['version']);
  assert.match(r.stdout, /^weir \d+\.\d+\.\d+$/m);
  r = await check(['rum']);
  assert.equal(r.code, 2);
});

test('an address in use is told, with the address', async () => {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const free = ['--receive.grpc.endpoint=127.0.0.1:0', '--receive.http.endpoint=127.0.0.1:0', '--query.endpoint=127.0.0.1:0'];
  const r = await check(['run', '--data', temporaryFolder(), ...free, `--admin.endpoint=127.0.0.1:${port}`]);
  server.close();
  assert.equal(r.code, 1);
  assert.match(r.stderr, new RegExp(`127\\.0\\.0\\.1 port ${port}: address already in use`));
});
