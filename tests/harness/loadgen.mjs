// weir loadgen beside a running weir, and the check that what it was told was accepted is stored exactly once.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { plainBinary, until } from './weir.mjs';

// Starts it; `done` resolves to its JSON summary when it has ended. Exit code 1 (something stayed unanswered) is a result too: what may be
// unanswered is for the scenario to say.
export function startLoadgen(args) {
  const child = spawn(plainBinary, ['loadgen', '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (d) => (out += d));
  const done = new Promise((resolve, reject) => {
    child.on('close', (code) => (code === 0 || code === 1 ? resolve(JSON.parse(out)) : reject(new Error(`loadgen ended with ${code}: ${out}`))));
  });
  // Waits until more items than `items` were acknowledged; resolves to how many.
  const acknowledgedPast = async (file, items) => {
    let now = 0;
    await until(`more than ${items} acknowledged items`, () => (now = existsSync(file) ? acknowledgedItems(readAckLog(file)) : 0) > items);
    return now;
  };
  return { child, done, acknowledgedPast };
}

export const acknowledgedItems = (acked) => Object.values(acked).reduce((n, m) => n + [...m.values()].reduce((a, b) => a + b, 0), 0);

// The acknowledged requests: signal -> Map(request number -> items).
export function readAckLog(file) {
  const acked = { traces: new Map(), logs: new Map(), metrics: new Map() };
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) { // what is after the last newline is being written
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

// Throws when an acknowledged item is missing, or any is stored twice: a request without an answer may be stored, once and whole.
// Returns how many acknowledged items were checked.
export async function checkExactlyOnce(query, acked) {
  let checked = 0;
  for (const [signal, requests] of Object.entries(acked)) {
    const rows = new Map((await query(stored[signal])).map((r) => [r.request, r]));
    const wrong = [];
    for (const [number, items] of requests) {
      const r = rows.get(number);
      checked += items;
      if (!r || Number(r.n) !== items || Number(r.distinct) !== items) wrong.push(`${signal} request ${number}: acknowledged ${items}, stored ${r?.n ?? 0}, distinct ${r?.distinct ?? 0}`);
    }
    for (const [number, r] of rows)
      if (number !== '' && Number(r.n) !== Number(r.distinct)) wrong.push(`${signal} request ${number}: stored ${r.n}, distinct ${r.distinct}`);
    if (wrong.length) throw new Error(`${wrong.length} of ${requests.size} requests are not stored exactly once:\n${wrong.slice(0, 10).join('\n')}`);
  }
  return checked;
}
