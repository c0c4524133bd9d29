// Floods: each is cut off after little, says why where the protocol has words for it, and costs neither the others their service nor the
// process its memory.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import http2 from 'node:http2';
import { gzipSync } from 'node:zlib';
import { topology, until, withWeir } from '../harness/weir.mjs';
import { exportJson, logRequest, rawRequest } from '../harness/otlp.mjs';
import { callGrpc, connectH2, frame as grpcFrame, logsMessage, services } from '../harness/h2.mjs';

const type = { DATA: 0, HEADERS: 1, PRIORITY: 2, RST: 3, SETTINGS: 4, PING: 6, GOAWAY: 7, WINDOW: 8, CONTINUATION: 9 };
const flag = { END_STREAM: 1, END_HEADERS: 4, PADDED: 8 };
const CALM = http2.constants.NGHTTP2_ENHANCE_YOUR_CALM;

function frame(kind, flags, stream, payload = Buffer.alloc(0)) {
  const b = Buffer.alloc(9);
  b.writeUIntBE(payload.length, 0, 3);
  b[3] = kind;
  b[4] = flags;
  b.writeUInt32BE(stream, 5);
  return Buffer.concat([b, payload]);
}

// A literal header field without indexing (rfc7541 6.2.2); names and values of less than 127 bytes.
const field = (name, value) => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
const head = Buffer.concat([[':method', 'POST'], [':scheme', 'http'], [':path', '/v1/logs'], [':authority', 'x'], ['content-type', 'application/json']].map(([n, v]) => field(n, v)));
const u32 = (v) => {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(v);
  return b;
};

// Sends what `next(i)` gives until the peer closes or `most` bytes are out. { sent, closed, goaway }: goaway is its error code.
function flood(port, next, { most = 64 << 20, first = Buffer.alloc(0) } = {}) {
  return new Promise((resolve) => {
    const s = net.connect(port, '127.0.0.1');
    const parts = [];
    let sent = 0, i = 0, over = false;
    const end = (closed) => {
      if (over) return;
      over = true;
      s.destroy();
      let goaway = null, text = '';
      const all = Buffer.concat(parts);
      for (let at = 0; at + 9 <= all.length; at += 9 + all.readUIntBE(at, 3))
        if (all[at + 3] === type.GOAWAY && at + 17 <= all.length) {
          goaway = all.readUInt32BE(at + 13);
          text = all.subarray(at + 17, at + 9 + all.readUIntBE(at, 3)).toString();
        }
      resolve({ sent, closed, goaway, text });
    };
    const go = () => {
      for (let room = true; room && !over;) {
        if (sent >= most) return;
        const b = Buffer.concat(Array.from({ length: 50 }, () => next(i++)));
        sent += b.length;
        room = s.write(b);
      }
    };
    s.on('data', (d) => parts.push(d));
    s.on('drain', go);
    s.on('error', () => end(true));
    s.on('close', () => end(true));
    s.on('end', () => end(true));
    s.setTimeout(30000, () => end(false));
    s.on('connect', () => {
      s.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(type.SETTINGS, 0, 0), frame(type.SETTINGS, 1, 0), first]));
      go();
    });
  });
}

test('floods are cut off', async (t) => {
  const options = { 'receive.max_inflight': '32MiB', 'receive.max_body': '4MiB', 'receive.max_decompressed': '8MiB', 'receive.max_connections': '200', 'receive.workers': '1' };
  await withWeir(options, async (weir) => {
    let n = 0;
    const othersAreServed = async (what) => {
      const r = await exportJson(weir, 'logs', logRequest([`fine ${n++}`], { service: 'fine' }));
      assert.equal(r.status, 200, what);
    };
    const resident = async () => (await weir.metrics()).process_resident_memory_bytes;
    await othersAreServed('before');
    const before = await resident();
    // Both of these take ten seconds by themselves: they run beside the rest.
    const slow = (bytes, more) => new Promise((resolve) => {
      const s = net.connect(weir.ports.http, '127.0.0.1');
      let text = '';
      const from = Date.now();
      s.on('data', (d) => (text += d));
      s.on('error', () => {});
      s.on('connect', () => s.write(bytes));
      const drip = setInterval(() => s.writable && s.write(more), 200);
      s.on('close', () => (clearInterval(drip), resolve({ text, ms: Date.now() - from })));
    });
    const slowHead = slow('POST /v1/logs HTTP/1.1\r\nhost: x\r\nx-', 'a');
    const slowBody = slow('POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{', ' ');

    const open = frame(type.HEADERS, flag.END_HEADERS, 1, head);
    const ping = frame(type.PING, 0, 0, Buffer.alloc(8));
    const cases = [
      ['pings', () => ping, {}, 100000],
      ['settings', () => frame(type.SETTINGS, 0, 0), {}, 300000],
      ['empty data', () => frame(type.DATA, 0, 1), { first: open }, 300000],
      ['data that is all padding', () => frame(type.DATA, flag.PADDED, 1, Buffer.from([3, 0, 0, 0])), { first: open }, 400000],
      ['window updates', () => frame(type.WINDOW, 0, 0, u32(1)), {}, 400000],
      ['priorities', () => frame(type.PRIORITY, 0, 3, Buffer.alloc(5)), {}, 400000],
      ['rapid resets', (i) => Buffer.concat([frame(type.HEADERS, flag.END_HEADERS, 2 * i + 1, head), frame(type.RST, 0, 2 * i + 1, u32(8))]), {}, 4 << 20],
      ['continuations', (i) => (i === 0 ? frame(type.HEADERS, 0, 1, head) : frame(type.CONTINUATION, 0, 1, field('x-a', 'b'.repeat(100)))), {}, 300000],
      ['header bombs', (i) => { // one field in the table, then named 4,000 times by one byte
        const first = Buffer.concat([head, Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([100]), Buffer.alloc(100, 'v')]);
        return frame(type.HEADERS, flag.END_HEADERS | flag.END_STREAM, 2 * i + 1, i === 0 ? first : Buffer.concat([head, Buffer.alloc(4000, 0xbe)]));
      }, {}, 16 << 20],
      ['frames of an unknown type', () => frame(0xbe, 0, 0, Buffer.alloc(16000)), {}, 40 << 20],
    ];
    for (const [what, next, more, most] of cases) {
      await t.test(what, async () => {
        const r = await flood(weir.ports.grpc, next, { most: 2 * most, ...more });
        assert.ok(r.closed, `${what}: closed after ${r.sent} bytes`);
        // What the kernel's buffers took after the end is in `sent` as well.
        if (r.goaway !== null) assert.ok([CALM, http2.constants.NGHTTP2_INTERNAL_ERROR, http2.constants.NGHTTP2_PROTOCOL_ERROR].includes(r.goaway), `${what}: GOAWAY ${r.goaway}`);
        if (what === 'pings' && r.goaway !== null) assert.equal(r.text, 'too_many_pings');
        await othersAreServed(what);
      });
    }
    await t.test('readers that open no window: their answers wait, others are served', async () => {
      const sessions = Array.from({ length: 20 }, () => http2.connect(`http://127.0.0.1:${weir.ports.grpc}`, { settings: { initialWindowSize: 0 } }));
      for (const s of sessions) {
        s.on('error', () => {});
        for (let i = 0; i < 100; i++) {
          const q = s.request({ ':method': 'POST', ':path': '/v1/logs', 'content-type': 'application/json' });
          q.on('error', () => {});
          q.end('{');
        }
      }
      await othersAreServed('zero windows');
      for (const s of sessions) s.destroy();
    });
    await t.test('decompression bombs are refused by their size, plain or cut into members', async () => {
      const bomb = gzipSync(Buffer.alloc(64 << 20));
      for (const pieces of [[bomb], [Buffer.concat([gzipSync(Buffer.alloc(9 << 20)), gzipSync('x')])]])
        for (let i = 0; i < 10; i++) {
          const r = await rawRequest(weir, { path: '/v1/logs', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, pieces });
          assert.equal(r.status, 413);
        }
      const session = connectH2(weir, 'grpc');
      const r = await callGrpc(session, services.logs, { wire: grpcFrame(bomb, { compressed: true }), headers: { 'grpc-encoding': 'gzip' } });
      assert.equal(r.status, 8);
      session.close();
    });
    await t.test('more connections than there may be are closed, and room is there again when they leave', async () => {
      const all = Array.from({ length: 400 }, () => {
        const s = net.connect(weir.ports.grpc, '127.0.0.1');
        s.closed_ = false;
        s.on('error', () => {});
        s.on('close', () => (s.closed_ = true));
        s.resume();
        return s;
      });
      await until('200 are closed', () => all.filter((s) => s.closed_).length >= 200);
      assert.ok(all.filter((s) => !s.closed_).length >= 150);
      await othersAreServed('the other port has its own');
      for (const s of all) s.destroy();
      await until('gRPC is served again', async () => {
        const session = connectH2(weir, 'grpc');
        const r = await callGrpc(session, services.logs, { message: logsMessage('fine', ['grpc']) }).catch(() => null);
        session.destroy();
        return r?.status === 0;
      });
    });
    await t.test('heads and bodies that trickle are ended', async () => {
      const [h, b] = await Promise.all([slowHead, slowBody]);
      for (const r of [h, b]) {
        assert.match(r.text, /^HTTP\/1\.1 408 /);
        assert.ok(r.ms >= 9000, `${r.ms} ms`);
      }
    });
    await t.test('memory is what it was, nothing is held, and every good request was kept', async () => {
      await until('no bytes in flight', async () => (await weir.metrics())['weir_inflight_bytes'] === 0);
      const grown = (await resident()) - before;
      if (!topology.includes('san')) assert.ok(grown < 256 << 20, `${grown >> 20} MiB more`); // a sanitizer keeps what was freed
      await weir.flush();
      const r = await weir.query('/loki/api/v1/query_range', { query: '{service_name="fine"} |= "fine"', limit: 1000 });
      assert.equal(r.json.data.result.flatMap((s) => s.values).length, n);
      for (const [signal, l] of Object.entries(await weir.ledger())) assert.equal(l.balance, 0, `${signal}: ${JSON.stringify(l)}`);
    });
  });
});
