// The otlp exporter against gRPC servers of every kind: obliging, refusing, broken, slow, gone; in the clear and over TLS.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { temporaryFolder } from '../harness/weir.mjs';
import { bytesField, logsMessage, services, tracesMessage } from '../harness/h2.mjs';
import { Exporter, grpcAnswer, grpcPeer, grpcTrailersOnly, killExporters } from '../harness/exporter.mjs';

const dir = temporaryFolder();
const three = logsMessage('export', ['one', 'two', 'three']);

// Opens an exporter for the peer, sends once, closes: what came of it.
async function once(server, options = {}, { signal = 'logs', requests = [three], name = 'otlp' } = {}) {
  const e = await Exporter.open(dir, name, { endpoint: `127.0.0.1:${server.port}`, tls: { insecure: true }, ...options }, signal, requests);
  assert.equal(e.opened.status, 'OK', e.opened.error);
  const r = await e.send();
  await e.close();
  return r;
}

async function withPeer(answer, fn, tls) {
  const server = await grpcPeer(answer, tls);
  try {
    return await fn(server);
  } finally {
    killExporters();
    server.stop();
  }
}

const sendTo = (answer, options, more) => withPeer(answer, (s) => once(s, options, more));

const duration = (s, ns) => Buffer.concat([Buffer.from([0x08, s, 0x10]), Buffer.from(leb(ns))]);
function leb(v) {
  const out = [];
  for (; v > 127; v = Math.floor(v / 128)) out.push((v % 128) | 128);
  return [...out, v];
}
const retryInfo = (s, ns) =>
  Buffer.concat([Buffer.from([0x08, 14]), bytesField(2, 'from the details'), bytesField(3, bytesField(1, 'type.googleapis.com/google.rpc.RetryInfo'), bytesField(2, bytesField(1, duration(s, ns))))]).toString('base64');

test('what is asked of a server, and what it may answer', async (t) => {
  await t.test('a call is a unary gRPC call with its deadline and compressed', () =>
    withPeer(grpcAnswer, async (server) => {
      const r = await once(server, { headers: { Tenant: 'a b', authorization: 'Bearer x' } });
      assert.deepEqual([r.status, r.batches, r.items, r.rejected, r.message], ['OK', 1, 3, 0, '']);
      const [{ headers, body }] = server.calls;
      assert.equal(headers[':method'], 'POST');
      assert.equal(headers[':path'], services.logs);
      assert.equal(headers['content-type'], 'application/grpc');
      assert.equal(headers.te, 'trailers');
      assert.equal(headers['grpc-timeout'], '5000m');
      assert.equal(headers['grpc-encoding'], 'gzip');
      assert.equal(headers.tenant, 'a b');
      assert.equal(headers.authorization, 'Bearer x');
      assert.equal(body[0], 1);
      assert.equal(body.readUInt32BE(1), body.length - 5);
      assert.ok(gunzipSync(body.subarray(5)).includes('three'));
    }));
  await t.test('none and zstd; the paths of traces and metrics', () =>
    withPeer(grpcAnswer, async (server) => {
      await once(server, { compression: 'none', timeout: '90s' });
      assert.equal(server.calls[0].headers['grpc-encoding'], undefined);
      assert.equal(server.calls[0].headers['grpc-timeout'], '90000m');
      assert.equal(server.calls[0].body[0], 0);
      assert.ok(server.calls[0].body.includes('three'));
      await once(server, { compression: 'zstd' }, { signal: 'traces', requests: [tracesMessage('export', [['5b8efff798038103d269b633813fc60c', 'eee19b7ec3c1b174']])] });
      assert.equal(server.calls[1].headers['grpc-encoding'], 'zstd');
      assert.equal(server.calls[1].body.readUInt32LE(5), 0xfd2fb528);
      assert.equal(server.calls[1].headers[':path'], services.traces);
    }));
  await t.test('a partial success counts as delivered, and says what was rejected', async () => {
    const message = bytesField(1, Buffer.from([0x08, 2]), bytesField(2, 'two are too old'));
    for (const answer of [{ message }, { message: gzipSync(message), flag: 1, headers: { 'grpc-encoding': 'gzip' } }]) {
      const r = await sendTo((s) => grpcAnswer(s, answer));
      assert.deepEqual([r.status, r.batches, r.items, r.rejected, r.message], ['OK', 1, 1, 2, 'two are too old']);
    }
    const many = await sendTo((s) => grpcAnswer(s, { message: bytesField(1, Buffer.from([0x08, 100])) }));
    assert.deepEqual([many.status, many.items, many.rejected], ['OK', 0, 3], 'no more than were sent');
    const odd = await sendTo((s) => grpcAnswer(s, { message: Buffer.from([0x0a, 0x7f]) }));
    assert.deepEqual([odd.status, odd.items, odd.rejected], ['OK', 3, 0], 'what cannot be read rejects nothing');
  });
  await t.test('each status means to try again or not', async () => {
    const want = { 1: 'OVERLOADED', 2: 'INVALID', 3: 'INVALID', 4: 'OVERLOADED', 5: 'NOT_FOUND', 6: 'INVALID', 7: 'UNAUTHORIZED', 8: 'LIMIT', 9: 'INVALID', 10: 'OVERLOADED', 11: 'OVERLOADED', 12: 'UNSUPPORTED', 13: 'INVALID', 14: 'OVERLOADED', 15: 'OVERLOADED', 16: 'UNAUTHORIZED', 99: 'INVALID', x: 'INVALID' };
    let now;
    await withPeer((s) => grpcTrailersOnly(s, now, 'sch%C3%B6n %25 %zz'), async (server) => {
      const e = await Exporter.open(dir, 'otlp_grpc/a', { endpoint: `http://127.0.0.1:${server.port}` }, 'logs', [three]);
      for (now of Object.keys(want)) {
        const r = await e.send();
        assert.deepEqual([now, r.status, r.batches, r.retryAfterMs], [now, want[now], 0, 0]);
        assert.match(r.error, /: schön % %zz$/);
      }
      await e.close();
      assert.equal(new Set(server.calls.map((c) => c.session)).size, 1, 'one connection for all of them');
    });
  });
  await t.test('RetryInfo says when, and makes RESOURCE_EXHAUSTED worth a try', async () => {
    const details = { 'grpc-status-details-bin': retryInfo(1, 500000000) };
    const a = await sendTo((s) => grpcTrailersOnly(s, 14, '', details));
    assert.deepEqual([a.status, a.retryAfterMs, a.error], ['OVERLOADED', 1500, 'UNAVAILABLE: from the details']);
    const b = await sendTo((s) => grpcTrailersOnly(s, 8, 'slowly', details));
    assert.deepEqual([b.status, b.retryAfterMs], ['OVERLOADED', 1500]);
    const c = await sendTo((s) => grpcAnswer(s, { trailers: { 'grpc-status': '14', 'grpc-message': 'late', 'grpc-status-details-bin': '!!!' } }));
    assert.deepEqual([c.status, c.retryAfterMs, c.error], ['OVERLOADED', 0, 'UNAVAILABLE: late']);
  });
});

test('servers that are broken', async (t) => {
  const http = (status, type) => (s) => {
    s.respond({ ':status': status, 'content-type': type });
    s.end('<html>');
  };
  await t.test('not gRPC', async () => {
    const page = await sendTo(http(200, 'text/html'));
    assert.deepEqual([page.status, page.error], ['INVALID', 'the answer is "text/html": this is not a gRPC endpoint']);
    assert.equal((await sendTo(http(503, 'text/plain'))).status, 'OVERLOADED');
    assert.equal((await sendTo(http(404, 'text/plain'))).status, 'UNSUPPORTED');
    assert.equal((await sendTo(http(401, 'text/plain'))).status, 'UNAUTHORIZED');
    assert.equal((await sendTo(http(500, 'text/plain'))).status, 'INVALID');
  });
  await t.test('no grpc-status at the end', async () => {
    const r = await sendTo((s) => {
      s.respond({ ':status': 200, 'content-type': 'application/grpc' });
      s.end(Buffer.alloc(5));
    });
    assert.deepEqual([r.status, r.error], ['OVERLOADED', 'the answer ended without grpc-status']);
  });
  await t.test('a stream that is reset', async () => {
    const r = await sendTo((s) => s.close(2));
    assert.deepEqual([r.status, r.batches], ['OVERLOADED', 0], r.error);
  });
  await t.test('an answer larger than 4 MiB', async () => {
    const r = await sendTo((s) => grpcAnswer(s, { message: Buffer.alloc(5 << 20) }));
    assert.deepEqual([r.status, r.error], ['LIMIT', 'the answer is larger than 4194304 bytes']);
  });
  await t.test('headers without end', async () => {
    const r = await sendTo((s) => {
      s.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-long': 'x'.repeat(60000) }, { endStream: true });
    });
    assert.ok(['OVERLOADED', 'UNAVAILABLE'].includes(r.status), `${r.status}: ${r.error}`);
  });
  await t.test('an HTTP/1.1 server', async () => {
    const { httpPeer } = await import('../harness/exporter.mjs');
    const server = await httpPeer((_, res) => res.end('no'));
    const r = await once(server);
    server.stop();
    assert.equal(r.status, 'UNAVAILABLE', r.error);
  });
});

test('servers that do not answer', async (t) => {
  await t.test('a port nobody listens on', async () => {
    const server = await grpcPeer(grpcAnswer);
    server.stop();
    const r = await once(server);
    assert.deepEqual([r.status, r.batches], ['UNAVAILABLE', 0], r.error);
  });
  await t.test('a name that does not exist', async () => {
    const r = await once({ port: 0 }, { endpoint: 'nobody.invalid:4317' });
    assert.equal(r.status, 'UNAVAILABLE', r.error);
  });
  await t.test('one that is silent: the timeout ends it, and the next request has a new connection', () => {
    let silent = true;
    return withPeer((s) => (silent ? undefined : grpcAnswer(s)), async (server) => {
      const e = await Exporter.open(dir, 'otlp', { endpoint: `http://127.0.0.1:${server.port}`, timeout: '300ms' }, 'logs', [three]);
      const r = await e.send();
      assert.equal(r.status, 'TIMEOUT', r.error);
      t.diagnostic(`timeout of 300 ms ended after ${r.ms} ms`);
      silent = false;
      const next = await e.send();
      assert.equal(next.status, 'OK', next.error);
      await e.close();
    });
  });
  await t.test('one that is silent: cancelling ends it at once', () => {
    let came;
    const arrived = new Promise((resolve) => (came = resolve));
    return withPeer(() => came(), async (server) => {
      const e = await Exporter.open(dir, 'otlp', { endpoint: `http://127.0.0.1:${server.port}`, timeout: '10m' }, 'logs', [three]);
      e.begin();
      await arrived;
      const from = process.hrtime.bigint();
      e.cancel();
      const r = await e.answer();
      assert.deepEqual([r.status, r.batches], ['CANCELLED', 0]);
      t.diagnostic(`cancelled after ${Number(process.hrtime.bigint() - from) / 1e6} ms`);
      await e.close();
    });
  });
  await t.test('one that goes away: GOAWAY between requests, and a connection that is cut in one', () => {
    let cut = false;
    return withPeer((s) => (cut ? s.session.destroy() : grpcAnswer(s)), async (server) => {
      const e = await Exporter.open(dir, 'otlp', { endpoint: `http://127.0.0.1:${server.port}` }, 'logs', [three]);
      // A request that was on its way when the connection went is tried again, on another.
      const sent = async () => {
        const r = await e.send({ fresh: true });
        return r.status === 'UNAVAILABLE' ? (await e.send({ fresh: true })).status : r.status;
      };
      assert.equal(await sent(), 'OK');
      server.calls.at(-1).session.close(); // GOAWAY
      assert.equal(await sent(), 'OK');
      server.calls.at(-1).session.destroy(); // and without a word
      assert.equal(await sent(), 'OK');
      cut = true;
      const r = await e.send({ fresh: true });
      assert.ok(['UNAVAILABLE', 'OVERLOADED'].includes(r.status), `${r.status}: ${r.error}`);
      cut = false;
      assert.equal((await e.send()).status, 'OK');
      await e.close();
    });
  });
});

test('a block in several requests goes on where it stood', () => {
  let left = 2;
  return withPeer((s) => (left-- > 0 ? grpcAnswer(s) : grpcTrailersOnly(s, 14, 'enough')), async (server) => {
    const requests = [1, 2, 3, 4].map((i) => logsMessage('export', [`line ${i} ${'x'.repeat(700)}`]));
    const e = await Exporter.open(dir, 'otlp', { endpoint: `http://127.0.0.1:${server.port}`, compression: 'none', max_request_size: '1KiB' }, 'logs', [...requests, Buffer.alloc(0)]);
    const r = await e.send();
    assert.deepEqual([r.status, r.batches, r.items], ['OVERLOADED', 2, 2]);
    left = 10;
    const again = await e.send();
    assert.deepEqual([again.status, again.batches, again.items], ['OK', 5, 4], 'the last one has no rows');
    await e.close();
    const lines = server.calls.map((c) => Number(/line (\d)/.exec(c.body.toString('latin1'))[1]));
    assert.deepEqual(lines, [1, 2, 3, 3, 4]);
  });
});

test('batches share a request up to its size', () =>
  withPeer(grpcAnswer, async (server) => {
    const requests = Array.from({ length: 10 }, (_, i) => logsMessage('export', [`line ${i}`]));
    const r = await once(server, { compression: 'none' }, { requests });
    assert.deepEqual([r.status, r.batches, r.items, server.calls.length], ['OK', 10, 10, 1]);
    for (let i = 0; i < 10; i++) assert.ok(server.calls[0].body.includes(`line ${i}`));
  }));

test('TLS', async (t) => {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const authority = (name) => openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  const signed = (name, by, san) => {
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${san}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', `${name}.pem`);
  };
  authority('ca');
  authority('other');
  signed('server', 'ca', 'DNS:otlp.example,IP:127.0.0.2');
  signed('local', 'ca', 'IP:127.0.0.1');
  signed('client', 'ca', 'DNS:client.example');
  const file = (name) => join(dir, name);
  const server = (name, more) => ({ key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)), ...more });
  const ca = { ca_file: file('ca.pem') };

  await t.test('the server is verified', () =>
    withPeer(grpcAnswer, async (peer) => {
      assert.equal((await once(peer, { tls: ca })).status, 'OK');
      assert.equal((await once(peer, { tls: { ca_pem: readFileSync(file('ca.pem'), 'latin1') } })).status, 'OK');
      assert.equal((await once(peer, { endpoint: `https://127.0.0.1:${peer.port}`, tls: { ...ca, min_version: '1.3' } })).status, 'OK');
      for (const tls of [{ ca_file: file('other.pem') }, {}]) {
        const r = await once(peer, { tls });
        assert.equal(r.status, 'UNAVAILABLE');
        assert.match(r.error, /certificate/i);
      }
      assert.equal((await once(peer, { tls: { insecure_skip_verify: true } })).status, 'OK');
      assert.equal((await once(peer)).status, 'UNAVAILABLE', 'in the clear to a TLS port');
    }, server('local')));
  await t.test('the name is verified, and may be another than the address', () =>
    withPeer(grpcAnswer, async (peer) => {
      assert.equal((await once(peer, { tls: ca })).status, 'UNAVAILABLE');
      assert.equal((await once(peer, { tls: { ...ca, server_name_override: 'otlp.example' } })).status, 'OK');
      assert.match(peer.calls[0].headers[':authority'], /^otlp\.example/);
      assert.equal((await once(peer, { tls: { ...ca, server_name_override: 'x.example' } })).status, 'UNAVAILABLE');
    }, server('server')));
  await t.test('mutual: with the client certificate, and not without', () =>
    withPeer(grpcAnswer, async (peer) => {
      const mine = { cert_file: file('client.pem'), key_file: file('client.key') };
      assert.equal((await once(peer, { tls: { ...ca, ...mine } })).status, 'OK');
      const pem = { cert_pem: readFileSync(file('client.pem'), 'latin1'), key_pem: readFileSync(file('client.key'), 'latin1') };
      assert.equal((await once(peer, { tls: { ...ca, ...pem } })).status, 'OK');
      const r = await once(peer, { tls: ca });
      assert.equal(r.status, 'UNAVAILABLE', r.error);
    }, server('local', { ca: readFileSync(file('ca.pem')), requestCert: true, rejectUnauthorized: true })));
});
