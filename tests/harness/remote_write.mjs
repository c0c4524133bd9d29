// Remote write and read requests by hand: protobuf (io.prometheus.write.v2.Request) in snappy's block form.

const varint = (n) => {
  const out = [];
  let v = BigInt.asUintN(64, BigInt(n));
  for (; v > 127n; v >>= 7n) out.push(Number(v & 127n) | 128);
  return Buffer.from([...out, Number(v)]);
};
export const zigzag = (n) => (n < 0 ? -2 * n - 1 : 2 * n);
const field = (number, wire, bytes) => Buffer.concat([varint((number << 3) | wire), bytes]);
export const message = (number, ...parts) => {
  const bytes = Buffer.concat(parts);
  return field(number, 2, Buffer.concat([varint(bytes.length), bytes]));
};
export const number = (n, v) => field(n, 0, varint(v));
export const double = (n, v) => {
  const b = Buffer.alloc(8);
  b.writeDoubleLE(v);
  return field(n, 1, b);
};
const bits = (n, v) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(v);
  return field(n, 1, b);
};
export const packed = (n, list) => message(n, ...list.map(varint));

const spans = (n, list = []) => list.map(([offset, length]) => message(n, number(1, zigzag(offset)), number(2, length)));
const doubles = (n, list = []) => (list.length ? [message(n, ...list.map((v) => double(0, v).subarray(1)))] : []);
// With deltas one of whole counts, with counts one of float counts.
const histogram = (h) => [
  ...(h.deltas ? [number(1, h.count), number(6, h.zeroCount ?? 0)] : [double(2, h.count), double(7, h.zeroCount ?? 0)]),
  double(3, h.sum), number(4, zigzag(h.schema)), double(5, h.zeroThreshold ?? (h.custom ? 0 : 0.001)),
  ...spans(8, h.negativeSpans), ...doubles(10, h.negativeCounts),
  ...spans(11, h.spans), ...(h.deltas ? [packed(12, h.deltas.map(zigzag))] : doubles(13, h.counts)),
  number(14, h.hint ?? 0), number(15, h.ms), ...doubles(16, h.custom)];

// series: { labels, samples: [[value, ms]], histograms: [{ count, sum, schema, zeroThreshold, zeroCount, spans: [[offset, length]], deltas or counts,
// negativeSpans, negativeCounts, hint, custom (bounds), ms }],
// exemplars: [{ labels, value, ms }], type, help, unit, created }.
export function requestV2(series) {
  const symbols = [''];
  const ref = (text = '') => (symbols.includes(text) ? symbols.indexOf(text) : symbols.push(text) - 1);
  const refs = (labels) => packed(1, Object.entries(labels).flatMap(([k, v]) => [ref(k), ref(v)]));
  const list = series.map((s) =>
    message(5,
      refs(s.labels),
      ...(s.samples ?? []).map(([v, ms]) => message(2, typeof v === 'bigint' ? bits(1, v) : double(1, v), number(2, ms))),
      ...(s.histograms ?? []).map((h) => message(3, ...histogram(h))),
      ...(s.exemplars ?? []).map((e) => message(4, refs(e.labels), double(2, e.value), number(3, e.ms))),
      message(5, number(1, s.type ?? 0), number(3, ref(s.help)), number(4, ref(s.unit))),
      number(6, s.created ?? 0)));
  return Buffer.concat([...symbols.map((s) => message(4, Buffer.from(s))), ...list]);
}

// The same as prometheus.WriteRequest (1.0), which has no metadata of a series. A value may be the bits of a double, as a bigint.
export function requestV1(series) {
  const label = ([k, v]) => message(1, message(1, Buffer.from(k)), message(2, Buffer.from(v)));
  const labels = (l) => Object.entries(l).sort(([a], [b]) => (a < b ? -1 : 1)).map(label);
  return Buffer.concat(series.map((s) =>
    message(1,
      ...labels(s.labels),
      ...(s.samples ?? []).map(([v, ms]) => message(2, typeof v === 'bigint' ? bits(1, v) : double(1, v), number(2, ms))),
      ...(s.histograms ?? []).map((h) => message(4, ...histogram(h))))));
}

// prometheus.ReadRequest. queries: [{ from, to, matchers: [[type, name, value]] }].
export function readRequest(queries, types = []) {
  const list = queries.map((q) => message(1, number(1, q.from), number(2, q.to), ...q.matchers.map(([type, name, value]) => message(3, number(1, type), message(2, Buffer.from(name)), message(3, Buffer.from(value))))));
  return Buffer.concat([...list, ...types.map((t) => number(2, t))]);
}

// Snappy without any compression: literals of at most 60 bytes.
export function snappy(bytes) {
  const parts = [varint(bytes.length)];
  for (let at = 0; at < bytes.length; at += 60) {
    const piece = bytes.subarray(at, at + 60);
    parts.push(Buffer.from([(piece.length - 1) << 2]), piece);
  }
  return Buffer.concat(parts);
}

export async function remoteWrite(weir, body, headers = {}) {
  const r = await fetch(`http://127.0.0.1:${weir.ports.http}/api/v1/write`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '2.0.0', ...headers },
  });
  const written = ['samples', 'histograms', 'exemplars'].map((n) => Number(r.headers.get(`x-prometheus-remote-write-${n}-written`) ?? -1));
  return { status: r.status, text: await r.text(), written };
}
