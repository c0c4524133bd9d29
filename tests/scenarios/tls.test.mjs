// TLS and mutual TLS on the OTLP ports, with certificates made here: node's TLS, HTTPS, HTTP/2 and gRPC clients; the wrong kind of client; a
// certificate that is exchanged while weir runs.
import test from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { renameSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { run, plainBinary, until, withWeir, temporaryFolder, startProcess } from '../harness/weir.mjs';
import { authority } from '../harness/certs.mjs';
import { callGrpc, connectH2, frame, logsMessage, services } from '../harness/h2.mjs';
import { logRequest } from '../harness/otlp.mjs';

const ours = authority();
const others = authority('another authority');

function post(port, body, options) {
  return new Promise((resolve, reject) => {
    const req = https.request({ host: 'localhost', port, method: 'POST', path: '/v1/logs', agent: false, headers: { 'content-type': 'application/json' }, ...options }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => resolve({ status: res.statusCode, body: Buffer.concat(parts).toString(), protocol: req.socket.getProtocol?.() }));
    });
    req.on('error', reject);
    req.end(JSON.stringify(body));
  });
}

// A unary call of the real gRPC client.
function exportLogs(port, credentials, message) {
  const client = new grpc.Client(`localhost:${port}`, credentials);
  return new Promise((resolve) => {
    client.makeUnaryRequest(services.logs, (b) => b, (b) => b, message, new grpc.Metadata(), { deadline: Date.now() + 10000 }, (error) => {
      client.close();
      resolve(error ? error.code : 0);
    });
  });
}

const closes = (socket) => new Promise((resolve) => {
  let text = '';
  socket.on('data', (d) => (text += d.toString('latin1')));
  socket.on('error', () => {});
  socket.on('close', () => resolve(text));
});

test('TLS on one port and mutual TLS on the other', async (t) => {
  const server = ours.issue('weir');
  const agent = ours.issue('agent');
  const stranger = others.issue('stranger');
  const options = {
    'receive.http.tls.cert_file': server.cert, 'receive.http.tls.key_file': server.key,
    'receive.grpc.tls.cert_file': server.cert, 'receive.grpc.tls.key_file': server.key, 'receive.grpc.tls.client_ca_file': ours.file,
    'receive.workers': '1',
  };
  await withWeir(options, async (weir) => {
    const log = () => Object.values(weir.processes).flatMap((p) => p.log);
    const trust = { ca: ours.pem };
    const known = { ...trust, cert: agent.pem, key: agent.keyPem };
    const sent = [];
    const one = (line) => (sent.push(line), logsMessage('tls', [line]));

    await t.test('HTTPS: 1.3 by default, 1.2 when asked for, nothing older', async () => {
      sent.push('https');
      const r = await post(weir.ports.http, logRequest(['https'], { service: 'tls' }), trust);
      assert.deepEqual(r, { status: 200, body: '{}', protocol: 'TLSv1.3' });
      sent.push('https 1.2');
      const old = await post(weir.ports.http, logRequest(['https 1.2'], { service: 'tls' }), { ...trust, maxVersion: 'TLSv1.2' });
      assert.deepEqual([old.status, old.protocol], [200, 'TLSv1.2']);
      await assert.rejects(post(weir.ports.http, {}, { ...trust, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }));
      await assert.rejects(post(weir.ports.http, {}, { ca: others.pem }), /certificate/);
    });
    await t.test('HTTP/2 is chosen by ALPN, on the HTTP port too', async () => {
      for (const [port, with_] of [['http', trust], ['grpc', known]]) {
        const session = connectH2(weir, port, with_);
        const r = await callGrpc(session, services.logs, { message: one(`h2 on ${port}`) });
        assert.equal(r.status, 0);
        assert.equal(session.alpnProtocol, 'h2');
        session.close();
      }
    });
    await t.test('a large message over TLS, larger than the windows', async () => {
      const session = connectH2(weir, 'http', trust);
      const line = 'x'.repeat(1 << 20);
      assert.equal((await callGrpc(session, services.logs, { message: logsMessage('large', Array.from({ length: 20 }, () => line)), piece: 1 << 18 })).status, 0);
      session.close();
    });
    await t.test('gRPC\'s own client, with a certificate of the authority and without', async () => {
      assert.equal(await exportLogs(weir.ports.grpc, grpc.credentials.createSsl(ours.pem, agent.keyPem, agent.pem), one('grpc-js')), 0);
      assert.equal(await exportLogs(weir.ports.grpc, grpc.credentials.createSsl(ours.pem), logsMessage('tls', ['no'])), grpc.status.UNAVAILABLE);
      assert.equal(await exportLogs(weir.ports.grpc, grpc.credentials.createSsl(ours.pem, stranger.keyPem, stranger.pem), logsMessage('tls', ['no'])), grpc.status.UNAVAILABLE);
      await until('the log says why', () => log().some((l) => /a TLS connection failed/.test(l)));
    });
    await t.test('a client without TLS is closed, and the log says so', async () => {
      await until('the log says so', async () => { // once a second: the first may fall behind what was said before
        const s = net.connect(weir.ports.http, '127.0.0.1', () => s.write('POST /v1/logs HTTP/1.1\r\nhost: x\r\n\r\n'));
        assert.equal(await closes(s), '');
        return log().some((l) => /a client without TLS was closed/.test(l) && l.includes(`port=${weir.ports.http}`));
      });
    });
    await t.test('a client with TLS on a port that has none is closed, and the log says so', async () => {
      await assert.rejects(post(weir.ports.query, {}, trust));
      await until('the log says so', () => log().some((l) => /a client with TLS was closed/.test(l)));
    });
    await t.test('an exchanged certificate is served to those who come after; open connections go on', async () => {
      const before = connectH2(weir, 'http', trust);
      assert.equal((await callGrpc(before, services.logs, { message: one('before') })).status, 0);
      const fresh = ours.issue('weir renewed');
      renameSync(fresh.key, server.key); // for a moment they do not fit together
      renameSync(fresh.cert, server.cert);
      await until('the new certificate', () => new Promise((resolve) => {
        const s = tls.connect({ port: weir.ports.http, host: 'localhost', ...trust }, () => {
          const { subject } = s.getPeerCertificate();
          s.destroy();
          resolve(subject.CN === 'weir renewed');
        });
        s.on('error', () => resolve(false));
      }), { seconds: 20 });
      assert.equal((await callGrpc(before, services.logs, { message: one('after') })).status, 0);
      before.close();
    });
    await t.test('what was acknowledged is there, once', async () => {
      await weir.flush();
      const q = await weir.query('/loki/api/v1/query_range', { query: '{service_name="tls"}', limit: 1000, start: Date.now() / 1000 - 600, end: Date.now() / 1000 + 60 });
      assert.deepEqual(q.json.data.result.flatMap((s) => s.values.map((v) => v[1])).sort(), sent.sort());
    });
  });
});

test('a configuration whose files cannot be used does not start and says which', async () => {
  const server = ours.issue('weir'), other = ours.issue('other');
  const check = async (flags, want) => {
    const r = await run(plainBinary, ['check-config', ...flags]);
    assert.equal(r.code, 2, r.stderr);
    assert.match(r.stderr, want);
  };
  await check(['--receive.grpc.tls.cert_file', server.cert], /receive\.grpc\.tls\.key_file is not set/);
  await check(['--receive.http.tls.cert_file', '/nowhere.pem', '--receive.http.tls.key_file', server.key], /receive\.http\.tls: cert_file \/nowhere\.pem: /);
  await check(['--receive.http.tls.cert_file', server.cert, '--receive.http.tls.key_file', other.key], /receive\.http\.tls: key_file .*mismatch/);
  await check(['--receive.http.tls.cert_file', server.cert, '--receive.http.tls.key_file', server.key, '--receive.http.tls.min_version', '1.1'], /min_version/);
  await assert.rejects(startProcess(plainBinary, ['collector', '--data', temporaryFolder(), '--store.url', 'http://127.0.0.1:1', '--admin.endpoint', '127.0.0.1:0',
    '--receive.grpc.tls.cert_file', '/nowhere.pem', '--receive.grpc.tls.key_file', server.key]), /receive\.grpc\.tls: cert_file \/nowhere\.pem/);
});
