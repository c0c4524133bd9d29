// OTLP/gRPC spoken by hand over HTTP/2: framing, compression, every error's code and form, partial success; and each protocol on each port.
import test from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { withWeir } from '../harness/weir.mjs';
import { callGrpc, connectH2, frame, logsMessage, services, streamH2, tracesMessage } from '../harness/h2.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';

// node 20's zlib has no zstd: a frame of raw blocks (RFC 8878, 3.1.1), single segment, 8-byte content size.
function zstdOf(bytes) {
  const head = Buffer.alloc(13);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0xe0;
  head.writeBigUInt64LE(BigInt(bytes.length), 5);
  const parts = [head];
  for (let at = 0; ; at += 100000) {
    const piece = bytes.subarray(at, at + 100000);
    const last = at + 100000 >= bytes.length;
    const block = Buffer.alloc(3);
    block.writeUIntLE((piece.length << 3) | (last ? 1 : 0), 0, 3);
    parts.push(block, piece);
    if (last) return Buffer.concat(parts);
  }
}

function isError(r, code, message) {
  assert.equal(r.http, 200, 'gRPC errors are HTTP 200');
  assert.equal(r.status, code, r.message);
  assert.equal(r.trailersOnly, true, 'one HEADERS frame');
  assert.equal(r.body.length, 0);
  assert.match(String(r.headers['content-type']), /^application\/grpc/);
  assert.match(r.message, message);
}

function isSuccess(r) {
  assert.deepEqual([r.http, r.status, r.trailersOnly], [200, 0, false], r.message);
  assert.equal(r.body.toString('hex'), '0000000000', 'an empty ExportServiceResponse');
  assert.match(String(r.headers['content-type']), /^application\/grpc/);
}

test('OTLP/gRPC by hand', async (t) => {
  await withWeir({ 'receive.max_body': '1MiB', 'receive.max_decompressed': '2MiB' }, async (weir) => {
    let session = connectH2(weir, 'grpc');
    const sent = [];
    const one = (line) => {
      sent.push(line);
      return logsMessage('raw', [line], Date.now() - 100000 + sent.length);
    };

    await t.test('a message in one frame, in frames of 1 byte, of 7 bytes, and a prefix alone', async () => {
      isSuccess(await callGrpc(session, services.logs, { message: one('whole') }));
      isSuccess(await callGrpc(session, services.logs, { message: one('bytes'), piece: 1 }));
      isSuccess(await callGrpc(session, services.logs, { message: one('sevens'), piece: 7 }));
      isSuccess(await callGrpc(session, services.logs, { message: one('prefix alone'), piece: 5 }));
    });
    await t.test('an empty message is a success, for each signal', async () => {
      for (const path of Object.values(services)) isSuccess(await callGrpc(session, path));
    });
    await t.test('gzip and zstd; a message that is not flagged is as it is', async () => {
      for (const [name, pack] of Object.entries({ gzip: gzipSync, zstd: zstdOf })) {
        const headers = { 'grpc-encoding': name };
        isSuccess(await callGrpc(session, services.logs, { wire: frame(pack(one(name)), { compressed: true }), headers }));
        isSuccess(await callGrpc(session, services.logs, { wire: frame(pack(one(`${name} in pieces`)), { compressed: true }), headers, piece: 11 }));
        isSuccess(await callGrpc(session, services.logs, { message: one(`${name} not used`), headers }));
      }
    });
    await t.test('100 calls at once on one connection', async () => {
      const all = await Promise.all(Array.from({ length: 100 }, (_, i) => callGrpc(session, services.logs, { message: one(`together ${i}`), piece: 40 })));
      all.forEach(isSuccess);
    });
    await t.test('12: unknown methods and services, compressions and encodings of messages', async () => {
      isError(await callGrpc(session, '/opentelemetry.proto.collector.logs.v1.LogsService/Import'), 12, /unknown service or method/);
      isError(await callGrpc(session, '/grpc.health.v1.Health/Check'), 12, /unknown service or method/);
      isError(await callGrpc(session, services.logs, { headers: { 'grpc-encoding': 'snappy' } }), 12, /grpc-encoding.*snappy/);
      isError(await callGrpc(session, services.logs, { headers: { 'content-type': 'application/grpc+json' } }), 12, /protobuf/);
    });
    await t.test('8, not to be tried again: larger than the limit, before and after decompression', async () => {
      const stated = await callGrpc(session, services.logs, { wire: frame(Buffer.alloc(10), { length: (1 << 20) + 1 }) });
      isError(stated, 8, /1048577 bytes, limit 1048576/);
      assert.equal(stated.headers['grpc-status-details-bin'], undefined, 'without RetryInfo');
      isError(await callGrpc(session, services.logs, { wire: frame(gzipSync(Buffer.alloc(3 << 20)), { compressed: true }), headers: { 'grpc-encoding': 'gzip' } }), 8, /2097152/);
    });
    await t.test('3: what cannot be read', async () => {
      isError(await callGrpc(session, services.logs, { message: Buffer.from([0x0a, 0x7f, 0x01]) }), 3, /./);
      isError(await callGrpc(session, services.logs, { wire: Buffer.from([0, 0, 0]) }), 3, /cut off/);
      isError(await callGrpc(session, services.logs, { wire: frame(Buffer.alloc(3), { length: 30 }) }), 3, /cut off after 3 of 30/);
      isError(await callGrpc(session, services.logs, { wire: Buffer.concat([frame(one('x')), frame(one('y'))]) }), 3, /exactly one/);
      sent.splice(-2);
      isError(await callGrpc(session, services.logs, { wire: Buffer.from([2, 0, 0, 0, 0]) }), 3, /flag/);
      isError(await callGrpc(session, services.logs, { wire: frame(Buffer.from('no gzip'), { compressed: true }), headers: { 'grpc-encoding': 'gzip' } }), 3, /gzip/);
      isError(await callGrpc(session, services.logs, { wire: frame(gzipSync(Buffer.alloc(0)), { compressed: true }) }), 3, /without grpc-encoding/);
    });
    await t.test('partial success: status 0, how many were rejected and why', async () => {
      const trace = '5b8efff798038103d269b633813fc60c';
      const spans = [[trace, 'eee19b7ec3c1b174'], [trace, '0000000000000000'], ['00000000000000000000000000000000', 'eee19b7ec3c1b175']];
      const r = await callGrpc(session, services.traces, { message: tracesMessage('raw', spans) });
      assert.equal(r.status, 0);
      assert.equal(r.body.readUInt32BE(1), r.reply.length);
      assert.equal(r.reply[0], 0x0a); // 1: partial_success
      assert.equal(r.reply[1], r.reply.length - 2);
      assert.deepEqual([r.reply[2], r.reply[3]], [0x08, 2]); // 1: rejected_spans
      assert.equal(r.reply[4], 0x12); // 2: error_message
      assert.match(r.reply.subarray(6).toString(), /id/);
    });
    await t.test('HTTP over HTTP/2 on the gRPC port: JSON and protobuf, success and error', async () => {
      const post = (type, body, path = '/v1/logs') => streamH2(session, { ':path': path, 'content-type': type }, [body]);
      sent.push('h2 json');
      const json = await post('application/json', Buffer.from(JSON.stringify(logRequest(['h2 json'], { service: 'raw' }))));
      assert.deepEqual([json.headers[':status'], json.headers['content-type'], json.body.toString()], [200, 'application/json', '{}']);
      const proto = await post('application/x-protobuf', one('h2 protobuf'));
      assert.deepEqual([proto.headers[':status'], proto.headers['content-type'], proto.body.length], [200, 'application/x-protobuf', 0]);
      assert.equal((await post('application/json', Buffer.from('{'))).headers[':status'], 400);
      assert.equal((await post('text/plain', Buffer.from('{'))).headers[':status'], 415);
      assert.equal((await post('application/json', Buffer.from('{}'), '/v2/logs')).headers[':status'], 404);
    });
    await t.test('gRPC and HTTP/2 on the HTTP port, HTTP/1.1 on the gRPC port', async () => {
      const other = connectH2(weir, 'http');
      isSuccess(await callGrpc(other, services.logs, { message: one('gRPC on 4318') }));
      isError(await callGrpc(other, '/x.Y/Z'), 12, /unknown/);
      assert.equal((await streamH2(other, { ':path': '/v1/logs', 'content-type': 'application/x-protobuf' }, [one('h2c on 4318')])).headers[':status'], 200);
      other.close();
      sent.push('HTTP/1.1 on 4317');
      const r = await exportJson({ url: (_, path) => weir.url('grpc', path) }, 'logs', logRequest(['HTTP/1.1 on 4317'], { service: 'raw' }));
      assert.equal(r.status, 200);
    });
    await t.test('the connection survived all of that, and what was acknowledged is there', async () => {
      isSuccess(await callGrpc(session, services.logs, { message: one('last') }));
      session.close();
      await weir.flush();
      const q = await weir.query('/loki/api/v1/query_range', { query: '{service_name="raw"}', limit: 1000, start: Date.now() / 1000 - 600, end: Date.now() / 1000 + 60 });
      assert.deepEqual(q.json.data.result.flatMap((s) => s.values.map((v) => v[1])).sort(), sent.sort());
      for (const [signal, l] of Object.entries(await weir.ledger())) assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
    });
  });
});
