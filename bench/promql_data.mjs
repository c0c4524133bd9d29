// The series and samples of bench/promql, as Prometheus remote write: the same bytes for both. Values follow from a seed.
//
// Of 5,000 series: 2,000 counters (http_requests_total by instance, route and code), 2,000 of classic histograms (125 of 14 buckets, sum and count each) and
// 1,000 gauges (a walk of queue_depth, memory, up, and the labels of build_info). 50 instances of 5 jobs.

const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '20', '30', '+Inf'];

const varint = (n) => {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  return Buffer.from([...out, n]);
};
const message = (number, ...parts) => {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
};
const labelBytes = (labels) =>
  Buffer.concat(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => message(1, message(1, Buffer.from(k)), message(2, Buffer.from(v)))));

// Numbers from 0 to 1, the same in each run.
function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

// `write(out, at, k)` puts the values of step k of the series of a group into out[at...].
export function makeGroups(scale) {
  const groups = [], instances = [];
  const some = (n) => Math.max(1, Math.round(n * scale));
  for (let i = 0; i < some(50); i++) instances.push({ job: `service-${i % 5}`, instance: `10.0.0.${i}:9100` });
  const counter = (labels, next, mean) => {
    let v = 0;
    return { labels: [labels], write: (out, at) => (out[at] = v += Math.floor(next() * 2 * mean)) };
  };
  for (const [i, of] of instances.entries()) {
    const next = random(i + 1);
    for (let route = 0; route < 10; route++)
      for (const [k, code] of ['200', '301', '404', '503'].entries())
        groups.push(counter({ __name__: 'http_requests_total', ...of, route: `/api/r${route}`, code }, next, [400, 20, 8, 2][k] * (route + 1)));
    for (let q = 0; q < 17; q++) {
      let v = 50;
      groups.push({ labels: [{ __name__: 'queue_depth', ...of, queue: `q${q}` }], write: (out, at) => (out[at] = v = Math.max(0, Math.round(v + (next() - 0.5) * 8))) });
    }
    let memory = 2e8;
    groups.push({ labels: [{ __name__: 'process_resident_memory_bytes', ...of }], write: (out, at) => (out[at] = memory += Math.floor((next() - 0.499) * 65536) * 16) });
    groups.push({ labels: [{ __name__: 'up', ...of }], write: (out, at) => (out[at] = 1) });
    groups.push({ labels: [{ __name__: 'build_info', ...of, version: `1.${i % 7}.0` }], write: (out, at) => (out[at] = 1) });
  }
  const observed = Math.min(25, instances.length);
  for (let h = 0; h < some(125); h++) {
    const of = { ...instances[h % observed], route: `/api/r${Math.floor(h / observed)}` }, next = random(1000 + h);
    const buckets = new Float64Array(bounds.length);
    let sum = 0;
    groups.push({
      labels: [...bounds.map((le) => ({ __name__: 'http_request_duration_seconds_bucket', ...of, le })),
        { __name__: 'http_request_duration_seconds_sum', ...of }, { __name__: 'http_request_duration_seconds_count', ...of }],
      write: (out, at) => {
        let below = 0;
        for (let b = 0; b < bounds.length; b++) {
          below += Math.floor(next() * (b === bounds.length - 1 ? 1.05 : 20 / (1 + Math.abs(b - 5))));
          out[at + b] = buckets[b] += below;
        }
        out[at + bounds.length] = sum += below * (0.15 + next() / 10);
        out[at + bounds.length + 1] = buckets[bounds.length - 1];
      },
    });
  }
  return groups;
}

// Snappy's block form, one literal.
function snappy(bytes) {
  const head = Buffer.alloc(5);
  head[0] = 63 << 2;
  head.writeUInt32LE(bytes.length - 1, 1);
  return Buffer.concat([varint(bytes.length), head, bytes]);
}

// A request: `steps` samples from `first` on of the series `labels`, whose values lie step by step in `values`.
function request(labels, values, first, interval, steps) {
  const sample = 18; // a double, and a time of six bytes
  let size = 0;
  for (const l of labels) size += l.length + steps * (sample + 2) + 16;
  const out = Buffer.allocUnsafe(size), view = new DataView(out.buffer, out.byteOffset, out.length);
  let at = 0;
  for (let s = 0; s < labels.length; s++) {
    const head = varint(labels[s].length + steps * sample);
    out[at++] = 10;
    at += head.copy(out, at);
    at += labels[s].copy(out, at);
    for (let k = 0; k < steps; k++) {
      out[at] = 18;
      out[at + 1] = 16;
      out[at + 2] = 9;
      view.setFloat64(at + 3, values[k * labels.length + s], true);
      out[at + 11] = 16;
      let t = first + k * interval;
      for (let b = 12; b < 17; b++, t = Math.floor(t / 128)) out[at + b] = (t % 128) | 128;
      out[at + 17] = t;
      at += sample;
    }
  }
  return snappy(out.subarray(0, at));
}

// Every sample of (end - hours, end] to both, half an hour of some hundred series a request: time goes on for all of them together, as it would for scrapes.
export async function load(urls, { scale, hours, interval, end }) {
  const groups = makeGroups(scale), chunks = [];
  for (const g of groups) {
    let c = chunks.at(-1);
    if (!c || c.labels.length + g.labels.length > 512) chunks.push((c = { labels: [], groups: [], series: [] }));
    c.groups.push([g, c.labels.length]);
    c.labels.push(...g.labels.map(labelBytes));
  }
  const steps = Math.round(1_800_000 / interval), count = Math.round((hours * 3_600_000) / interval);
  let samples = 0;
  for (let from = 0; from < count; from += steps) {
    const n = Math.min(steps, count - from), first = end - (count - 1 - from) * interval;
    for (const c of chunks) {
      const values = new Float64Array(n * c.labels.length);
      for (let k = 0; k < n; k++) for (const [g, at] of c.groups) g.write(values, k * c.labels.length + at);
      const body = request(c.labels, values, first, interval, n);
      samples += n * c.labels.length;
      await Promise.all(urls.map((url) => post(url, body)));
    }
  }
  return { samples, series: chunks.reduce((n, c) => n + c.labels.length, 0) };
}

async function post(url, body) {
  for (;;) {
    const r = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' } });
    const text = await r.text();
    if (r.ok) return;
    if (r.status !== 503) throw new Error(`${url}: ${r.status} ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(r.headers.get('retry-after') || 1)));
  }
}
