// Random queries over random data to weir and to a real Prometheus: the answers must be equal.
//
//   node tests/differential/run.mjs [--seconds 60] [--seed N] [--queries N] [--prometheus PROGRAM] [--stop-after 10] [--hours N]
//
// --hours: data of so many hours, with rollups computed before the first query (that takes a minute), and times and ranges that often begin and end with windows
// of rollups. For a 3.x.
// Debian's Prometheus is 2.42, which has no native histograms and other words for errors; give a newer one where there is one.
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { sql } from '../harness/sql.mjs';
import { Weir, until } from '../harness/weir.mjs';
import { startPrometheus } from '../harness/prometheus.mjs';
import { requestV1, snappy } from '../harness/remote_write.mjs';
import { difference } from './compare.mjs';
import { series } from './data.mjs';
import { grammar, print, smaller } from './grammar.mjs';
import { random } from './random.mjs';

const MINUTE = 60_000;

async function write(url, list) {
  for (let i = 0; i < list.length; i += 20) {
    if (list.slice(i, i + 20).every((s) => (s.samples ?? s.histograms).length === 0)) continue;
    const r = await fetch(`${url}/api/v1/write`, { method: 'POST', body: snappy(requestV1(list.slice(i, i + 20))), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' } });
    if (!r.ok) throw new Error(`${url}: ${r.status} ${await r.text()}`);
  }
}

async function ask(url, q) {
  const params = new URLSearchParams(q.start ? { query: q.query, start: q.start, end: q.end, step: q.step } : { query: q.query, time: q.time });
  const r = await fetch(`${url}/api/v1/${q.start ? 'query_range' : 'query'}`, { method: 'POST', body: params });
  const answer = await r.json();
  if (/5m|1h/.test(r.headers.get('x-weir-resolution'))) windowed++;
  return answer;
}

let windowed = 0; // answers that windows of rollups had a part in

// Time goes on for all series together, as Prometheus wants it.
async function writeHours(urls, data, from, to) {
  const within = (list, a, b) => list?.filter((x) => { const t = x.ms ?? x[1]; return t >= a && t < b; });
  for (let t = from; t < to; t += 20 * MINUTE)
    for (const url of urls) await write(url, data.map((s) => ({ ...s, samples: within(s.samples, t, t + 20 * MINUTE), histograms: within(s.histograms, t, t + 20 * MINUTE) })));
}

// Windows count that were computed a minute after their rows came, and the job begins with a start.
async function rollUp(weir, hours) {
  await weir.flush();
  await weir.stop();
  await new Promise((done) => setTimeout(done, MINUTE + 2000));
  await weir.start();
  const n = async () => Number((await sql(weir.ports.clickhouse, `SELECT uniqExact(time) AS n FROM weir_rollup_done WHERE rollup = 'metrics_1h'`))[0].n);
  await until('the windows are computed', async () => (await n()) >= hours - 2, { seconds: 120 });
}

// One run: { queries, failures: [{ query, time, difference, ... }], version, seed }.
export async function differential({ seed, seconds = 60, queries = Infinity, prometheus = 'prometheus', stopAfter = 10, hours = 0, log = () => {} }) {
  const version = /version (\d+)\.(\d+)\S*/.exec(execFileSync(prometheus, ['--version'], { stdio: ['ignore', 'pipe', 'pipe'] }).toString());
  const three = Number(version[1]) >= 3;
  const r = random(seed), to = Math.floor(Date.now() / 1000) * 1000 - MINUTE, from = to - (hours * 60 || 50) * MINUTE; // an empty Prometheus takes an hour, in any order
  const weir = new Weir({ 'query.experimental': String(three) });
  const flags = three ? ['--web.enable-remote-write-receiver', '--enable-feature=promql-experimental-functions'] : ['--web.enable-remote-write-receiver'];
  const peer = await startPrometheus('', flags, prometheus);
  const failures = [];
  let n = 0, empty = 0, errors = 0;
  try {
    await weir.start();
    const data = series(r, { from, to, histograms: three, floor: three ? 0 : 1e6 }); // 2.x extrapolates otherwise near zero
    const urls = [peer.url, `http://127.0.0.1:${weir.ports.http}`];
    if (hours) await writeHours(urls, data, from, to);
    else for (const url of urls) await write(url, data);
    if (hours) await rollUp(weir, hours);
    else await weir.flush();
    const server = `http://127.0.0.1:${weir.ports.query}`;
    const check = async (q) => {
      const [want, got] = await Promise.all([ask(peer.url, q), ask(server, q)]);
      if (want.status === 'error') errors++;
      else if (Array.isArray(want.data.result) && want.data.result.length === 0) empty++;
      return difference(want, got, { loose: /^(top|bottom)k/.test(q.query), ordered: !q.start && /^sort(_desc)?\(/.test(q.query), notes: three, messages: three });
    };
    // Samples lie in the first 0.9 s of a second, evaluations behind: a range that is open and one that is closed hold the same.
    const moment = () => from / 1000 + r.below((to - from) / 1000) + 0.95;
    const times = Array.from({ length: 3 }, moment);
    const g = grammar(r, { native: three, experimental: three, three, times, windows: hours > 0 });
    const whole = () => { // begins and ends with windows
      const step = r.pick([300, 300, 600, 900, 3600]), most = Math.floor((hours * 3600) / step), steps = r.between(Math.floor(most / 3), most), at = Math.ceil(from / 300_000) * 300 + 300 * r.below(hours * 3);
      return { start: at, end: Math.min(at + steps * step, Math.floor(to / 1000)), step };
    };
    const end = Date.now() + seconds * 1000;
    while (n < queries && Date.now() < end && failures.length < stopAfter) {
      const tree = g.expression(r.between(1, 4));
      const at = moment(), steps = r.between(1, 40), step = r.pick([1, 15, 60, 77, 300]);
      const q = hours && r.chance(0.7) ? whole() : r.chance(0.5) ? { time: at } : { start: at, end: at + steps * step, step };
      n++;
      let why = await check({ ...q, query: print(tree) });
      if (!why) continue;
      let smallest = tree;
      for (let again = true; again; ) {
        again = false;
        for (const s of smaller(smallest)) {
          const d = await check({ ...q, query: print(s) });
          if (!d) continue;
          [smallest, why, again] = [s, d, true];
          break;
        }
      }
      const failure = { ...q, query: print(smallest), difference: why };
      if (failures.some((f) => f.query === failure.query)) continue;
      failures.push(failure);
      log(`${failure.query}\n  ${q.start ? `start=${q.start} end=${q.end} step=${q.step}` : `time=${q.time}`}\n  ${why}`);
    }
    await weir.stop();
  } finally {
    weir.killAll();
    await peer.stop();
  }
  return { seed, version: `${version[1]}.${version[2]}`, queries: n, empty, errors, windowed, failures };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const options = { seed: Date.now() % 1_000_000 };
  const names = { '--seconds': 'seconds', '--seed': 'seed', '--queries': 'queries', '--prometheus': 'prometheus', '--stop-after': 'stopAfter', '--hours': 'hours' };
  for (let i = 2; i < process.argv.length; i += 2) {
    const name = names[process.argv[i]];
    if (!name || i + 1 === process.argv.length) throw new Error(`run.mjs: ${process.argv[i]}: one of ${Object.keys(names).join(', ')}, and a value`);
    options[name] = name === 'prometheus' ? process.argv[i + 1] : Number(process.argv[i + 1]);
  }
  const result = await differential({ ...options, log: console.log });
  console.log(`seed ${result.seed}, Prometheus ${result.version}: ${result.queries} queries (${result.empty} with an empty answer, ${result.errors} with an error, ${result.windowed} answers with windows), ${result.failures.length} differ`);
  process.exitCode = result.failures.length ? 1 : 0;
}
