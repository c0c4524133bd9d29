// The otlphttp exporter against HTTP servers of every kind, and both OTLP exporters into weir itself; the file and debug exporters by what they write.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, renameSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { temporaryFolder, withWeir } from '../harness/weir.mjs';
import { bytesField, logsMessage, tracesMessage } from '../harness/h2.mjs';
import { Exporter, httpPeer } from '../harness/exporter.mjs';

const dir = temporaryFolder();
const three = logsMessage('export', ['one', 'two', 'three']);

async function once(options, { signal = 'logs', requests = [three], name = 'otlphttp' } = {}) {
  const e = await Exporter.open(dir, name, options, signal, requests);
  assert.equal(e.opened.status, 'OK', e.opened.error);
  const r = await e.send();
  await e.close();
  return { ...r, log: e.log };
}

async function withPeer(answer, fn) {
  const server = await httpPeer(answer);
  try {
    return await fn(server, `http://127.0.0.1:${server.port}`);
  } finally {
    server.stop();
  }
}

const sendTo = (answer, options = {}) => withPeer(answer, (_, endpoint) => once({ endpoint, ...options }));
const reply = (status, headers = {}, body = '') => (_, res) => {
  res.writeHead(status, headers);
  res.end(body);
};
const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json' };

test('otlphttp', async (t) => {
  await t.test('a request, as protobuf and as JSON, over one connection', () =>
    withPeer(reply(200, protobuf), async (server, endpoint) => {
      const e = await Exporter.open(dir, 'otlp_http/x', { endpoint: `${endpoint}/base/`, headers: [{ name: 'X-Key', value: 'k' }] }, 'logs', [three]);
      for (let i = 0; i < 3; i++) assert.deepEqual([(await e.send({ fresh: true })).status], ['OK']);
      await e.close();
      const [{ url, headers, body }] = server.calls;
      assert.equal(url, '/base/v1/logs');
      assert.equal(headers['content-type'], 'application/x-protobuf');
      assert.equal(headers['content-encoding'], 'gzip');
      assert.equal(headers['x-key'], 'k');
      assert.ok(gunzipSync(body).includes('three'));
      assert.equal(new Set(server.calls.map((c) => c.socket)).size, 1);
      await once({ logs_endpoint: `${endpoint}/other?a=b`, encoding: 'json', compression: 'none' }, { requests: [three, three] });
      const last = server.calls.at(-1);
      assert.equal(last.url, '/other?a=b');
      assert.equal(last.headers['content-type'], 'application/json');
      assert.equal(last.headers['content-encoding'], undefined);
      const text = JSON.parse(last.body);
      assert.deepEqual(text.resourceLogs.map((r) => r.scopeLogs[0].logRecords.map((l) => l.body.stringValue)), [['one', 'two', 'three'], ['one', 'two', 'three']]);
      const none = await once({ traces_endpoint: endpoint });
      assert.deepEqual([none.status, none.error], ['INVALID', 'no endpoint for logs']);
    }));
  await t.test('partial success in either encoding', async () => {
    const a = await sendTo(reply(200, protobuf, bytesField(1, Buffer.from([0x08, 2]), bytesField(2, 'too old'))));
    assert.deepEqual([a.status, a.items, a.rejected, a.message], ['OK', 1, 2, 'too old']);
    const b = await sendTo(reply(200, json, '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too\\nnew"}}'), { encoding: 'json' });
    assert.deepEqual([b.status, b.items, b.rejected, b.message], ['OK', 2, 1, 'too new']);
    assert.equal((await sendTo(reply(204))).status, 'OK');
    assert.equal((await sendTo(reply(200, json, '{'))).rejected, 0);
  });
  await t.test('429, 502, 503 and 504 are tried again, at the time they say; nothing else is', async () => {
    for (const status of [429, 502, 503, 504]) assert.deepEqual(await sendTo(reply(status, { 'retry-after': '3' })).then((r) => [r.status, r.retryAfterMs]), ['OVERLOADED', 3000]);
    const date = await sendTo(reply(503, { 'retry-after': new Date(Date.now() + 3600e3).toUTCString() }));
    assert.ok(date.retryAfterMs > 3000e3 && date.retryAfterMs <= 3600e3, String(date.retryAfterMs));
    assert.equal((await sendTo(reply(503, { 'retry-after': 'soon' }))).retryAfterMs, 0);
    const want = { 400: 'INVALID', 401: 'UNAUTHORIZED', 403: 'UNAUTHORIZED', 404: 'NOT_FOUND', 408: 'INVALID', 413: 'LIMIT', 415: 'MEDIA_TYPE', 500: 'INVALID', 501: 'UNSUPPORTED', 301: 'INVALID' };
    for (const [status, means] of Object.entries(want)) {
      const r = await sendTo(reply(Number(status), { 'retry-after': '3', location: 'http://elsewhere/' }, 'plain words\n'));
      assert.deepEqual([status, r.status, r.retryAfterMs], [status, means, 0]);
      assert.match(r.error, status === '301' ? /elsewhere/ : new RegExp(`^HTTP ${status}: plain words$`));
    }
    const status = await sendTo(reply(400, protobuf, Buffer.concat([Buffer.from([0x08, 3]), bytesField(2, 'why not')])));
    assert.equal(status.error, 'HTTP 400: why not');
    assert.equal((await sendTo(reply(400, json, '{"code":3,"message":"why not"}'), { encoding: 'json' })).error, 'HTTP 400: why not');
  });
  await t.test('a page of HTML is no success', async () => {
    const r = await sendTo(reply(200, { 'content-type': 'text/html' }, '<html>'));
    assert.equal(r.status, 'INVALID');
    assert.match(r.error, /not an OTLP endpoint/);
  });
  await t.test('an answer larger than 4 MiB, none at all, a silent server', async () => {
    assert.equal((await sendTo(reply(200, protobuf, Buffer.alloc(5 << 20)))).status, 'LIMIT');
    assert.equal((await sendTo((req) => req.socket.destroy())).status, 'UNAVAILABLE');
    assert.equal((await sendTo(() => {}, { timeout: '200ms' })).status, 'TIMEOUT');
    assert.equal((await once({ endpoint: 'http://127.0.0.1:1' })).status, 'UNAVAILABLE');
  });
  await t.test('cancelled while the server is silent', () => {
    let came;
    const arrived = new Promise((resolve) => (came = resolve));
    return withPeer(() => came(), async (_, endpoint) => {
      const e = await Exporter.open(dir, 'otlphttp', { endpoint, timeout: '10m' }, 'logs', [three]);
      e.begin();
      await arrived;
      e.cancel();
      assert.equal((await e.answer()).status, 'CANCELLED');
      await e.close();
    });
  });
});

test('options that are wrong are refused with their place', async () => {
  const wrong = async (name, options, message) => {
    const e = await Exporter.open(dir, name, options);
    assert.equal(e.opened.status === 'OK', false, JSON.stringify(options));
    assert.match(e.opened.error, message);
    await e.close();
    return e.opened.status;
  };
  const endpoint = 'localhost:4317';
  await wrong('otlp', {}, /endpoint is missing/);
  await wrong('otlp', { endpoint: 'localhost' }, /^options.yaml:1:\d+: endpoint: "localhost" is not host:port/);
  await wrong('otlp', { endpoint: 'http://localhost:4317/v1/traces' }, /is not host:port/);
  await wrong('otlp', { endpoint, compresion: 'gzip' }, /compresion: no such option; did you mean "compression"/);
  await wrong('otlp', { endpoint, compression: 'snappy' }, /compression: "snappy" is not there: gzip, zstd or none/);
  await wrong('otlp', { endpoint, auth: { authenticator: 'oauth2' } }, /auth: authenticators are not there/);
  await wrong('otlp', { endpoint, headers: { 'content-type': 'x' } }, /exporter's own/);
  await wrong('otlp', { endpoint, headers: { 'a b': 'x' } }, /not the name of a header/);
  await wrong('otlp', { endpoint, headers: { a: 'x\r\nb: c' } }, /line ends/);
  await wrong('otlp', { endpoint, timeout: '0s' }, /timeout: "0s" is too short/);
  await wrong('otlp', { endpoint, tls: { cert_pem: 'x' } }, /certificate and a key belong together/);
  assert.equal(await wrong('otlp', { endpoint, tls: { ca_file: '/no/such' } }, /tls.ca_file: cannot read \/no\/such: No such file/), 'UNAVAILABLE');
  await wrong('otlp', { endpoint, sending_queue: { enabled: false } }, /journal is the queue/);
  await wrong('otlp', { endpoint, retry_on_failure: { max_elapsed_time: '300s' } }, /max_tries/);
  await wrong('otlphttp', { endpoint: 'localhost:4318' }, /is not a URL/);
  await wrong('otlphttp', { endpoint: 'http://x', encoding: 'yaml' }, /encoding/);
  await wrong('debug', { verbosity: 'loud' }, /verbosity/);
  await wrong('file', {}, /path is missing/);
  assert.equal(await wrong('file', { path: join(dir, 'no/such/file.json') }, /path: no folder .*No such file/), 'UNAVAILABLE');
  await wrong('file', { path: dir }, /is a folder/);
});

test('into weir: every encoding and compression of both exporters, and what it rejects', () =>
  withWeir({}, async (weir) => {
    const traces = tracesMessage('export', [['5b8efff798038103d269b633813fc60c', 'eee19b7ec3c1b174'], ['5b8efff798038103d269b633813fc60d', 'eee19b7ec3c1b174']]);
    const grpc = { endpoint: `http://127.0.0.1:${weir.ports.grpc}` }, http = { endpoint: `http://127.0.0.1:${weir.ports.http}` };
    let sent = 0;
    for (const compression of ['none', 'gzip', 'zstd']) {
      for (const [name, options] of [['otlp', grpc], ['otlphttp', http], ['otlphttp', { ...http, encoding: 'json' }]]) {
        for (const [signal, message, n] of [['logs', three, 3], ['traces', traces, 2]]) {
          const r = await once({ ...options, compression }, { name, signal, requests: [message, message] });
          assert.deepEqual([name, compression, r.status, r.batches, r.items], [name, compression, 'OK', 2, 2 * n], r.error);
        }
        sent++;
      }
    }
    const old = logsMessage('export', ['from 1990'], Date.parse('1990-01-01'));
    for (const [name, options] of [['otlp', grpc], ['otlphttp', http], ['otlphttp', { ...http, encoding: 'json' }]]) {
      const r = await once(options, { name, requests: [old, three] });
      assert.deepEqual([r.status, r.items, r.rejected], ['OK', 3, 1], r.error);
      assert.match(r.message, /older than/);
      sent += 0.5;
    }
    await weir.flush();
    const l = await weir.ledger();
    assert.deepEqual([l.logs.stored, l.traces.stored, l.logs.rejected], [9 * 6 + 9, 9 * 4, 3]);
    const q = await weir.query('/loki/api/v1/query_range', { query: '{service_name="export"}', limit: 1000, start: Date.now() / 1000 - 600, end: Date.now() / 1000 + 60 });
    assert.equal(q.json.data.result.flatMap((s) => s.values.map((v) => v[1])).filter((v) => v === 'two').length, 2 * 9 + 3);
  }));

test('file: a line for each batch, in the file its name leads to; rotated files keep their lines', async () => {
  const path = join(dir, 'out.jsonl');
  const e = await Exporter.open(dir, 'file', { path }, 'logs', [three, Buffer.alloc(0), three]);
  assert.deepEqual((await e.send()).status, 'OK');
  renameSync(path, `${path}.moved`);
  assert.deepEqual((await e.send({ fresh: true })).items, 6);
  await e.close();
  for (const p of [path, `${path}.moved`]) {
    const lines = readFileSync(p, 'utf8').split('\n');
    assert.equal(lines.pop(), '');
    assert.deepEqual(lines.map((l) => JSON.parse(l).resourceLogs[0].scopeLogs[0].logRecords.length), [3, 3]);
  }
  const again = await once({ path, append: false }, { name: 'file' });
  assert.equal(again.status, 'OK');
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 2, 'append: false begins anew');
  const full = await once({ path: '/dev/full' }, { name: 'file' });
  assert.equal(full.status, 'UNAVAILABLE');
  assert.match(full.error, /No space left/);

  const rotated = join(dir, 'rotated.json');
  const big = logsMessage('export', ['x'.repeat(700 << 10)]);
  const r = await Exporter.open(dir, 'file', { path: rotated, rotation: { max_megabytes: 1, max_backups: 2 } }, 'logs', [big]);
  for (let i = 0; i < 5; i++) {
    assert.equal((await r.send({ fresh: true })).status, 'OK');
    await new Promise((resolve) => setTimeout(resolve, 5)); // backups are named by the millisecond
  }
  await r.close();
  const files = readdirSync(dir).filter((f) => /^rotated-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json$/.test(f));
  assert.equal(files.length, 2);
  assert.ok(existsSync(rotated));
  for (const f of [...files.map((f) => join(dir, f)), rotated]) assert.equal(readFileSync(f, 'utf8').split('\n').length, 2);
});

test('file: protobuf and compressed records stand behind their length', async () => {
  const path = join(dir, 'out.pb');
  await once({ path, format: 'proto' }, { name: 'file', requests: [three, three] });
  const bytes = readFileSync(path);
  const n = bytes.readUInt32BE(0);
  assert.equal(bytes.length, 2 * (4 + n));
  assert.ok(bytes.subarray(4, 4 + n).equals(bytes.subarray(8 + n)));
  assert.ok(bytes.subarray(4, 4 + n).includes('three'));
  await once({ path: `${path}.zst`, compression: 'zstd' }, { name: 'file' });
  const zstd = readFileSync(`${path}.zst`);
  assert.equal(zstd.length, 4 + zstd.readUInt32BE(0));
  assert.equal(zstd.readUInt32LE(4), 0xfd2fb528);
});

test('debug: counts, items, everything', async () => {
  const log = async (options, more) => (await once(options, { name: 'debug/x', ...more })).log.split('\n').filter((l) => l.includes('module=debug'));
  const basic = await log({});
  assert.equal(basic.length, 1);
  assert.match(basic[0], /msg=Logs exporter=debug\/x resources=1 log_records=3/);
  const normal = await log({ verbosity: 'normal' });
  assert.equal(normal.length, 4);
  assert.match(normal[1], /msg=log severity="" body=one/);
  const detailed = await log({ verbosity: 'detailed' });
  assert.match(detailed[1], /resource="\{.*service\.name.*" .*item="\{.*one/);
  const sampled = await log({ sampling_initial: 1, sampling_thereafter: 3 }, { requests: Array(8).fill(three) });
  assert.ok(sampled.length >= 3, 'one, then every third; more when the second ends meanwhile');
  assert.ok(sampled.length <= 4);
});
