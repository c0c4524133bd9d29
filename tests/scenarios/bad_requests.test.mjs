// Bad bodies, wrong content types, oversized and truncated requests, half-closed and slow connections: the documented answers, and the
// process lives and still takes good requests.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { withWeir } from '../harness/weir.mjs';
import { exportJson, logRequest, rawRequest, traceRequest } from '../harness/otlp.mjs';

const json = { 'content-type': 'application/json' };
const protobuf = { 'content-type': 'application/x-protobuf' };

function talk(port, bytes, { end = false, waitMs = 15000 } = {}) {
  return new Promise((resolve) => {
    const s = net.connect(port, '127.0.0.1');
    const parts = [];
    const done = (closed) => {
      s.destroy();
      resolve({ closed, text: Buffer.concat(parts).toString('latin1') });
    };
    s.setTimeout(waitMs, () => done(false));
    s.on('data', (d) => parts.push(d));
    s.on('error', () => done(true));
    s.on('close', () => done(true));
    s.on('connect', () => (end ? s.end(bytes) : s.write(bytes)));
  });
}

test('bad requests get the documented answers and the process lives', async (t) => {
  await withWeir({ 'receive.max_body': '1MiB', 'receive.max_decompressed': '2MiB' }, async (weir) => {
    const post = (pieces, headers, more = {}) => rawRequest(weir, { headers, pieces, ...more });

    await t.test('malformed JSON is 400 with a google.rpc.Status in JSON that names the place', async () => {
      const r = await post(['{"resourceSpans":[{'], json);
      assert.equal(r.status, 400);
      assert.equal(r.headers['content-type'], 'application/json');
      const status = JSON.parse(r.body);
      assert.equal(typeof status.message, 'string');
      assert.ok(status.message.length > 0);
    });
    await t.test('malformed protobuf is 400 with a protobuf Status', async () => {
      const r = await post([Buffer.from([0x0a, 0x7f, 0x01])], protobuf);
      assert.equal(r.status, 400);
      assert.equal(r.headers['content-type'], 'application/x-protobuf');
      assert.equal(r.body[0], 0x08, 'field 1: code'); // google.rpc.Status { 1: code, 2: message }
      assert.equal(r.body[1], 3, 'INVALID_ARGUMENT');
    });
    await t.test('an empty request is a success with an empty answer', async () => {
      const p = await post([], { ...protobuf, 'content-length': 0 });
      assert.deepEqual([p.status, p.body.length], [200, 0]);
      const j = await post(['{}'], json);
      assert.deepEqual([j.status, j.body.toString()], [200, '{}']);
    });
    await t.test('415, 405, 404', async () => {
      assert.equal((await post(['x'], { 'content-type': 'text/plain' })).status, 415);
      assert.equal((await post(['x'], { ...json, 'content-encoding': 'br' })).status, 415);
      assert.equal((await post([], {}, { method: 'GET' })).status, 405);
      assert.equal((await post(['{}'], json, { path: '/v1/nothing' })).status, 404);
    });
    await t.test('too large before and after decompression is 413', async () => {
      assert.equal((await post([Buffer.alloc(1 << 20, 32), Buffer.alloc(16)], protobuf)).status, 413);
      const bomb = gzipSync(Buffer.alloc(64 << 20));
      assert.ok(bomb.length < 1 << 20);
      assert.equal((await post([bomb], { ...protobuf, 'content-encoding': 'gzip' })).status, 413);
      assert.equal((await post([Buffer.from('not gzip')], { ...protobuf, 'content-encoding': 'gzip' })).status, 400);
    });
    await t.test('items that cannot be kept are rejected alone, and said so', async () => {
      const request = traceRequest(3, { service: 'partial', id: (i) => (i === 1 ? '0'.repeat(16) : `00000000000000a${i}`) });
      const r = await exportJson(weir, 'traces', request);
      assert.equal(r.status, 200);
      const answer = JSON.parse(r.bytes);
      assert.equal(String(answer.partialSuccess.rejectedSpans), '1');
      assert.match(answer.partialSuccess.errorMessage, /id/);
      await weir.flush();
      const ledger = (await weir.ledger()).traces;
      assert.deepEqual([ledger.received, ledger.stored, ledger.rejected, ledger.balance], [3, 2, 1, 0]);
    });
    await t.test('a truncated request and a half-closed connection store nothing', async () => {
      const head = 'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n';
      await talk(weir.ports.http, `${head}{"resourceLogs":[`, { end: true });
      const bad = await talk(weir.ports.http, 'NONSENSE\r\n\r\n');
      assert.match(bad.text, /^HTTP\/1\.1 400/);
      assert.ok(bad.closed);
    });
    await t.test('a client that never finishes its headers is cut off', async () => {
      const slow = await talk(weir.ports.http, 'POST /v1/logs HTTP/1.1\r\nhost: x\r\nx-slow: ', { waitMs: 30000 });
      assert.ok(slow.closed, 'closed by weir');
    });
    await t.test('a broken HTTP/2 connection is cut off', async () => {
      const h2 = await talk(weir.ports.grpc, Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 0xff)]));
      assert.ok(h2.closed);
    });
    await t.test('bad queries are told what is wrong', async () => {
      const prom = await weir.query('/api/v1/query', { query: 'sum(' });
      assert.equal(prom.status, 400);
      assert.equal(prom.json.errorType, 'bad_data');
      assert.match(prom.json.error, /1:\d+: parse error/);
      const loki = await weir.query('/loki/api/v1/query_range', { query: '{a=' });
      assert.equal(loki.status, 400);
      assert.match(loki.text, /parse error/);
      const jaeger = await weir.query('/api/traces/zz');
      assert.equal(jaeger.status, 400);
      assert.equal((await weir.query('/nowhere')).status, 404);
    });
    await t.test('and a good request is still taken', async () => {
      const r = await exportJson(weir, 'logs', logRequest(['still here'], { service: 'after' }), { gzip: true });
      assert.deepEqual([r.status, r.bytes.toString()], [200, '{}']);
      await weir.flush();
      const q = await weir.query('/loki/api/v1/query_range', { query: '{service_name="after"}' });
      assert.equal(q.json.data.result[0].values[0][1], 'still here');
    });
  });
});
