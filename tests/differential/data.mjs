// Random series: counters with resets, gauges with NaN and infinities, classic histograms, native histograms; with jitter, gaps and stale markers.

export const stale = 0x7ff0000000000002n; // the bits: JavaScript does not keep a NaN's

// Times of one target's scrapes, each in the first 0.9 s of its second.
function scrapes(r, { from, to, interval }) {
  const out = [];
  let gap = 0;
  for (let t = from + r.between(1, interval - 1); t < to; t += interval) {
    if (gap > 0) gap--;
    else if (r.chance(0.02)) gap = r.between(1, 60);
    if (gap === 0) out.push(t + r.between(1, 900) - (t % 1000));
  }
  return out;
}

function counter(r, times, floor) {
  const slope = r.unit() * 10, fraction = r.chance(0.3);
  let v = floor + r.below(100);
  return times.map((t) => {
    if (r.chance(0.01)) v = floor;
    v += fraction ? r.unit() * slope : Math.floor(r.unit() * slope);
    return [v, t];
  });
}

function gauge(r, times) {
  const odd = r.chance(0.15);
  let v = r.unit() * 200 - 100;
  return times.map((t) => {
    v += r.unit() * 10 - 5;
    if (odd && r.chance(0.1)) return [r.pick([NaN, Infinity, -Infinity, 0, -0]), t];
    return [r.chance(0.1) ? Math.round(v) : v, t];
  });
}

const bounds = ['0.1', '0.5', '1', '5', '+Inf'];
function classic(r, times, labels, name, floor) {
  const counts = bounds.map(() => floor);
  let sum = floor;
  const rows = times.map((t) => {
    if (r.chance(0.01)) (counts.fill(floor), (sum = floor));
    bounds.forEach((_, i) => (counts[i] += r.below(4)));
    sum += r.unit() * 5;
    let n = 0;
    return { t, buckets: counts.map((c) => (n += c)), n, sum };
  });
  return [
    ...bounds.map((le, i) => ({ labels: { ...labels, __name__: `${name}_bucket`, le }, samples: rows.map((x) => [x.buckets[i], x.t]) })),
    { labels: { ...labels, __name__: `${name}_count` }, samples: rows.map((x) => [x.n, x.t]) },
    { labels: { ...labels, __name__: `${name}_sum` }, samples: rows.map((x) => [x.sum, x.t]) },
  ];
}

// Whole counts as from a scrape; fractional ones as from a recording rule; gauges; custom buckets.
function native(r, times) {
  const kind = r.pick(['whole', 'whole', 'part', 'gauge', 'custom', 'custom_part']), custom = kind.startsWith('custom'), part = kind.endsWith('part'), gauge = kind === 'gauge';
  const schema = custom ? -53 : r.between(-1, 3), width = r.between(2, 9), from = custom ? 0 : r.between(-6, 4);
  const bounds = custom ? [-1, 0, 0.25, 0.5, 1, 2.5, 10, 40].slice(8 - width + 1) : [];
  const counts = Array.from({ length: width }, () => r.below(5));
  const grow = part ? () => r.unit() * 3 : () => r.below(3);
  let zero = custom ? 0 : r.below(3), sum = 0;
  return times.map((t) => {
    if (r.chance(0.01)) (counts.fill(0), (zero = 0), (sum = 0));
    counts.forEach((v, i) => (counts[i] = gauge ? Math.max(0, v + r.below(5) - 2) : v + grow()));
    if (!custom) zero += part ? r.unit() : r.below(2);
    sum += r.unit() * 20;
    const h = { count: counts.reduce((a, b) => a + b, zero), sum, schema, zeroThreshold: custom ? 0 : 1e-9, zeroCount: zero, spans: [[from, width]], hint: gauge ? 3 : 0, custom: bounds, ms: t };
    return part ? { ...h, counts: [...counts] } : { ...h, deltas: counts.map((c, i) => c - (i ? counts[i - 1] : 0)) };
  });
}

// All series between `from` and `to` (ms). `histograms`: native ones among them; `floor`: where counters begin and begin again.
export function series(r, { from, to, histograms, floor = 0 }) {
  const out = [];
  for (const job of ['api', 'db'])
    for (const instance of ['a:1', 'b:1', 'c:1']) {
      const times = scrapes(r, { from, to, interval: r.pick([15000, 15000, 30000]) });
      const labels = { job, instance };
      for (const path of ['/', '/x'].filter(() => r.chance(0.85))) {
        out.push({ labels: { ...labels, __name__: 'hits_total', path }, samples: counter(r, times, floor) });
        out.push({ labels: { ...labels, __name__: 'errors_total', path }, samples: counter(r, times, floor) });
        if (r.chance(0.7)) out.push({ labels: { ...labels, __name__: 'load', path, mode: r.pick(['user', 'sys']) }, samples: gauge(r, times) });
        if (histograms) out.push({ labels: { ...labels, __name__: 'size', path }, histograms: native(r, times) });
      }
      out.push({ labels: { ...labels, __name__: 'temperature' }, samples: gauge(r, times) });
      out.push({ labels: { ...labels, __name__: 'limit' }, samples: times.map((t) => [100, t]) });
      out.push(...classic(r, times, labels, 'latency_seconds', floor));
    }
  for (const s of out) // some series end, with a stale marker, and may begin again
    if (s.samples && r.chance(0.15)) {
      const at = r.below(s.samples.length), back = at + r.between(1, 40);
      s.samples = [...s.samples.slice(0, at), ...s.samples.slice(at, at + 1).map(([, t]) => [stale, t]), ...s.samples.slice(back + 1)];
    }
  return out.filter((s) => (s.samples ?? s.histograms).length > 0);
}
