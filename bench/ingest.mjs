// End to end in: weir run with the durable journal, loadgen beside it on the same machine. A line for each run: items a second, core-microseconds
// an item (CPU of the weir process, engine and merges included until they are quiet; loadgen's own apart), resident memory, bytes an item on disk.
// Then where the CPU went by thread, how large the inserts were, and what other processes took of the machine meanwhile. Where there is a target,
// it stands beside the figure.
//
//   BENCH_MODE     full       (default) each signal as fast as it is let
//                  sustained  the same for 60 s, beside the targets; traces also at 152,000 a second
//                  rates      traces at 50,000 and at 100,000 a second
//                  small      traces from 1,000 connections, 10 a second each, beside as many from two connections with large batches; 60 s each:
//                             the first blocks of a run are narrow, and one merge more or less is much of a short run
//                  overload   traces, offered twice what a first run took, for 300 s; then how soon it is back to normal
//                  discard    traces into a collector whose store drops them
//                  or several: BENCH_MODE=sustained,rates,small,discard
//   BENCH_SECONDS  of each run, instead of the mode's own (full 20, rates and discard 30, small 60)
//   BENCH_SIGNALS  of full and sustained (traces,logs,metrics)
//   BENCH_RATE     of full (0: as fast as it is let)
//   BENCH_COLUMNS  this many largest columns (0)
//   BENCH_ARGS     options of weir run, as "--batch.timeout=5s --workers=1"
//   BENCH_LOAD     more arguments of loadgen, as "--connections 8 --streams 4"
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import readline from 'node:readline';
import { Weir, plainBinary, temporaryFolder } from '../tests/harness/weir.mjs';
import { startLoadgen } from '../tests/harness/loadgen.mjs';
import { withStoredRows } from '../tests/harness/sql.mjs';

const modes = (process.env.BENCH_MODE || 'full').split(',');
const secondsOr = (n) => Number(process.env.BENCH_SECONDS || n);
const signals = (process.env.BENCH_SIGNALS || 'traces,logs,metrics').split(',');
const columns = Number(process.env.BENCH_COLUMNS || 0);
const options = Object.fromEntries((process.env.BENCH_ARGS || '').split(' ').filter(Boolean).map((o) => o.replace(/^--/, '').split('=')));
const loadOptions = (process.env.BENCH_LOAD || '').split(' ').filter(Boolean);
const tables = {
  traces: ['otel_traces', 'otel_trace_index', 'otel_span_names', 'otel_traces_red_5m', 'otel_trace_filters'],
  logs: ['otel_logs', 'otel_log_streams', 'otel_log_filters'],
  metrics: ['otel_metrics', 'otel_metric_series', 'otel_metric_resources', 'otel_metric_targets', 'otel_metric_exemplars'],
};
const sustainedRate = { traces: 150_000, logs: 200_000, metrics: 1_000_000 };
const TICKS = 100; // a second, in /proc
const MIB = 1048576;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpu = async (weir) => (await weir.metrics()).weir_process_cpu_milliseconds;
const fixed = (n, digits = 2) => n.toFixed(digits);
const whole = (n) => Math.round(n).toLocaleString('en');

// "12.3 (target at most 10: missed)"
const against = (text, value, target, most) => `${text} (target ${most ? 'at most' : 'at least'} ${target.toLocaleString('en')}: ${(most ? value <= target : value >= target) ? 'met' : 'MISSED'})`;

// Until the process uses less than 3 % of a core over two seconds: merges have ended.
async function quiet(weir) {
  for (let before = await cpu(weir), i = 0; i < 90; i++) {
    await pause(2000);
    const now = await cpu(weir);
    if (now - before < 60) return now;
    before = now;
  }
  return cpu(weir);
}

function statOf(file) {
  const text = readFileSync(file, 'utf8'), open = text.indexOf('('), close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  return { name: text.slice(open + 1, close), user: Number(rest[11]), system: Number(rest[12]) };
}

const residentBytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

// The threads of a process, those that have ended too: watched, as an ended one is no longer told apart. And its largest resident memory.
class Threads {
  constructor(pid) {
    this.pid = pid;
    this.seen = new Map();
    this.resident = 0;
    this.look();
    for (const t of this.seen.values()) t.base = t.user + t.system, t.system0 = t.system;
    this.timer = setInterval(() => this.look(), 100);
  }
  look() {
    try {
      this.resident = Math.max(this.resident, residentBytes(this.pid));
      for (const id of readdirSync(`/proc/${this.pid}/task`)) {
        try {
          const t = statOf(`/proc/${this.pid}/task/${id}/stat`);
          this.seen.set(id, { ...this.seen.get(id), ...t });
        } catch {
          // ended meanwhile
        }
      }
    } catch {
      // the process has ended
    }
  }
  // name -> milliseconds [all, of it in the kernel]
  stop() {
    this.look();
    clearInterval(this.timer);
    const by = new Map();
    for (const t of this.seen.values()) {
      const name = t.name.replace(/[-:_]?\d+$/, ''), have = by.get(name) || [0, 0];
      by.set(name, [have[0] + ((t.user + t.system - (t.base || 0)) * 1000) / TICKS, have[1] + ((t.system - (t.system0 || 0)) * 1000) / TICKS]);
    }
    return by;
  }
}

const total = (threads) => [...threads.values()].reduce((n, [all]) => n + all, 0);
function machineBusy() {
  const f = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number);
  return ((f[0] + f[1] + f[2] + f[5] + f[6] + f[7]) * 1000) / TICKS;
}

const loadArguments = (port, signal, rate, seconds, more = []) =>
  ['--endpoint', `127.0.0.1:${port}`, '--signals', signal, '--rate', `${rate}`, '--duration', `${seconds}s`, '--seed', '1', '--batch', '1000', '--series', '10000', ...more, ...loadOptions];

// Loadgen against `port`, and what it cost: its summary, its CPU, how long it took, what the process and others of the machine used meanwhile.
async function load(args, usedNow) {
  const before = await usedNow(), busy = machineBusy(), began = Date.now();
  const running = startLoadgen(args);
  const threads = new Threads(running.child.pid);
  const summary = await running.done;
  const took = Date.now() - began, own = total(threads.stop()), usedUnderLoad = (await usedNow()) - before;
  return { summary, began, took, own, usedUnderLoad, others: (machineBusy() - busy - own - usedUnderLoad) / took };
}

// One load on a new weir, until its merges are quiet. `after(weir)` runs when the load has ended.
async function measure({ signal, rate = 0, seconds, more, after }) {
  const weir = new Weir(options, { dir: temporaryFolder(), shape: 'one' });
  try {
    await weir.start();
    const before = await quiet(weir), threads = new Threads(weir.processes.run.child.pid);
    const l = await load(loadArguments(weir.ports.grpc, signal, rate, seconds, more), () => cpu(weir));
    const later = after ? await after(weir) : {};
    await weir.flush();
    const storedAfter = (Date.now() - l.began) / 1000;
    const used = (await quiet(weir)) - before, split = threads.stop(), m = await weir.metrics();
    const items = m[`weir_stored_items_total{signal="${signal}"}`], answers = l.summary.signals[signal];
    await weir.stop();
    const perSecond = after ? answers.acknowledged.items / (l.took / 1000) : items / storedAfter;
    const r = { ...l, ...later, signal, items, answers, used, split, m, perSecond, resident: threads.resident, all: (used * 1000) / items };
    await withStoredRows(weir.dir, {}, (query) => onDisk(r, query));
    return r;
  } finally {
    weir.killAll();
  }
}

async function onDisk(r, query) {
  const where = `active AND database = 'weir' AND table IN (${tables[r.signal].map((t) => `'${t}'`).join(',')})`;
  const [size] = await query(`SELECT sum(bytes_on_disk) bytes, count() parts FROM system.parts WHERE ${where}`);
  r.bytes = Number(size.bytes) / r.items;
  r.parts = size.parts;
  r.columns = [];
  if (!columns) return;
  for (const c of await query(`SELECT table, column, sum(column_data_compressed_bytes) z, sum(column_data_uncompressed_bytes) raw FROM system.parts_columns WHERE ${where} GROUP BY 1, 2 ORDER BY z DESC LIMIT ${columns}`))
    r.columns.push(`    ${fixed(Number(c.z) / r.items).padStart(6)} bytes (${fixed(Number(c.raw) / r.items, 1)} raw)  ${c.table}.${c.column}`);
  for (const c of await query(`SELECT table, name, sum(bytes_on_disk) bytes FROM system.projection_parts WHERE ${where} GROUP BY 1, 2`))
    r.columns.push(`    ${fixed(Number(c.bytes) / r.items).padStart(6)} bytes  projection ${c.table}.${c.name}`);
}

const share = (r, ms) => fixed((ms * 1000) / r.items);
const p99 = (r) => r.answers.latency_ms?.p99;

function printThreads(r) {
  const shown = [...r.split].sort((a, b) => b[1][0] - a[1][0]).filter(([, [all]]) => (all * 1000) / r.items >= 0.01);
  console.log(`  threads  ${shown.map(([n, [all, system]]) => `${n} ${share(r, all)} (kernel ${share(r, system)})`).join(', ')}`);
  console.log(`  machine  ${availableParallelism()} cores: weir ${fixed(r.usedUnderLoad / r.took)}, loadgen ${fixed(r.own / r.took)} (${share(r, r.own)} core-us/item), other processes ${fixed(r.others)}`);
}

function print(name, r) {
  console.log(`${name.padEnd(8)} ${whole(r.perSecond)} items/s  ${fixed(r.all)} core-us/item (${share(r, r.usedUnderLoad)} under load)  ${fixed(r.bytes, 1)} bytes/item on disk (${r.parts} parts)  ` +
    `RSS ${Math.round(r.resident / MIB)} MiB  acknowledged ${whole(r.answers.acknowledged.items)}  p99 ${p99(r)} ms`);
  printThreads(r);
  const blocks = r.m[`weir_blocks_total{signal="${r.signal}"}`];
  console.log(`  inserts  ${blocks} blocks of ${blocks ? Math.round(r.items / blocks) : 0} rows; ` +
    tables[r.signal].map((t) => `${t} ${r.m[`weir_inserts_total{table="${t}"}`] ?? 0} inserts, ${r.m[`weir_inserted_rows_total{table="${t}"}`] ?? 0} rows in ${fixed(r.m[`weir_insert_duration_seconds_sum{table="${t}"}`] ?? 0)} s`).join(', ') +
    `; journal ${r.m.weir_journal_syncs_total} syncs for ${r.answers.acknowledged.requests} requests`);
  for (const line of r.columns) console.log(line);
}

const target = (...lines) => lines.forEach((l) => console.log(`  target   ${l}`));
const residentTarget = (r, most) => against(`RSS at most ${whole(r.resident / MIB)} MiB`, r.resident / MIB, most, true);
// Nothing acknowledged is lost or stored twice, as far as counters tell.
const kept = (r) => `${whole(r.answers.acknowledged.items)} acknowledged, ${whole(r.items)} stored: ${r.items === r.answers.acknowledged.items ? 'met' : 'MISSED'}`;

async function full() {
  for (const signal of signals) print(signal, await measure({ signal, rate: process.env.BENCH_RATE || 0, seconds: secondsOr(20) }));
}

// At the rate that has to be sustained, where CPU has a target there, and as fast as it is let.
async function sustained() {
  for (const signal of signals) {
    if (signal === 'traces') {
      const r = await measure({ signal, rate: 152_000, seconds: secondsOr(60) });
      print('152k/s', r);
      target(against(`${whole(r.perSecond)} items/s`, r.perSecond, sustainedRate[signal], false), against(`${fixed(r.all)} core-us/item`, r.all, 10, true), residentTarget(r, 1500));
    }
    const r = await measure({ signal, seconds: secondsOr(60) });
    print(signal, r);
    target(against(`${whole(r.perSecond)} items/s`, r.perSecond, sustainedRate[signal], false));
    target(residentTarget(r, 1500));
  }
}

async function rates() {
  for (const rate of [50_000, 100_000]) {
    const r = await measure({ signal: 'traces', rate, seconds: secondsOr(30) });
    print(`${rate / 1000}k/s`, r);
    const percent = (r.all * rate) / 1e4 / availableParallelism(); // merges until quiet included, whatever rate there was
    if (rate === 50_000) target(against(`${fixed(percent, 1)} % of the cores`, percent, 25, true));
    if (rate === 100_000) target(against(`answers' p99 ${p99(r)} ms`, p99(r), 50, true), residentTarget(r, 1500));
  }
}

async function small() {
  const one = { signal: 'traces', rate: 10_000, seconds: secondsOr(60) };
  const large = await measure(one);
  print('large', large);
  const r = await measure({ ...one, more: ['--connections', '1000', '--streams', '1', '--batch', '10'] });
  print('small', r);
  target(against(`${fixed(r.all / large.all)} times the large batches`, r.all / large.all, 2.5, true));
}

// Normal: what waits in memory is an eighth of what it may be, and a second load is answered without a refusal.
async function recovery(weir) {
  const from = Date.now();
  while ((await weir.metrics()).weir_inflight_bytes > 32 * MIB) await pause(100);
  const recovered = (Date.now() - from) / 1000;
  const calm = (await startLoadgen(loadArguments(weir.ports.grpc, 'traces', 10_000, 5)).done).signals.traces;
  return { recovered, calm };
}

async function overload() {
  const first = await measure({ signal: 'traces', seconds: 20 });
  print('takes', first);
  const rate = 2 * Math.round(first.perSecond);
  const r = await measure({ signal: 'traces', rate, seconds: secondsOr(300), more: ['--connections', '16', '--streams', '16'], after: recovery });
  r.answers.acknowledged.items += r.calm.acknowledged.items; // both loads
  print('overload', r);
  target(residentTarget(r, 2000), kept(r), against(`back to normal after ${fixed(r.recovered, 1)} s`, r.recovered, 10, true),
    `a load after it: ${r.calm.retries} refusals, p99 ${r.calm.latency_ms.p99} ms; offered ${whole(rate)} a second, ${r.answers.retries} refusals`);
}

async function discard() {
  const dir = temporaryFolder();
  const child = spawn(join(dirname(plainBinary), 'bench', 'bench_collector'), [dir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value ?? '';
  const used = () => { const s = statOf(`/proc/${child.pid}/stat`); return ((s.user + s.system) * 1000) / TICKS; };
  try {
    const { grpc } = JSON.parse((await next()).replace(/^ready /, ''));
    const threads = new Threads(child.pid), before = used();
    const l = await load(loadArguments(grpc, 'traces', process.env.BENCH_RATE || 0, secondsOr(30)), used);
    child.stdin.write('\n');
    const items = Number((await next()).replace(/^stored /, '')), all = used() - before, split = threads.stop();
    const r = { ...l, items, split };
    const perCore = items / (all / 1000), ms = (name) => split.get(name)?.[0] ?? 0;
    console.log(`discard  ${whole(items / (l.took / 1000))} items/s  ${share(r, all)} core-us/item  RSS ${Math.round(threads.resident / MIB)} MiB  p99 ${l.summary.signals.traces.latency_ms?.p99} ms`);
    printThreads(r);
    const behind = ((ms('journal') + ms('store-writer')) * 1000) / items;
    target(against(`${whole(perCore)} items/s per core`, perCore, 500_000, false), against(`journal and store writer (order, encode) ${fixed(behind)} core-us/item`, behind, 1.5, true));
  } finally {
    child.kill('SIGKILL');
  }
}

const known = { full, sustained, rates, small, overload, discard };
for (const mode of modes) {
  if (!known[mode]) throw new Error(`BENCH_MODE: "${mode}" is none of ${Object.keys(known).join(', ')}`);
  if (modes.length > 1) console.log(`-- ${mode}`);
  await known[mode]();
}
