// Are two answers of Prometheus' API the same? null, or what differs. `ordered`: their order counts (but for equal values);
// `loose`: only the values at each time do; `notes`, `messages`: warnings and infos, texts of errors, too.

const number = (s) => (s === '+Inf' ? Infinity : s === '-Inf' ? -Infinity : Number(s));

// Relative 1e-6, as Prometheus' own tests compare; and what is nothing beside `scale`, since sums in another order leave other dust.
function sameNumber(a, b, scale) {
  const x = number(a), y = number(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y);
  if (x === y) return true;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
  return Math.abs(x - y) <= 1e-6 * (Math.abs(x) + Math.abs(y)) || Math.abs(x - y) <= 1e-9 * scale;
}

function samePoint([t, a], [u, b], scale) {
  if (t !== u) return false;
  if (typeof a === 'string' || typeof b === 'string') return typeof a === typeof b && sameNumber(a, b, scale);
  if (!sameNumber(a.count, b.count, scale) || !sameNumber(a.sum, b.sum, scale)) return false;
  const [x, y] = [a.buckets ?? [], b.buckets ?? []];
  return x.length === y.length && x.every((v, i) => v[0] === y[i][0] && v.slice(1).every((n, k) => sameNumber(n, y[i][k + 1], scale)));
}

// Which of several duplicates is found first is the order of a store.
const words = (error) => error.replace(/(found duplicate series for the match group) .* (on the (left|right) hand-side of the operation): .*;/s, '$1 $2;');

const key = (m) => JSON.stringify(Object.entries(m).sort());
const points = (s) => [...(s.values ?? (s.value ? [s.value] : [])), ...(s.histograms ?? (s.histogram ? [s.histogram] : []))];

export function difference(want, got, { ordered = false, loose = false, notes = false, messages = false } = {}) {
  if (want.status !== got.status) return `status ${got.status}${got.error ? ` (${got.error})` : ''}, want ${want.status}${want.error ? ` (${want.error})` : ''}`;
  if (want.status === 'error') {
    if (want.errorType !== got.errorType) return `error ${got.errorType}: ${got.error}, want ${want.errorType}: ${want.error}`;
    return messages && words(want.error) !== words(got.error) ? `error "${got.error}", want "${want.error}"` : null;
  }
  const [w, g] = [want.data, got.data];
  if (w.resultType !== g.resultType) return `type ${g.resultType}, want ${w.resultType}`;
  if (w.resultType === 'scalar' || w.resultType === 'string') return samePoint(w.result, g.result, 0) ? null : `${g.result[1]}, want ${w.result[1]}`;
  if (!loose && w.result.length !== g.result.length) return `${g.result.length} series, want ${w.result.length}: got ${g.result.map((s) => key(s.metric)).slice(0, 4)}, want ${w.result.map((s) => key(s.metric)).slice(0, 4)}`;
  if (loose) {
    const all = (list) => list.flatMap(points).sort(([t, a], [u, b]) => t - u || number(a) - number(b));
    const [x, y] = [all(w.result), all(g.result)];
    const bad = x.length === y.length ? x.findIndex((p, i) => !samePoint(p, y[i], 1)) : Math.min(x.length, y.length);
    return x.length === y.length && bad < 0 ? null : `${y.length} values, the first other one ${JSON.stringify(y[bad])}, want ${x.length}, ${JSON.stringify(x[bad])}`;
  }
  const finite = w.result.flatMap(points).map(([, v]) => Math.abs(number(typeof v === 'string' ? v : v.sum))).filter(Number.isFinite);
  const scale = finite.reduce((a, b) => Math.max(a, b), 1);
  const others = new Map(g.result.map((s, i) => [key(s.metric), [s, i]]));
  for (const [i, s] of w.result.entries()) {
    const [other, at] = others.get(key(s.metric)) ?? [];
    if (!other) return `no series ${key(s.metric)}`;
    if (ordered && at !== i && JSON.stringify(points(w.result[at])) !== JSON.stringify(points(s))) return `${key(s.metric)} at place ${at}, want ${i}`;
    const [x, y] = [points(s), points(other)];
    if (x.length !== y.length) return `${key(s.metric)}: ${y.length} points, want ${x.length}`;
    const bad = x.findIndex((p, k) => !samePoint(p, y[k], scale));
    if (bad >= 0) return `${key(s.metric)}: ${JSON.stringify(y[bad])}, want ${JSON.stringify(x[bad])}`;
  }
  if (!notes) return null;
  // Prometheus adds up how many samples were forced to be monotonic over and over.
  const said = (r) => JSON.stringify([...(r.warnings ?? []), ...(r.infos ?? [])].sort()).replace(/over \d+ samples from/g, 'over samples from');
  return said(want) === said(got) ? null : `notes ${said(got)}, want ${said(want)}`;
}
