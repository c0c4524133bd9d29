// A real Prometheus (Debian's package) on a free port.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { temporaryFolder, until } from './weir.mjs';

// Prometheus cannot tell which port it got, so one is found for it.
function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// `config` is its prometheus.yml; `program` another Prometheus than Debian's; `folder` is kept over restarts. Gives { url, pid, query, get, stop } when it is ready.
export async function startPrometheus(config, flags = [], program = 'prometheus', folder = temporaryFolder()) {
  const port = await freePort(), log = [];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'prometheus.yml'), config);
  const child = spawn(program, [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  child.stderr.on('data', (d) => log.push(d));
  process.on('exit', () => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  const get = async (path, params = {}) => (await fetch(`${url}${path}?${new URLSearchParams(params)}`)).json();
  const prometheus = {
    url,
    pid: child.pid,
    log,
    get,
    query: async (query, more = {}) => (await get('/api/v1/query', { query, ...more })).data,
    stop: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await ended;
    },
  };
  await until('Prometheus is ready', async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended:\n${log.join('')}`);
    return (await fetch(`${url}/-/ready`).catch(() => null))?.ok;
  });
  return prometheus;
}
