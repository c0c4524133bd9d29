// End to end in: weir run with the durable journal, loadgen beside it on the same machine. For each signal: items a second, core-microseconds an
// item (CPU of the weir process, engine and merges included until they are quiet; loadgen's own apart), resident memory, bytes an item on disk.
// Then where the CPU went by thread, how large the inserts were, and what other processes took of the machine meanwhile.
//
//   BENCH_SECONDS (20), BENCH_SIGNALS (traces,logs,metrics), BENCH_RATE (0: as fast as it is let), BENCH_COLUMNS (0: this many largest columns)
//   BENCH_ARGS: options of weir run, as "--batch.timeout=5s --workers=1"
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Weir, temporaryFolder } from '../tests/harness/weir.mjs';
import { startLoadgen } from '../tests/harness/loadgen.mjs';
import { withStoredRows } from '../tests/harness/sql.mjs';

const seconds = Number(process.env.BENCH_SECONDS || 20);
const rate = process.env.BENCH_RATE || '0';
const signals = (process.env.BENCH_SIGNALS || 'traces,logs,metrics').split(',');
const columns = Number(process.env.BENCH_COLUMNS || 0);
const options = Object.fromEntries((process.env.BENCH_ARGS || '').split(' ').filter(Boolean).map((o) => o.replace(/^--/, '').split('=')));
const tables = {
  traces: ['otel_traces', 'otel_trace_index', 'otel_span_names', 'otel_traces_red_5m'],
  logs: ['otel_logs', 'otel_log_streams'],
  metrics: ['otel_metrics', 'otel_metric_series', 'otel_metric_exemplars'],
};
const TICKS = 100; // a second, in /proc

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpu = async (weir) => (await weir.metrics()).weir_process_cpu_milliseconds;
const lines = (n, digits = 2) => n.toFixed(digits);

// Until the process uses less than 3 % of a core over two seconds: merges have ended.
async function quiet(weir) {
  for (let before = await cpu(weir), i = 0; i < 60; i++) {
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

// The threads of a process, those that have ended too: watched, as an ended one is no longer told apart.
class Threads {
  constructor(pid) {
    this.pid = pid;
    this.seen = new Map();
    this.look();
    for (const t of this.seen.values()) t.base = t.user + t.system, t.system0 = t.system;
    this.timer = setInterval(() => this.look(), 100);
  }
  look() {
    try {
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

for (const signal of signals) {
  const weir = new Weir(options, { dir: temporaryFolder(), shape: 'one' });
  try {
    await weir.start();
    const before = await quiet(weir);
    const threads = new Threads(weir.processes.run.child.pid), busy = machineBusy();
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', rate, '--signals', signal, '--duration', `${seconds}s`, '--seed', '1', '--batch', '1000', '--series', '10000']);
    const loadThreads = new Threads(load.child.pid);
    const began = Date.now();
    const summary = await load.done;
    const loadCpu = total(loadThreads.stop()), cpuUnderLoad = (await cpu(weir)) - before, took = Date.now() - began;
    const others = (machineBusy() - busy - loadCpu - cpuUnderLoad) / took;
    await weir.flush();
    const storedAfter = (Date.now() - began) / 1000;
    const used = (await quiet(weir)) - before;
    const split = threads.stop();
    const m = await weir.metrics();
    const items = m[`weir_stored_items_total{signal="${signal}"}`];
    await weir.stop();
    const share = (ms) => lines((ms * 1000) / items);
    await withStoredRows(weir.dir, {}, async (query) => {
      const names = tables[signal].map((t) => `'${t}'`).join(',');
      const where = `active AND database = 'weir' AND table IN (${names})`;
      const [size] = await query(`SELECT sum(bytes_on_disk) bytes, count() parts FROM system.parts WHERE ${where}`);
      console.log(`${signal.padEnd(8)} ${Math.round(items / storedAfter).toLocaleString('en')} items/s  ${share(used)} core-us/item (${share(cpuUnderLoad)} under load)  ` +
        `${lines(Number(size.bytes) / items, 1)} bytes/item on disk (${size.parts} parts)  RSS ${Math.round(m.process_resident_memory_bytes / 1048576)} MiB  ` +
        `acknowledged ${summary.signals[signal].acknowledged.items.toLocaleString('en')}  p99 ${summary.signals[signal].latency_ms?.p99} ms`);
      console.log(`  threads  ${[...split].sort((a, b) => b[1][0] - a[1][0]).filter(([, [all]]) => (all * 1000) / items >= 0.01).map(([n, [all, system]]) => `${n} ${share(all)} (kernel ${share(system)})`).join(', ')}`);
      console.log(`  machine  ${availableParallelism()} cores: weir ${lines(cpuUnderLoad / took)}, loadgen ${lines(loadCpu / took)} (${share(loadCpu)} core-us/item), other processes ${lines(others)}`);
      const blocks = m[`weir_blocks_total{signal="${signal}"}`];
      console.log(`  inserts  ${blocks} blocks of ${blocks ? Math.round(items / blocks) : 0} rows; ` +
        tables[signal].map((t) => `${t} ${m[`weir_inserts_total{table="${t}"}`] ?? 0} inserts, ${m[`weir_inserted_rows_total{table="${t}"}`] ?? 0} rows in ${lines(m[`weir_insert_duration_seconds_sum{table="${t}"}`] ?? 0)} s`).join(', '));
      if (!columns) return;
      for (const r of await query(`SELECT table, column, sum(column_data_compressed_bytes) z, sum(column_data_uncompressed_bytes) raw FROM system.parts_columns WHERE ${where} GROUP BY 1, 2 ORDER BY z DESC LIMIT ${columns}`))
        console.log(`    ${lines(Number(r.z) / items).padStart(6)} bytes (${lines(Number(r.raw) / items, 1)} raw)  ${r.table}.${r.column}`);
      for (const r of await query(`SELECT table, name, sum(bytes_on_disk) bytes FROM system.projection_parts WHERE ${where} GROUP BY 1, 2`))
        console.log(`    ${lines(Number(r.bytes) / items).padStart(6)} bytes  projection ${r.table}.${r.name}`);
    });
  } finally {
    weir.killAll();
  }
}
