// Drives tests/tools/export_send: one exporter of weir by itself, and the peers that it talks to.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { dirname, join } from 'node:path';
import readline from 'node:readline';
import { plainBinary, topology } from './weir.mjs';

const weirBinary = topology === 'three-asan' ? process.env.WEIR_TEST_ASAN_BIN : plainBinary;
const program = join(dirname(weirBinary), 'tests/tools/export_send');
let files = 0;
const running = new Set();

// After a test that failed, so that none is waited for.
export const killExporters = () => running.forEach((child) => child.kill('SIGKILL'));

// An exporter `name` with these options (JSON is YAML) and a block of one batch for each request (OTLP protobuf) of the signal.
export class Exporter {
  static async open(dir, name, options, signal = 'logs', requests = []) {
    const e = new Exporter();
    const write = (ending, content) => {
      const path = join(dir, `${files++}.${ending}`);
      writeFileSync(path, content);
      return path;
    };
    const args = [write('yaml', JSON.stringify(options)), name, signal, ...requests.map((r) => write('pb', r))];
    e.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:exitcode=66', UBSAN_OPTIONS: 'halt_on_error=1:exitcode=66' } });
    e.log = '';
    e.child.stderr.on('data', (d) => (e.log += d));
    running.add(e.child);
    e.child.on('close', () => running.delete(e.child));
    e.ended = new Promise((resolve) => e.child.on('close', (code, signal_) => resolve(code ?? signal_)));
    e.lines = readline.createInterface({ input: e.child.stdout })[Symbol.asyncIterator]();
    e.opened = await e.answer();
    return e;
  }

  async answer() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`export_send ended (${await this.ended}):\n${this.log}`);
    return JSON.parse(value);
  }

  begin() {
    this.child.stdin.write('send\n');
  }

  // Sends what is left; of a new try of the whole block: fresh.
  async send({ fresh = false } = {}) {
    if (fresh) this.child.stdin.write('new\n');
    this.begin();
    return this.answer();
  }

  cancel() {
    this.child.stdin.write('cancel\n');
  }

  async close() {
    this.child.stdin.end();
    const code = await this.ended;
    if (code !== 0) throw new Error(`export_send ended with ${code}:\n${this.log}`);
  }
}

const body = (stream) =>
  new Promise((resolve, reject) => {
    const parts = [];
    stream.on('data', (d) => parts.push(d));
    stream.on('end', () => resolve(Buffer.concat(parts)));
    stream.on('error', reject);
  });

const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

// A gRPC server that answers each call as `answer(stream, headers, body)` does; `tls` as for http2.createSecureServer. `server.calls` holds what came.
export async function grpcPeer(answer, tls) {
  const server = tls ? http2.createSecureServer(tls) : http2.createServer();
  server.calls = [];
  server.sessions = new Set();
  server.on('session', (s) => {
    server.sessions.add(s);
    s.on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => {});
    try {
      const bytes = await body(stream);
      server.calls.push({ headers, body: bytes, session: stream.session });
      await answer(stream, headers, bytes);
    } catch {
      // the other side has gone
    }
  });
  server.port = await listening(server);
  server.stop = () => {
    for (const s of server.sessions) s.destroy();
    server.close();
  };
  return server;
}

// A message with a prefix, then trailers.
export function grpcAnswer(stream, { message = Buffer.alloc(0), trailers = { 'grpc-status': '0' }, headers = {}, flag = 0 } = {}) {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(Buffer.concat([prefix, message]));
}

export function grpcTrailersOnly(stream, status, message, more = {}) {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), 'grpc-message': message, ...more }, { endStream: true });
}

// An HTTP/1.1 server: answer(request, response, body).
export async function httpPeer(answer) {
  const server = http.createServer(async (req, res) => {
    try {
      const bytes = await body(req);
      server.calls.push({ url: req.url, headers: req.headers, body: bytes, socket: req.socket });
      await answer(req, res, bytes);
    } catch {
      // the other side has gone
    }
  });
  server.calls = [];
  server.port = await listening(server);
  server.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return server;
}
