// Who may send: bearer tokens and basic passwords on both OTLP ports, and what browsers of other pages are told (CORS).
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import net from 'node:net';
import { plainBinary, run, temporaryFolder, until, withWeir } from '../harness/weir.mjs';
import { callGrpc, connectH2, logsMessage, services } from '../harness/h2.mjs';
import { exportJson, logRequest, rawRequest } from '../harness/otlp.mjs';

const basic = (text) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const bearer = (token) => ({ authorization: `Bearer ${token}` });

test('credentials of the OTLP ports', async (t) => {
  const dir = temporaryFolder();
  const tokens = join(dir, 'tokens'), users = join(dir, 'users');
  writeFileSync(tokens, '# agents\nfirst-token\n');
  writeFileSync(users, 'ann:se:cret\n');
  const options = { 'receive.auth.bearer_token': 'hush-token', 'receive.auth.bearer_tokens_file': tokens, 'receive.auth.basic_file': users, 'receive.workers': '1' };
  await withWeir(options, async (weir) => {
    const send = (headers) => exportJson(weir, 'logs', logRequest(['in'], { service: 'auth' }), { headers });

    await t.test('HTTP: 401 with a challenge, in the encoding of the request', async () => {
      const no = await send({});
      assert.equal(no.status, 401);
      assert.match(no.headers.get('www-authenticate'), /^Bearer realm="weir", Basic realm="weir"/);
      assert.deepEqual(JSON.parse(no.bytes), { code: 16, message: 'credentials are needed' });
      const wrong = await exportJson(weir, 'logs', logsMessage('auth', ['no']), { headers: bearer('hush') });
      assert.deepEqual([wrong.status, wrong.headers.get('content-type'), wrong.bytes[0], wrong.bytes[1]], [401, 'application/x-protobuf', 8, 16]);
      for (const h of [basic('ann:secret'), basic('ann'), { authorization: 'hush-token' }, bearer('FIRST-TOKEN')]) assert.equal((await send(h)).status, 401);
    });
    await t.test('HTTP: each kind of credential will do', async () => {
      for (const h of [bearer('hush-token'), bearer('first-token'), basic('ann:se:cret')]) assert.equal((await send(h)).status, 200);
    });
    await t.test('a client is refused before it has sent its body', async () => {
      const text = await new Promise((resolve) => {
        const s = net.connect(weir.ports.http, '127.0.0.1');
        s.write('POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n');
        let got = '';
        s.on('data', (d) => (got += d));
        s.on('close', () => resolve(got));
        s.on('end', () => s.end());
      });
      assert.match(text, /^HTTP\/1\.1 401 /);
    });
    await t.test('gRPC: UNAUTHENTICATED, or in', async () => {
      const session = connectH2(weir, 'grpc');
      const no = await callGrpc(session, services.logs, { message: logsMessage('auth', ['no']) });
      assert.deepEqual([no.status, no.trailersOnly, no.http], [16, true, 200]);
      assert.match(no.headers['www-authenticate'], /Bearer/);
      assert.equal((await callGrpc(session, services.logs, { message: logsMessage('auth', ['in']), headers: bearer('first-token') })).status, 0);
      session.close();
    });
    await t.test('a file that changes is read again', async () => {
      writeFileSync(tokens, 'second-token\n');
      await until('the new token', async () => (await send(bearer('second-token'))).status === 200);
      assert.equal((await send(bearer('first-token'))).status, 401);
    });
    await t.test('secrets are in no log and no printed configuration', async () => {
      const config = await (await fetch(weir.url('ingestAdmin', '/debug/config'))).text();
      assert.match(config, /receive\.auth\.bearer_token: "?\*\*\*/);
      for (const text of [config, ...weir.started.flatMap(([, p]) => p.log)]) assert.doesNotMatch(text, /hush|first-token|second-token|se:cret/);
    });
    await t.test('the other ports are as they were', async () => {
      assert.equal((await fetch(weir.url('ingestAdmin', '/health'))).status, 200);
      assert.equal((await weir.query('/loki/api/v1/labels')).status, 200);
    });
  });
});

test('files of credentials that are wrong are refused with the line, not with the secret', async () => {
  const users = join(temporaryFolder(), 'users');
  writeFileSync(users, 'ann:x\nhush\n');
  const r = await run(plainBinary, ['check-config', '--receive.auth.basic_file', users]);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /receive\.auth: .*users:2: not user:password/);
  assert.doesNotMatch(r.stderr, /hush/);
});

test('browsers', async (t) => {
  const ask = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
  const preflight = (weir, origin, port = 'http') => rawRequest(weir, { port, method: 'OPTIONS', path: '/v1/traces', headers: { origin, ...ask } });
  await withWeir({}, async (weir) => {
    const r = await preflight(weir, 'https://app.example');
    assert.deepEqual([r.status, r.headers.allow, r.headers['access-control-allow-origin']], [405, 'POST', undefined]);
  });
  await withWeir({ 'receive.http.cors.allowed_origins': 'https://*.example, http://localhost:*', 'receive.http.cors.max_age': '10m', 'receive.auth.bearer_token': 't' }, async (weir) => {
    await t.test('the preflight of an allowed page is answered, without credentials', async () => {
      const r = await preflight(weir, 'https://app.example');
      assert.equal(r.status, 204);
      assert.equal(r.headers['access-control-allow-origin'], 'https://app.example');
      assert.equal(r.headers['access-control-allow-methods'], 'POST');
      assert.match(r.headers['access-control-allow-headers'], /content-type.*authorization/);
      assert.equal(r.headers['access-control-max-age'], '600');
      assert.match(r.headers.vary, /origin/);
      assert.equal((await preflight(weir, 'http://localhost:3000')).status, 204);
    });
    await t.test('another page is not', async () => {
      for (const origin of ['https://evil.test', 'https://app.example.evil.test', 'null']) {
        const r = await preflight(weir, origin);
        assert.deepEqual([r.status, r.headers['access-control-allow-origin']], [403, undefined]);
      }
    });
    await t.test('answers and errors can be read by the page', async () => {
      const send = (headers) => exportJson(weir, 'logs', logRequest(['page'], { service: 'page' }), { headers: { origin: 'https://app.example', ...headers } });
      for (const [headers, status] of [[bearer('t'), 200], [{}, 401]]) {
        const r = await send(headers);
        assert.deepEqual([r.status, r.headers.get('access-control-allow-origin')], [status, 'https://app.example']);
      }
    });
    await t.test('on the gRPC port it is off', async () => {
      const r = await preflight(weir, 'https://app.example', 'grpc');
      assert.deepEqual([r.status, r.headers['access-control-allow-origin']], [405, undefined]);
    });
  });
});
