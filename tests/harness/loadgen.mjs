// weir loadgen beside a running weir, and the check that what it was told was accepted is stored exactly once.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { plainBinary } from './weir.mjs';

// Starts it; resolves (when it has ended) to its JSON summary. The child is in .child at once.
export function startLoadgen(args) {
  const child = spawn(plainBinary, ['loadgen', '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  const done = new Promise((resolve, reject) => {
    // 1: something was refused to the end or stayed without an answer; the report says what, and the caller judges.
    child.on('exit', (code) => (code === 0 || code === 1 ? resolve(JSON.parse(out)) : reject(new Error(`loadgen ended with ${code}: ${out}`))));
  });
  return { child, done };
}

// The acknowledged requests: signal -> Map(request number -> items).
export function readAckLog(file) {
  const acked = { traces: new Map(), logs: new Map(), metrics: new Map() };
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line) continue;
    const [signal, number, items] = line.split(/\s+/);
    if (acked[signal].has(number)) throw new Error(`${signal} request ${number} acknowledged twice`);
    acked[signal].set(number, Number(items));
  }
  return acked;
}

const stored = {
  traces: `SELECT span_attributes['loadgen.request'] request, count() n, uniqExact(trace_id, span_id) distinct FROM otel_traces GROUP BY request`,
  logs: `SELECT log_attributes['loadgen.request'] request, count() n, uniqExact(log_attributes['loadgen.item']) distinct FROM otel_logs GROUP BY request`,
  metrics: `SELECT s.attributes['loadgen.request'] request, count() n, uniqExact(m.series_id, m.timestamp) distinct FROM otel_metrics m
     INNER JOIN (SELECT DISTINCT series_id, attributes FROM otel_metric_series) s ON m.series_id = s.series_id GROUP BY request`,
};

// Throws when an acknowledged item is missing or stored twice. Returns how many items were checked.
export async function checkExactlyOnce(query, acked) {
  let checked = 0;
  for (const [signal, requests] of Object.entries(acked)) {
    if (!requests.size) continue;
    const rows = new Map((await query(stored[signal])).map((r) => [r.request, r]));
    const wrong = [];
    for (const [number, items] of requests) {
      const r = rows.get(number);
      checked += items;
      if (!r || Number(r.n) !== items || Number(r.distinct) !== items) wrong.push(`${signal} request ${number}: acknowledged ${items}, stored ${r?.n ?? 0}, distinct ${r?.distinct ?? 0}`);
    }
    if (wrong.length) throw new Error(`${wrong.length} of ${requests.size} requests are not stored exactly once:\n${wrong.slice(0, 10).join('\n')}`);
  }
  return checked;
}
