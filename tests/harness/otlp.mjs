// OTLP over HTTP by hand, for what an SDK would never send.
import http from 'node:http';
import { gzipSync } from 'node:zlib';

// POSTs an export request. `body` may be an object (sent as JSON) or a Buffer (sent as protobuf).
export async function exportJson(weir, signal, body, { gzip = false, headers = {}, path = `/v1/${signal}` } = {}) {
  const binary = Buffer.isBuffer(body);
  let bytes = binary ? body : Buffer.from(JSON.stringify(body));
  const h = { 'content-type': binary ? 'application/x-protobuf' : 'application/json', ...headers };
  if (gzip) {
    bytes = gzipSync(bytes);
    h['content-encoding'] = 'gzip';
  }
  const r = await fetch(weir.url('http', path), { method: 'POST', body: bytes, headers: h });
  return { status: r.status, headers: r.headers, bytes: Buffer.from(await r.arrayBuffer()) };
}

// A raw request with full control: method, headers, body pieces written one by one.
export function rawRequest(weir, { port = 'http', method = 'POST', path = '/v1/traces', headers = {}, pieces = [] }) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', port: weir.ports[port], method, path, headers }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
    });
    req.on('error', reject);
    for (const p of pieces) req.write(p);
    req.end();
  });
}

export const traceRequest = (n, { service = 'hand', start = Date.now() - 1000, id = (i) => (i + 1).toString(16).padStart(16, '0') } = {}) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: [
        {
          spans: Array.from({ length: n }, (_, i) => ({
            traceId: '0af7651916cd43dd8448eb211c80319c',
            spanId: id(i),
            name: `op-${i}`,
            kind: 2,
            startTimeUnixNano: `${start}000000`,
            endTimeUnixNano: `${start + 10}000000`,
          })),
        },
      ],
    },
  ],
});

export const logRequest = (lines, { service = 'hand', time = Date.now() - 1000 } = {}) => ({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeLogs: [{ logRecords: lines.map((line, i) => ({ timeUnixNano: `${time + i}000000`, body: { stringValue: line } })) }],
    },
  ],
});
