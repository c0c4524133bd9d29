// What a day of telemetry costs to keep and to ask: 20 million spans, 20 million log records and 100 million data points over 24 hours, made
// of a fixed seed (bench/storage.c) with times of the past.
//
//   BENCH_MODE     load        (default) fills the tables: CPU of an item
//                  bytes       bytes of an item by column and index
//                  queries     latencies through the query APIs, cold and warm, with spans coming in beside
//                  start       how long weir needs to start with a month of hourly partitions
//                  candidates  what each index set costs and saves, on tables of their own (an hour or two of the day's data)
//                  or several: BENCH_MODE=load,bytes,queries
//   BENCH_SCALE    1: the whole day's data; 0.05: a twentieth of it, over the same day
//   BENCH_DATA     folder; kept when given. It must be empty for load, and filled for the others
//   BENCH_RUNS     warm runs of a query (20), BENCH_COLD: cold ones (3)
//   BENCH_INGEST   spans a second beside the queries (20000)
//   BENCH_ARGS     options of weir run, as "--query.threads=2"
//   BENCH_ONLY     only what has this in its name; of several, any: needle,common
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Weir, plainBinary, startProcess, temporaryFolder } from '../tests/harness/weir.mjs';
import { startLoadgen } from '../tests/harness/loadgen.mjs';
import { withStoredRows } from '../tests/harness/sql.mjs';
import { candidates } from './storage_candidates.mjs';
import { queriesOf } from './storage_queries.mjs';

const modes = (process.env.BENCH_MODE || 'load,bytes,queries,start').split(',');
const scale = Number(process.env.BENCH_SCALE || 1);
const dir = process.env.BENCH_DATA || temporaryFolder();
const runs = Number(process.env.BENCH_RUNS || 20), coldRuns = Number(process.env.BENCH_COLD || 3);
const ingest = Number(process.env.BENCH_INGEST ?? 20000);
const only = process.env.BENCH_ONLY || '';
const options = Object.fromEntries((process.env.BENCH_ARGS || '').split(' ').filter(Boolean).map((o) => o.replace(/^--/, '').split('=')));
const loader = join(dirname(plainBinary), 'bench', 'bench_storage');
const DAY = 86400;
const items = { traces: 20e6, logs: 20e6, metrics: 100e6 };
const SERIES = 17361; // at 15 s: 100 million a day
const tables = {
  traces: ['otel_traces', 'otel_trace_index', 'otel_span_names', 'otel_traces_red_5m', 'otel_trace_filters'],
  logs: ['otel_logs', 'otel_log_streams', 'otel_log_filters'],
  metrics: ['otel_metrics', 'otel_metric_series', 'otel_metric_resources', 'otel_metric_targets', 'otel_metric_exemplars'],
};
const names = (list) => list.map((t) => `'${t}'`).join(',');

// The day that the data is of: whole hours, up to the last full one when it was loaded.
const dayFile = join(dir, 'bench-from');
const dayBegins = () => Number(readFileSync(dayFile, 'utf8'));

// Tables without rows.
async function makeTables(data) {
  const p = await startProcess(plainBinary, ['storage-writer', '--data', data, '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0']);
  p.child.kill('SIGTERM');
  await p.exited;
}

// bench_storage: its line of figures.
function load(data, signal, { n, from, seconds, series, sql = [] }) {
  const r = spawnSync(loader, [join(data, 'clickhouse'), signal, n, from, seconds, series, ...sql].map(String), { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (r.status !== 0) throw new Error(`bench_storage ${signal}: ${r.status ?? r.signal} ${r.stderr}`);
  return JSON.parse(r.stdout);
}

async function runLoad() {
  if (existsSync(dayFile)) throw new Error(`${dir} is filled already`);
  await makeTables(dir);
  const from = (Math.floor(Date.now() / 3600e3) - 24) * 3600;
  writeFileSync(dayFile, `${from}`);
  for (const signal of Object.keys(items)) {
    const r = load(dir, signal, { n: Math.round(items[signal] * scale), from, seconds: DAY, series: Math.max(1, Math.round(SERIES * scale)) });
    const us = (ms) => ((ms * 1000) / r.items).toFixed(2);
    console.log(`${signal.padEnd(8)} ${r.items.toLocaleString('en')} items in ${r.seconds} s; core-us/item: decode ${us(r.decode)}, order and encode ${us(r.encode)}, ` +
      `insert and merges under way ${us(r.insert)}, merges afterwards ${us(r.after)}; loadgen ${us(r.make)}`);
  }
}

async function runBytes() {
  await withStoredRows(dir, {}, async (query) => {
    for (const signal of Object.keys(items)) {
      const where = `active AND database = 'weir' AND table IN (${names(tables[signal])})`;
      const [{ n }] = await query(`SELECT sum(rows) n FROM system.parts WHERE active AND database = 'weir' AND table = '${tables[signal][0]}'`);
      const each = (bytes) => (Number(bytes) / n).toFixed(2).padStart(7);
      const [all] = await query(`SELECT sum(bytes_on_disk) bytes, count() parts FROM system.parts WHERE ${where}`);
      console.log(`${signal}: ${each(all.bytes).trim()} bytes an item on disk (${Number(n).toLocaleString('en')} items, ${all.parts} parts); ${(Number(all.bytes) / n * 1e9 / 1e9).toFixed(0)} GB a billion`);
      for (const t of await query(`SELECT table, sum(bytes_on_disk) bytes FROM system.parts WHERE ${where} GROUP BY 1 ORDER BY 2 DESC`)) console.log(`  ${each(t.bytes)}  ${t.table}`);
      const columns = await query(`SELECT column, sum(column_data_compressed_bytes + column_marks_bytes) bytes, sum(column_data_uncompressed_bytes) raw FROM system.parts_columns
        WHERE active AND database = 'weir' AND table = '${tables[signal][0]}' GROUP BY 1 ORDER BY 2 DESC LIMIT 16`);
      for (const c of columns) if (Number(c.bytes) / n >= 0.005) console.log(`    ${each(c.bytes)}  ${c.column} (${(Number(c.raw) / n).toFixed(1)} raw)`);
      for (const x of await query(`SELECT name, type_full type, data_compressed_bytes + marks_bytes bytes FROM system.data_skipping_indices WHERE database = 'weir' AND table IN (${names(tables[signal])})`))
        console.log(`    ${each(x.bytes)}  index ${x.name} ${x.type}`);
      for (const x of await query(`SELECT name, sum(bytes_on_disk) bytes FROM system.projection_parts WHERE ${where} GROUP BY 1`)) console.log(`    ${each(x.bytes)}  projection ${x.name}`);
    }
  });
}

// --- queries

const dropCaches = () => writeFileSync('/proc/sys/vm/drop_caches', '3');
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

async function timed(weir, q, i) {
  const [path, params] = q.at(i);
  const t = performance.now();
  const answer = await weir.query(path, params);
  const took = performance.now() - t;
  if (answer.status !== 200) throw new Error(`${q.name}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return { took, answer };
}

const spansBeside = (weir, seconds) =>
  startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--signals', 'traces', '--rate', `${ingest}`, '--duration', `${seconds}s`, '--seed', '7', '--batch', '1000', '--services', '50']);

async function runQueries() {
  const from = dayBegins(), weir = new Weir(options, { dir, shape: 'one' });
  const cpu = async () => (await weir.metrics()).weir_process_cpu_milliseconds;
  let beside = null;
  const cold = new Map(), warm = new Map();
  try {
    await weir.start();
    const queries = (await queriesOf(weir, from, DAY)).filter((q) => only.split(',').some((o) => q.name.includes(o)));
    for (let round = 0; round < coldRuns; round++) {
      await weir.stop();
      dropCaches();
      await weir.start();
      for (const q of queries) {
        dropCaches();
        const { took } = await timed(weir, q, 1000 + round);
        cold.set(q.name, [...(cold.get(q.name) || []), took]);
      }
    }
    if (ingest) beside = spansBeside(weir, 3600);
    for (const q of queries) {
      const times = [];
      await timed(weir, q, 0);
      const before = await cpu(), began = Date.now();
      let last;
      for (let i = 1; i <= runs; i++) times.push((last = await timed(weir, q, i)).took);
      const used = (await cpu()) - before, seconds = (Date.now() - began) / 1000;
      times.sort((a, b) => a - b);
      warm.set(q.name, { median: quantile(times, 0.5), p95: quantile(times, 0.95), cpu: used / runs, seconds, found: q.found(last.answer) });
    }
    console.log(`${'query'.padEnd(44)} ${'cold ms'.padStart(18)} ${'warm median'.padStart(12)} ${'p95'.padStart(8)}  CPU of the process meanwhile, last answer`);
    for (const [name, w] of warm)
      console.log(`${name.padEnd(44)} ${(cold.get(name) || []).map((t) => t.toFixed(0)).join(' ').padStart(18)} ${w.median.toFixed(0).padStart(12)} ${w.p95.toFixed(0).padStart(8)}${w.p95 > 500 ? ' !' : '  '} ${w.cpu.toFixed(0).padStart(6)} ms  ${w.found}`);
  } finally {
    beside?.child.kill('SIGTERM');
    weir.killAll();
  }
}

// How long after the start of a process a span is acknowledged, a query answered, and the ready line there; with the page cache dropped and not.
async function timeStarts(data) {
  // Asks until the answer is `want`; tells the first answer of any kind.
  const until = async (url, init, want, first) => {
    for (let seen = false; ; await new Promise((r) => setTimeout(r, 20))) {
      const status = await fetch(url, init).then((r) => r.status, () => 0);
      if (status && !seen) first?.(status), (seen = true);
      if (status === want) return;
    }
  };
  const ns = `${Date.now()}000000`;
  const span = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'start', startTimeUnixNano: ns, endTimeUnixNano: ns };
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }) };
  for (let i = 0; i < 4; i++) {
    const weir = new Weir({ ...options, 'receive.http.endpoint': '127.0.0.1:24318', 'query.endpoint': '127.0.0.1:23200' }, { dir: data, shape: 'one' });
    if (i < 2) dropCaches();
    const t = performance.now(), told = {}, after = (what) => (told[what] = `${(performance.now() - t).toFixed(0)} ms`);
    let status = 0;
    await Promise.all([
      weir.start().then(() => after('ready')),
      until('http://127.0.0.1:24318/v1/traces', post, 200).then(() => after('acknowledged')),
      until('http://127.0.0.1:23200/api/services', {}, 200, (s) => ((status = s), after('first'))).then(() => after('answered')),
    ]);
    console.log(`${i < 2 ? 'cold' : 'warm'} start: a span acknowledged after ${told.acknowledged}; a query ${status} after ${told.first}, 200 after ${told.answered}; ready after ${told.ready}`);
    await weir.stop();
  }
}

// A month of hours with a few rows in each: one compact part, as hours of few spans are when they are over; one wide part, as those of many;
// and as inserts and merges leave them.
async function runStart() {
  for (const [wide, compact] of [[0, 1], [1, 0], [1, 3]]) {
    const data = temporaryFolder();
    await makeTables(data);
    await withStoredRows(data, {}, (query) => makeMonth(query, wide, compact));
    await timeStarts(data);
  }
}

async function makeMonth(query, wide, compact) {
  const hours = 720;
  const rows = `INSERT INTO otel_traces (timestamp, trace_id, span_id, service_name, span_name) SELECT toDateTime(intDiv(toUnixTimestamp(now()), 3600) * 3600) - INTERVAL number % ${hours} HOUR,
    reinterpretAsFixedString(sipHash128(number)), reinterpretAsFixedString(sipHash64(number)), 'cart', 'GET' FROM numbers(${hours * 20}) SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 1`;
  await query('SYSTEM STOP MERGES');
  if (wide) await query('ALTER TABLE otel_traces MODIFY SETTING min_rows_for_wide_part = 0, min_bytes_for_wide_part = 0');
  for (let i = 0; i < wide; i++) await query(rows);
  await query('ALTER TABLE otel_traces MODIFY SETTING min_rows_for_wide_part = 1048577, min_bytes_for_wide_part = 10485760');
  for (let i = 0; i < compact; i++) await query(rows);
  const [n] = await query(`SELECT count() parts, uniq(partition) partitions, countIf(part_type = 'Wide') wide FROM system.parts WHERE active AND database = 'weir' AND table = 'otel_traces'`);
  console.log(`${n.partitions} partitions, ${n.parts} parts, ${n.wide} of them wide`);
}

const known = { load: runLoad, bytes: runBytes, queries: runQueries, start: runStart, candidates: () => candidates({ scale, makeTables, load, only, temporaryFolder }) };
for (const mode of modes) {
  if (!known[mode]) throw new Error(`BENCH_MODE: "${mode}" is none of ${Object.keys(known).join(', ')}`);
  console.log(`-- ${mode}`);
  await known[mode]();
}
