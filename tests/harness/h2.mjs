// HTTP/2 by hand (prior knowledge), and gRPC on top of it: for what no SDK sends.
import http2 from 'node:http2';

// `tls`: options of tls.connect; without them in clear.
export function connectH2(weir, port, tls = null) {
  const session = tls ? http2.connect(`https://localhost:${weir.ports[port]}`, tls) : http2.connect(`http://127.0.0.1:${weir.ports[port]}`);
  session.on('error', () => {});
  return session;
}

// One stream. `pieces` go out as DATA frames of their own. Resolves to { headers, trailers, body, frames, reset }; `trailersOnly`: the answer
// was one HEADERS frame.
export function streamH2(session, headers, pieces = []) {
  return new Promise((resolve, reject) => {
    const s = session.request({ ':method': 'POST', ...headers }, { endStream: pieces.length === 0 });
    const out = { headers: null, trailers: {}, parts: [], trailersOnly: false };
    s.on('response', (h, flags) => {
      out.headers = h;
      out.trailersOnly = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    s.on('trailers', (t) => (out.trailers = t));
    s.on('data', (d) => out.parts.push(d));
    s.on('error', (e) => (out.headers ? undefined : reject(e)));
    s.on('close', () => (out.headers ? resolve({ ...out, body: Buffer.concat(out.parts) }) : reject(new Error(`no answer: code ${s.rstCode}`))));
    const next = (i) => (i === pieces.length ? s.end() : s.write(pieces[i], () => next(i + 1)));
    if (pieces.length) next(0);
  });
}

export const services = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

export function frame(message, { compressed = false, length = message.length } = {}) {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

// A unary call: { status, message, reply, ... }. `wire` in place of `message`: bytes as they are, prefix included.
export async function callGrpc(session, path, { message = Buffer.alloc(0), wire = frame(message), headers = {}, piece = wire.length } = {}) {
  const pieces = [];
  for (let at = 0; at < wire.length; at += piece) pieces.push(wire.subarray(at, at + piece));
  const r = await streamH2(session, { ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers }, pieces);
  const end = r.trailersOnly ? r.headers : r.trailers;
  return { ...r, http: r.headers[':status'], status: Number(end['grpc-status']), message: decodeURIComponent(end['grpc-message'] ?? ''), reply: r.body.subarray(5) };
}

// ---- protobuf, as far as OTLP's logs and traces need it ----
const varint = (v) => {
  const out = [];
  for (v = BigInt(v); v > 127n; v >>= 7n) out.push(Number(v & 127n) | 128);
  return Buffer.from([...out, Number(v)]);
};
export const bytesField = (n, ...parts) => {
  const b = Buffer.concat(parts.map((p) => (Buffer.isBuffer(p) ? p : Buffer.from(p))));
  return Buffer.concat([varint((n << 3) | 2), varint(b.length), b]);
};
const fixed64Field = (n, v) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(v));
  return Buffer.concat([varint((n << 3) | 1), b]);
};
const resource = (service) => bytesField(1, bytesField(1, bytesField(1, 'service.name'), bytesField(2, bytesField(1, service))));

export const logsMessage = (service, lines, time = Date.now() - 1000) =>
  bytesField(1, resource(service), bytesField(2, ...lines.map((l, i) => bytesField(2, fixed64Field(1, BigInt(time + i) * 1000000n), bytesField(5, bytesField(1, l))))));

// spans: [traceId, spanId] in hex
export const tracesMessage = (service, spans, time = Date.now() - 1000) =>
  bytesField(1, resource(service), bytesField(2, ...spans.map(([t, s], i) => bytesField(2, bytesField(1, Buffer.from(t, 'hex')), bytesField(2, Buffer.from(s, 'hex')),
    bytesField(5, `op-${i}`), fixed64Field(7, BigInt(time) * 1000000n), fixed64Field(8, BigInt(time + 5) * 1000000n)))));
