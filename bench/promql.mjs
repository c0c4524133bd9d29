// The same queries to weir and to a real Prometheus over the same data, in turn: milliseconds cold (after a restart, the system's file cache dropped where
// that is allowed) and warm, their ratio, and whether the answers are the same.
//
//   BENCH_PROMETHEUS   another Prometheus than Debian's
//   BENCH_SCALE        of 5,000 series, 24 hours at 15 s (1). 0.02: 100 series
//   BENCH_ROUNDS       warm rounds (5)
//   BENCH_DATA         a folder that keeps the data of both for the next run; with BENCH_LOAD=only nothing is asked
//   BENCH_ONLY         a regular expression of the names of queries
//   BENCH_ALIGN        0: ranges end with the data; otherwise at the multiple of their step before that, as Grafana asks
//   BENCH_ARGS         options of weir run
//   BENCH_SHAPE        three: the services apart, so that what the query side takes is what query-api takes (one)
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPrometheus } from '../tests/harness/prometheus.mjs';
import { sql } from '../tests/harness/sql.mjs';
import { Weir, temporaryFolder, until } from '../tests/harness/weir.mjs';
import { load } from './promql_data.mjs';
import { queries } from './promql_queries.mjs';

const scale = Number(process.env.BENCH_SCALE || 1), rounds = Number(process.env.BENCH_ROUNDS || 5);
const program = process.env.BENCH_PROMETHEUS || 'prometheus';
const dir = process.env.BENCH_DATA || temporaryFolder();
const options = Object.fromEntries((process.env.BENCH_ARGS || '').split(' ').filter(Boolean).map((o) => o.replace(/^--/, '').split('=')));
const interval = 15_000, hours = 24;

const weir = new Weir(options, { dir: join(dir, 'weir'), shape: process.env.BENCH_SHAPE || 'one' });
const newPrometheus = () => startPrometheus('', ['--web.enable-remote-write-receiver'], program, join(dir, 'prometheus'));
const memory = (pid, what) => Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
// What is resident now; from here on the most is counted anew, where that is allowed.
function rest(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // the most since its start, then
  }
  return memory(pid, 'VmRSS');
}
const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

async function fill() {
  const prometheus = await newPrometheus(), begun = Date.now();
  await weir.start();
  const end = Math.floor(begun / interval) * interval - 5000; // samples between the steps: whether a range has its left end, versions of Prometheus see differently
  const done = await load([`${prometheus.url}/api/v1/write`, weir.url('http', '/api/v1/write')], { scale, hours, interval, end });
  await weir.flush();
  await until('the merges are quiet', async () => (await sql(weir.ports.clickhouse, 'SELECT count() AS n FROM system.merges'))[0].n === 0, { seconds: 120 });
  await weir.stop();
  await prometheus.stop('SIGTERM');
  writeFileSync(join(dir, 'data.json'), JSON.stringify({ end: end / 1000 + 5, ...done, seconds: Math.round((Date.now() - begun) / 1000) }));
}

// Both are left alone for a moment after their start, and what this process needs to ask anything is read from disk.
async function settle(urls) {
  for (let k = 0; k < 10; k++) for (const url of urls) await (await fetch(`${url}/api/v1/status/buildinfo`)).text();
  await new Promise((r) => setTimeout(r, 2000));
}

async function ask(url, [, query, window, step], last) {
  const end = window && process.env.BENCH_ALIGN !== '0' ? Math.floor(last / step) * step : last;
  const params = window ? { query, start: end - window * 3600, end, step, nocache: 1 } : { query, time: end };
  const begun = performance.now();
  const r = await fetch(`${url}/api/v1/query${window ? '_range' : ''}?${new URLSearchParams(params)}`);
  const text = await r.text();
  const ms = performance.now() - begun;
  return { ms: r.ok ? ms : Infinity, text };
}

// The first difference between two answers, or nothing. Numbers may differ in the last digits: the order of additions is not the same.
function difference(a, b) {
  const failed = [a, b].find((text) => JSON.parse(text).status !== 'success');
  if (failed) return failed.slice(0, 300);
  const byLabels = (text) => new Map(JSON.parse(text).data.result.map((s) => [JSON.stringify(Object.entries(s.metric).sort()), s.values ?? [s.value]]));
  const [x, y] = [byLabels(a), byLabels(b)];
  if (x.size !== y.size) return `${x.size} series and ${y.size}`;
  for (const [labels, values] of x) {
    const others = y.get(labels);
    if (!others) return `no ${labels}`;
    if (others.length !== values.length) return `${labels}: ${values.length} and ${others.length} values`;
    for (const [i, [t, v]] of values.entries())
      if (others[i][0] !== t || (others[i][1] !== v && !(Math.abs(others[i][1] - v) <= 1e-9 * Math.abs(v)))) return `${labels} at ${t}: ${v} and ${others[i]}`;
  }
  return '';
}

function dropCaches() {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

const row = (name, list) => console.log(name.padEnd(34) + list.map((c) => String(c).padStart(11)).join(''));
const ms = (v) => v.toFixed(v < 10 ? 2 : 1);

async function run({ end, series, samples, seconds }) {
  const prometheus = await newPrometheus();
  await weir.start();
  const urls = [prometheus.url, weir.url('query', '')];
  const watched = { Prometheus: prometheus.pid, ...Object.fromEntries(Object.entries(weir.processes).map(([name, p]) => [`weir ${name}`, p.child.pid])) };
  await settle(urls);
  const idle = Object.fromEntries(Object.entries(watched).map(([name, pid]) => [name, rest(pid)]));
  const only = queries.filter(([name]) => new RegExp(process.env.BENCH_ONLY || '').test(name));
  const got = only.map(() => ({ cold: [], warm: [[], []] }));
  let dropped = false;
  for (const [i, q] of only.entries()) {
    const texts = [];
    for (const side of i % 2 ? [0, 1] : [1, 0]) {
      dropped = dropCaches();
      const r = await ask(urls[side], q, end);
      got[i].cold[side] = r.ms;
      texts[side] = r.text;
    }
    got[i].different = difference(texts[0], texts[1]);
  }
  for (let k = 0; k < rounds; k++)
    for (const [i, q] of only.entries()) for (const side of (i + k) % 2 ? [0, 1] : [1, 0]) got[i].warm[side].push((await ask(urls[side], q, end)).ms);

  console.log(`${series} series, ${samples} samples (loaded in ${seconds} s); Prometheus: ${program}; cold: first time after a restart, file cache ${dropped ? 'dropped' : 'kept'}; warm: median of ${rounds}`);
  row('milliseconds', ['cold: Prom.', 'weir', 'ratio', 'warm: Prom.', 'weir', 'ratio', 'pairs']);
  const ratios = { cold: [], warm: [] }, times = [];
  for (const [i, [name, , window, step]] of only.entries()) {
    const { cold, warm, different } = got[i], [p, w] = warm.map(median);
    const pairs = median(warm[1].map((v, k) => v / warm[0][k]));
    ratios.cold.push(cold[1] / cold[0]);
    ratios.warm.push(pairs);
    times.push(w, cold[1]);
    const mark = Math.max(cold[1] > 2 * cold[0] ? cold[1] : 0, pairs > 2 ? w : 0) > 50 ? '  slower than twice' : '';
    row(window ? `${name}, ${window}h by ${step}s` : name, [ms(cold[0]), ms(cold[1]), (cold[1] / cold[0]).toFixed(2), ms(p), ms(w), (w / p).toFixed(2), pairs.toFixed(2)]);
    if (mark || different) console.log(`  ${mark} ${different && `DIFFERENT: ${different}`}`);
  }
  times.sort((a, b) => a - b);
  console.log(`median of ratios: cold ${median(ratios.cold).toFixed(2)}, warm ${median(ratios.warm).toFixed(2)} (target 1); weir's p95 ${ms(times[Math.ceil(times.length * 0.95) - 1])} ms (target 500)`);
  for (const [name, pid] of Object.entries(watched)) {
    const most = memory(pid, 'VmHWM');
    console.log(`${name}: resident ${idle[name].toFixed(0)} MiB before the first query, ${most.toFixed(0)} at most (${(most - idle[name]).toFixed(0)} more), ${memory(pid, 'RssAnon').toFixed(0)} of its own at the end`);
  }
  await weir.stop();
  await prometheus.stop('SIGTERM');
}

try {
  mkdirSync(dir, { recursive: true });
  if (!existsSync(join(dir, 'data.json'))) await fill();
  if (process.env.BENCH_LOAD !== 'only') await run(JSON.parse(readFileSync(join(dir, 'data.json'), 'utf8')));
} finally {
  weir.killAll();
}
