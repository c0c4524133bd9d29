// Clients that trickle, stall, stop reading or close half of their connection: others are served meanwhile without delay, what such a client
// does finish is taken, and memory stays what it is stated to be.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import http2 from 'node:http2';
import { until, withWeir } from '../harness/weir.mjs';
import { exportJson, logRequest, rawRequest } from '../harness/otlp.mjs';

const head = (length, more = '') => `POST /v1/logs HTTP/1.1\r\nhost: weir\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;

// A connection by hand: what came back is in .text.
function open(port, { allowHalfOpen = true } = {}) {
  const s = net.connect({ port, host: '127.0.0.1', allowHalfOpen });
  const c = { socket: s, text: '', ended: false };
  s.on('data', (d) => (c.text += d.toString('latin1')));
  s.on('error', () => (c.ended = true));
  s.on('end', () => (c.ended = true));
  c.connected = new Promise((resolve) => s.on('connect', resolve));
  return c;
}

test('slow and half-closed clients do not stop others', async (t) => {
  const options = { 'receive.max_body': '2MiB', 'receive.max_inflight': '8MiB', 'batch.timeout': '200ms' };
  await withWeir(options, async (weir) => {
    const stalled = [];
    let n = 0;
    const othersAreServed = async (what) => {
      const from = Date.now();
      for (const port of ['http', 'grpc']) {
        const r = await rawRequest(weir, { port, path: '/v1/logs', headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify(logRequest([`fine ${n++}`], { service: 'fine' }))] });
        assert.equal(r.status, 200, `${what}: ${r.body}`);
      }
      assert.ok(Date.now() - from < 2000, `${what}: ${Date.now() - from} ms for two requests`);
    };

    await t.test('many that stated a large body and send nothing of it', async () => {
      for (let i = 0; i < 40; i++) stalled.push(open(weir.ports[i % 2 ? 'http' : 'grpc']));
      await Promise.all(stalled.map((c) => c.connected));
      for (const c of stalled) c.socket.write(head(2 << 20) + '{"resourceLogs":[');
      await othersAreServed('40 stalled bodies');
      for (const c of stalled) assert.equal(c.ended, false, `still open: ${c.text}`);
    });
    await t.test('a client that trickles its request is taken when it is done', async () => {
      const c = open(weir.ports.http);
      await c.connected;
      c.socket.setNoDelay(true);
      const body = JSON.stringify(logRequest(['trickled'], { service: 'trickle' }));
      for (const byte of head(Buffer.byteLength(body)) + body) await new Promise((resolve) => c.socket.write(byte, 'latin1', resolve));
      await until('its answer', () => c.text.includes('\r\n\r\n{}'), { seconds: 10 });
      assert.match(c.text, /^HTTP\/1\.1 200/);
      c.socket.destroy();
      await othersAreServed('a trickling client');
    });
    await t.test('a client that closes its half after a whole request gets the answer', async () => {
      const c = open(weir.ports.http);
      await c.connected;
      const body = JSON.stringify(logRequest(['half'], { service: 'half' }));
      c.socket.end(head(Buffer.byteLength(body)) + body);
      await until('its answer and the end', () => c.ended, { seconds: 10 });
      assert.match(c.text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\{\}$/);
    });
    await t.test('a client that closes its half in the middle of a body is closed, and nothing of it is kept', async () => {
      const c = open(weir.ports.http);
      await c.connected;
      c.socket.end(head(1000) + '{"resourceLogs":[');
      await until('the end', () => c.ended, { seconds: 10 });
      assert.doesNotMatch(c.text, /^HTTP\/1\.1 2/);
    });
    await t.test('HTTP/2 streams that stall beside others on the same connection', async () => {
      const session = http2.connect(`http://127.0.0.1:${weir.ports.grpc}`);
      const mute = Array.from({ length: 50 }, () => {
        const s = session.request({ ':method': 'POST', ':path': '/v1/logs', 'content-type': 'application/json' });
        s.on('error', () => {});
        s.write('{"resourceLogs":[');
        return s;
      });
      const status = await new Promise((resolve, reject) => {
        const s = session.request({ ':method': 'POST', ':path': '/v1/logs', 'content-type': 'application/json' });
        s.on('response', (h) => resolve(h[':status']));
        s.on('error', reject);
        s.resume();
        s.end(JSON.stringify(logRequest(['beside'], { service: 'beside' })));
      });
      assert.equal(status, 200);
      await othersAreServed('50 stalled streams');
      for (const s of mute) s.close(http2.constants.NGHTTP2_CANCEL);
      session.destroy();
    });
    await t.test('a client that asks and never reads its answers', async () => {
      const c = open(weir.ports.http);
      await c.connected;
      c.socket.pause();
      const one = head(2) + '{}';
      for (let i = 0; i < 200; i++) c.socket.write(one.repeat(50));
      await othersAreServed('10,000 pipelined requests whose answers nobody reads');
      c.socket.destroy();
    });
    await t.test('a client of the queries that never reads', async () => {
      await weir.flush();
      const quiet = Array.from({ length: 20 }, () => open(weir.ports.query));
      await Promise.all(quiet.map((c) => c.connected));
      for (const c of quiet) {
        c.socket.pause();
        c.socket.write('GET /loki/api/v1/query_range?query=%7Bservice_name%3D%22fine%22%7D HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20));
      }
      const r = await weir.query('/loki/api/v1/query_range', { query: '{service_name="trickle"}' });
      assert.equal(r.json.data.result[0].values[0][1], 'trickled');
      for (const c of quiet) c.socket.destroy();
    });
    await t.test('when the stalled ones leave, what they held is given back', async () => {
      for (const c of stalled) c.socket.destroy();
      await until('no bytes in flight', async () => (await weir.metrics())['weir_inflight_bytes'] === 0, { seconds: 10 });
      assert.equal((await exportJson(weir, 'logs', logRequest(['at the end'], { service: 'half' }))).status, 200);
      await weir.flush();
      const r = await weir.query('/loki/api/v1/query_range', { query: '{service_name="half"}', direction: 'forward' });
      assert.deepEqual(r.json.data.result[0].values.map((v) => v[1]), ['half', 'at the end']);
      for (const [signal, l] of Object.entries(await weir.ledger())) assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
    });
  });
});
