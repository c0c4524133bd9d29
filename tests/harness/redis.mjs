// A real redis-server (Debian's) on a free port, which keeps nothing on disk.
import { execFileSync, spawn } from 'node:child_process';
import net from 'node:net';
import { until } from './weir.mjs';

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export class Redis {
  // The port stays the same over kill() and start().
  static async open() {
    const redis = new Redis();
    redis.port = await freePort();
    await redis.start();
    return redis;
  }

  async start() {
    this.child = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
    this.exited = new Promise((resolve) => this.child.on('close', resolve));
    await until('redis-server answers', () => {
      try {
        return this.command('PING') === 'PONG';
      } catch {
        return false;
      }
    });
  }

  // The answer's text, as redis-cli prints it.
  command(...words) {
    return execFileSync('redis-cli', ['-p', String(this.port), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  }

  signal(name) {
    this.child.kill(name);
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
