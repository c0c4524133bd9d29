// An OTLP/HTTP destination for weir's exporters: keeps what it is sent (JSON; gzip is undone) and answers as it is told.
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

export class OtlpServer {
  constructor() {
    this.answer = 200; // the status of answers from now on
    this.requests = []; // { path, headers, body }, those answered with 200
    this.refused = 0;
    this.server = http.createServer((req, res) => {
      const parts = [];
      req.on('data', (d) => parts.push(d));
      req.on('end', () => {
        const status = this.answer;
        if (status === 200) {
          const bytes = Buffer.concat(parts);
          const plain = req.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
          this.requests.push({ path: req.url, headers: req.headers, body: JSON.parse(plain) });
        } else this.refused++;
        res.writeHead(status, { 'content-type': 'application/json' });
        res.end(status === 200 ? '{}' : JSON.stringify({ message: `refused with ${status}` }));
      });
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  spans() {
    return this.requests.flatMap((r) => (r.body.resourceSpans ?? []).flatMap((rs) => rs.scopeSpans.flatMap((s) => s.spans)));
  }

  logBodies() {
    return this.requests.flatMap((r) =>
      (r.body.resourceLogs ?? []).flatMap((rl) => rl.scopeLogs.flatMap((s) => s.logRecords.map((l) => l.body.stringValue))));
  }
}
