// A proxy in front of ClickHouse's HTTP interface that fails at random, as networks and stores do: it refuses before the statement arrives, answers
// with an error of its own, lets the statement through and loses the answer, or breaks off in the middle of the body. `faults` counts what it did.
import http from 'node:http';

// Seeded, so that a run can be had again: mulberry32.
export function randomFrom(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export async function startFaultyStore(port, { random, share = 0.1 }) {
  const faults = { refused: 0, overloaded: 0, lost_answer: 0, broken_off: 0, passed: 0 };
  const agent = new http.Agent({ keepAlive: true });
  const kinds = ['refused', 'overloaded', 'lost_answer', 'broken_off'];

  const forward = (req, res, { breakAfter = Infinity, loseAnswer = false } = {}) => {
    const up = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers, agent }, (answer) => {
      if (loseAnswer) {
        answer.resume();
        answer.on('end', () => res.destroy());
        return;
      }
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    up.on('error', () => res.destroy());
    res.on('close', () => !res.writableFinished && up.destroy());
    let sent = 0;
    req.on('data', (d) => {
      sent += d.length;
      if (sent > breakAfter) {
        up.destroy();
        res.destroy();
      } else up.write(d);
    });
    req.on('end', () => up.end());
    req.on('error', () => up.destroy());
  };

  const server = http.createServer((req, res) => {
    const insert = /INSERT/i.test(decodeURIComponent(req.url));
    if (!insert || random() >= share) {
      faults.passed++;
      return forward(req, res);
    }
    const kind = kinds[Math.floor(random() * kinds.length)];
    faults[kind]++;
    if (kind === 'refused') return res.destroy();
    if (kind === 'lost_answer') return forward(req, res, { loseAnswer: true });
    if (kind === 'broken_off') return forward(req, res, { breakAfter: 1000 });
    req.resume();
    req.on('end', () => {
      res.writeHead(500, { 'X-ClickHouse-Exception-Code': '252', 'Content-Type': 'text/plain' });
      res.end('Code: 252. DB::Exception: Too many parts (300). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)\n');
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    faults,
    close: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
