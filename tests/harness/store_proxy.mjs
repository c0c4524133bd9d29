// What stands between weir and its store: an address that goes away and comes back, and one with TLS.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

// Bytes to and from 127.0.0.1:port. `stop` breaks what is open and refuses the rest, `start` listens where it did before.
export class Address {
  static async open(port) {
    const a = new Address();
    a.to = port;
    a.sockets = new Set();
    a.taken = 0;
    await a.start();
    return a;
  }

  async start() {
    this.server = net.createServer((near) => {
      this.taken++;
      const far = net.connect(this.to, '127.0.0.1');
      for (const [s, other] of [[near, far], [far, near]]) {
        this.sockets.add(s);
        s.setNoDelay(true);
        s.on('error', () => {});
        s.on('close', () => {
          this.sockets.delete(s);
          other.destroy();
        });
        s.pipe(other);
      }
    });
    await new Promise((resolve, reject) => this.server.on('error', reject).listen(this.port ?? 0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async stop() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const s of this.sockets) s.destroy();
    await closed;
  }
}

// HTTPS in front of 127.0.0.1:port; `tls` as for https.createServer. `requests` holds method, URL and headers of what came, and the encoding
// of what was answered.
export async function startTlsStore(port, tls) {
  const agent = new http.Agent({ keepAlive: true });
  const requests = [];
  const server = https.createServer(tls, (req, res) => {
    const request = { method: req.method, url: req.url, headers: req.headers, answered: null };
    requests.push(request);
    const up = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers, agent }, (answer) => {
      request.answered = answer.headers['content-encoding'] ?? 'identity';
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    up.on('error', () => res.destroy());
    req.pipe(up);
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${server.address().port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
