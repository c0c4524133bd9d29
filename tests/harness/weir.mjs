// Starts the real weir: in one process, or as three, waits for its ready line, and stops it.
//
// WEIR_TEST_BIN is the plain binary (it can host the embedded engine). WEIR_TEST_TOPOLOGY says how to start it:
//   one          weir run
//   three        weir storage-writer, weir collector and weir query-api
//   three-asan   the same, with collector and query-api from WEIR_TEST_ASAN_BIN
//   three-tsan   the same, with collector and query-api from WEIR_TEST_TSAN_BIN
// WEIR_TEST_KEEP=1 leaves the data folders behind and says where, WEIR_TEST_VERBOSE=1 shows weir's log.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

export const topology = process.env.WEIR_TEST_TOPOLOGY || 'one';
export const plainBinary = process.env.WEIR_TEST_BIN || 'build/release/weir';
const otherBinary =
  { 'three-asan': process.env.WEIR_TEST_ASAN_BIN, 'three-tsan': process.env.WEIR_TEST_TSAN_BIN }[topology] || plainBinary;

const anyPort = {
  'receive.grpc.endpoint': '127.0.0.1:0',
  'receive.http.endpoint': '127.0.0.1:0',
  'query.endpoint': '127.0.0.1:0',
  'admin.endpoint': '127.0.0.1:0',
  'clickhouse.endpoint': '127.0.0.1:0',
};

const endpointOf = { grpc: 'receive.grpc.endpoint', http: 'receive.http.endpoint', query: 'query.endpoint', clickhouse: 'clickhouse.endpoint' };

export function temporaryFolder() {
  const dir = mkdtempSync(join(tmpdir(), 'weir-test-'));
  if (process.env.WEIR_TEST_KEEP) console.error(`kept: ${dir}`);
  else process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// One process. `ready` is the JSON of its ready line. Rejects when it ends before.
export function startProcess(binary, args, { env = {} } = {}) {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const process_ = { child, log: [], ready: null, exited: null };
  process_.exited = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal }))); // its log is whole then
  readline.createInterface({ input: child.stderr }).on('line', (l) => {
    process_.log.push(l);
    if (process.env.WEIR_TEST_VERBOSE) console.error(l);
  });
  return new Promise((resolve, reject) => {
    readline.createInterface({ input: child.stdout }).on('line', (l) => {
      if (l.startsWith('ready ')) {
        process_.ready = JSON.parse(l.slice(6));
        resolve(process_);
      }
    });
    process_.exited.then(({ code, signal }) =>
      reject(new Error(`${binary} ${args[0]} ended (${code ?? signal}) before it was ready:\n${process_.log.join('\n')}`)));
  });
}

// A report ends the process (66), or is found in its log when it was killed before.
const sanitizers = {
  ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=66',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:exitcode=66',
  TSAN_OPTIONS: `halt_on_error=1:exitcode=66:second_deadlock_stack=1:suppressions=${fileURLToPath(new URL('tsan.supp', import.meta.url))}`,
};
const report = /(ERROR|WARNING): (Address|Thread|Leak|Memory)Sanitizer|: runtime error: /;

const flags = (options) => Object.entries(options).map(([k, v]) => `--${k}=${v}`);

export class Weir {
  // options: dotted names of weir's configuration. `dir` is kept over restarts.
  // `config`: a file for all processes; `env`: more variables for them.
  // `between(port)`, three processes only: the port, or store.url, by which the collector reaches the storage-writer's, for proxies in between;
  // `betweenQueries` is the same for the query-api.
  constructor(options = {}, { dir = temporaryFolder(), shape = topology, between = async (port) => port, betweenQueries = async (port) => port, config = null, env = {} } = {}) {
    this.config = config;
    this.env = env;
    this.options = { ...anyPort, ...options };
    this.dir = dir;
    this.shape = shape;
    this.between = between;
    this.betweenQueries = betweenQueries;
    this.processes = {}; // that run now, by command
    this.started = []; // all that ever ran
    this.ports = {};
  }

  async start() {
    if (this.shape === 'one') {
      await this.startService('run', plainBinary, {});
      return this;
    }
    await this.startService('storage-writer', plainBinary, {});
    const url = (to) => ({ 'store.url': typeof to === 'number' ? `http://127.0.0.1:${to}` : to });
    this.stores = { collector: url(await this.between(this.ports.clickhouse)), 'query-api': url(await this.betweenQueries(this.ports.clickhouse)) };
    await this.startService('collector', otherBinary, this.stores.collector);
    await this.startService('query-api', otherBinary, this.stores['query-api']);
    return this;
  }

  async startService(command, binary, more) {
    const file = this.config ? ['--config', this.config] : [];
    const p = await startProcess(binary, [command, ...file, '--data', this.dir, ...flags({ ...this.options, ...more })], { env: { ...sanitizers, ...this.env } });
    this.processes[command] = p;
    this.started.push([command, p]);
    for (const [k, v] of Object.entries(p.ready)) if (k !== 'admin') this.ports[k] = v;
    for (const [key, option] of Object.entries(endpointOf)) // a restart listens where the clients know it
      if (p.ready[key] && key !== 'admin') this.options[option] = `127.0.0.1:${p.ready[key]}`;
    if (command === 'collector' || command === 'run') this.ports.ingestAdmin = p.ready.admin;
    if (command === 'query-api') this.ports.queryAdmin = p.ready.admin;
  }

  url(port, path) {
    return `http://127.0.0.1:${this.ports[port]}${path}`;
  }

  // Everything acknowledged so far is stored when this returns.
  async flush() {
    const r = await fetch(this.url('ingestAdmin', '/flush'), { method: 'POST' });
    if (!r.ok) throw new Error(`flush: ${r.status} ${await r.text()}`);
  }

  async query(path, params = {}) {
    const search = new URLSearchParams();
    for (const [k, v] of Object.entries(params)) for (const one of [v].flat()) search.append(k, one);
    const r = await fetch(this.url('query', path) + (search.size ? `?${search}` : ''));
    const text = await r.text();
    let json = null;
    try {
      json = JSON.parse(text);
    } catch {
      // Loki's errors are plain text
    }
    return { status: r.status, headers: r.headers, text, json };
  }

  // weir's own metrics of the ingest process: name{labels} -> number
  async metrics() {
    const text = await (await fetch(this.url('ingestAdmin', '/metrics'))).text();
    const out = {};
    for (const line of text.split('\n')) {
      if (!line || line[0] === '#') continue;
      const at = line.lastIndexOf(' ');
      out[line.slice(0, at)] = Number(line.slice(at + 1));
    }
    return out;
  }

  // For each signal: received, stored, rejected, dropped, in the journal; `balance` must be 0 at a quiet moment.
  async ledger() {
    const m = await this.metrics();
    const sum = (name, signal) =>
      Object.entries(m)
        .filter(([k]) => k.startsWith(`${name}{`) && k.includes(`signal="${signal}"`))
        .reduce((n, [, v]) => n + v, 0);
    const out = {};
    for (const s of ['traces', 'logs', 'metrics']) {
      const l = {
        received: sum('weir_received_items_total', s),
        stored: sum('weir_stored_items_total', s),
        rejected: sum('weir_rejected_items_total', s),
        dropped: sum('weir_dropped_items_total', s),
        journal: sum('weir_journal_items', s),
      };
      out[s] = { ...l, balance: l.received - l.stored - l.rejected - l.dropped - l.journal };
    }
    return out;
  }

  // SIGKILL: nothing is told to anyone.
  async kill(command = this.shape === 'one' ? 'run' : 'collector') {
    this.processes[command].child.kill('SIGKILL');
    await this.processes[command].exited;
    delete this.processes[command];
  }

  async restart(command = this.shape === 'one' ? 'run' : 'collector') {
    const plain = command === 'run' || command === 'storage-writer';
    await this.startService(command, plain ? plainBinary : otherBinary, plain ? {} : this.stores[command]);
  }

  // SIGTERM, in the order of the data flow. Throws when a process does not end with 0.
  async stop() {
    for (const command of ['collector', 'query-api', 'run', 'storage-writer']) {
      const p = this.processes[command];
      if (!p) continue;
      p.child.kill('SIGTERM');
      const { code, signal } = await p.exited;
      delete this.processes[command];
      this.checkReports();
      if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}:\n${p.log.slice(-40).join('\n')}`);
    }
  }

  // Throws when a sanitizer of one of the processes reported something, also of one that was killed.
  checkReports() {
    for (const [command, p] of this.started) {
      const at = p.log.findIndex((l) => report.test(l));
      if (at >= 0) throw new Error(`${command}: a sanitizer's report:\n${p.log.slice(at, at + 60).join('\n')}`);
    }
  }

  // The error with the ends of the logs; a sanitizer's report comes before what it led to.
  explain(e) {
    try {
      this.checkReports();
    } catch (found) {
      return found;
    }
    for (const [name, p] of Object.entries(this.processes)) e.message += `\n--- ${name} ---\n${p.log.slice(-30).join('\n')}`;
    return e;
  }

  killAll() {
    for (const p of Object.values(this.processes)) p.child.kill('SIGKILL');
  }
}

// Starts weir for the duration of `fn`.
export async function withWeir(options, fn, more = {}) {
  const weir = new Weir(options, more);
  try {
    await weir.start();
    await fn(weir);
    await weir.stop();
    weir.checkReports();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
}

// Polls an outside fact that no event tells of.
export async function until(what, check, { seconds = 30 } = {}) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await check()) return;
    if (Date.now() > end) throw new Error(`not reached in ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// Runs a program to its end: { code, stdout, stderr }.
export function run(binary, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '', stderr = '';
    child.stdout.on('data', (d) => (stdout += d));
    child.stderr.on('data', (d) => (stderr += d));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
}
