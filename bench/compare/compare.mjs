// The same load through an OpenTelemetry Collector and through a weir collector, both in front of the same weir that stores, in turn: CPU a span, memory,
// time to the acknowledgement, and what is lost, or stored twice, when the process in the middle is killed with SIGKILL and started again.
//
//   loadgen --OTLP/gRPC--> Collector or weir collector --OTLP/gRPC--> weir (storage-writer, collector)
//
// The Collector runs as its documentation advises for not losing data: memory_limiter, batch, an otlp exporter with a file_storage queue. weir's own file says
// the same in the same words, without the queue's storage: its journal is always on disk.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Weir, plainBinary, startProcess, temporaryFolder, until } from '../../tests/harness/weir.mjs';
import { readAckLog, startLoadgen } from '../../tests/harness/loadgen.mjs';
import { sql } from '../../tests/harness/sql.mjs';

const rate = process.env.COMPARE_RATE || '20000';
const seconds = Number(process.env.COMPARE_SECONDS || 20);
const pairs = Number(process.env.COMPARE_PAIRS || 3);
const kills = Number(process.env.COMPARE_KILLS || 3);

const freePort = () => new Promise((resolve) => {
  const s = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address();
    s.close(() => resolve(port));
  });
});
const connects = (port) => new Promise((resolve) => {
  const s = net.connect(port, '127.0.0.1', () => (s.destroy(), resolve(true)));
  s.on('error', () => resolve(false));
});

const shape = (port, target, { storage }) => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:${port}"}}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 2000}
  batch: {send_batch_size: 8192, timeout: 200ms}
exporters:
  otlp:
    endpoint: 127.0.0.1:${target}
    tls: {insecure: true}
    compression: none
    retry_on_failure: {enabled: true${storage ? ', max_elapsed_time: 0s' : ''}}
    ${storage ? 'sending_queue: {enabled: true, storage: file_storage, queue_size: 5000}' : ''}
${storage ? `extensions: {file_storage: {directory: ${storage}, create_directory: true}}` : ''}
service:
  ${storage ? 'extensions: [file_storage]' : ''}
  ${storage ? 'telemetry: {metrics: {level: none}, logs: {level: error}}' : ''}
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp]}
`;

const collector = {
  name: `Collector ${process.env.OTELCOL_VERSION}`,
  async start(dir, port, target) {
    const file = join(dir, 'collector.yaml');
    writeFileSync(file, shape(port, target, { storage: join(dir, 'queue') }));
    const child = spawn(process.env.OTELCOL, ['--config', file], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until('the Collector listens', () => connects(port));
    return child;
  },
};
const weir = {
  name: 'weir collector',
  async start(dir, port, target) {
    const file = join(dir, 'weir.yaml');
    writeFileSync(file, shape(port, target, {}));
    const p = await startProcess(plainBinary, ['collector', '--config', file, '--data', join(dir, 'data'), '--store.url=http://127.0.0.1:1', '--receive.http.endpoint=127.0.0.1:0',
      '--admin.endpoint=127.0.0.1:0']);
    return p.child;
  },
};

// CPU in milliseconds, and resident memory, of a process.
function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { cpu: (Number(rest[11]) + Number(rest[12])) * 10, peak: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024 };
}
const exited = (child) => new Promise((resolve) => (child.exitCode ?? child.signalCode) !== null ? resolve() : child.on('exit', resolve));
const load = (port, more) => startLoadgen(['--endpoint', `127.0.0.1:${port}`, '--signals', 'traces', '--rate', rate, '--batch', '500', '--seed', '1', ...more]);
const stored = async (sink) => Number((await sql(sink.ports.clickhouse, 'SELECT count() n FROM otel_traces'))[0].n);
async function settled(sink) { // nothing more comes
  for (let before = -1, same = 0; same < 3;) {
    await sink.flush();
    const now = await stored(sink);
    same = now === before ? same + 1 : 0;
    before = now;
    await pause(700);
  }
}
async function withSink(fn) {
  const sink = new Weir({ 'batch.timeout': '500ms' }, { dir: temporaryFolder(), shape: 'three' });
  try {
    await sink.start();
    return await fn(sink);
  } finally {
    sink.killAll();
  }
}

const cost = (kind) => withSink(async (sink) => {
  const dir = temporaryFolder(), port = await freePort();
  const child = await kind.start(dir, port, sink.ports.grpc);
  const before = usage(child.pid);
  const summary = await load(port, ['--duration', `${seconds}s`]).done;
  await settled(sink);
  const after = usage(child.pid);
  const s = summary.signals.traces, n = await stored(sink);
  child.kill('SIGTERM');
  await exited(child);
  return { us: ((after.cpu - before.cpu) * 1000) / s.acknowledged.items, peak: after.peak, p50: s.latency_ms.p50, p99: s.latency_ms.p99, acknowledged: s.acknowledged.items, stored: n };
});

const loss = (kind) => withSink(async (sink) => {
  const dir = temporaryFolder(), port = await freePort(), log = join(dir, 'acked');
  let child = await kind.start(dir, port, sink.ports.grpc);
  const run = load(port, ['--duration', '0', '--rate', '4000', '--batch', '100', '--ack-log', log]);
  for (let i = 0, before = 0; i < kills; i++) {
    before = await run.acknowledgedPast(log, before + 4000);
    await pause(300 * Math.random());
    child.kill('SIGKILL');
    await exited(child);
    child = await kind.start(dir, port, sink.ports.grpc);
  }
  await run.acknowledgedPast(log, 4000 * (kills + 1));
  run.child.kill('SIGTERM');
  await run.done;
  await settled(sink);
  const rows = new Map((await sql(sink.ports.clickhouse,
    `SELECT span_attributes['loadgen.request'] request, count() n, uniqExact(span_id) distinct FROM otel_traces GROUP BY request`)).map((r) => [r.request, r]));
  let acknowledged = 0, lost = 0, twice = 0;
  for (const [request, items] of readAckLog(log).traces) {
    acknowledged += items;
    lost += items - Number(rows.get(request)?.distinct ?? 0);
  }
  for (const r of rows.values()) twice += Number(r.n) - Number(r.distinct);
  child.kill('SIGKILL');
  return { acknowledged, lost, twice };
});

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const range = (runs, key, digits) => {
  const v = runs.map((r) => r[key]);
  return `${median(v).toFixed(digits)} (${Math.min(...v).toFixed(digits)} to ${Math.max(...v).toFixed(digits)})`;
};

const runs = { collector: [], weir: [] };
for (let i = 0; i < pairs; i++) {
  runs.collector.push(await cost(collector));
  runs.weir.push(await cost(weir));
}
const lossOf = { collector: await loss(collector), weir: await loss(weir) };
const row = (name, of) => console.log(`| ${name} | ${of('collector')} | ${of('weir')} |`);
console.log(`${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB; ${rate} spans a second for ${seconds} s, ${pairs} pairs; median (least to most)\n`);
console.log(`| | ${collector.name} | ${weir.name} |\n| --- | --- | --- |`);
row('CPU, core-microseconds a span', (k) => range(runs[k], 'us', 2));
row('resident memory at most, MiB', (k) => range(runs[k], 'peak', 0));
row('acknowledged after, ms, median', (k) => range(runs[k], 'p50', 2));
row('acknowledged after, ms, 99 %', (k) => range(runs[k], 'p99', 2));
row('acknowledged and stored, spans', (k) => runs[k].map((r) => `${r.stored}/${r.acknowledged}`).join(' '));
row(`lost of the acknowledged, ${kills} SIGKILLs`, (k) => `${lossOf[k].lost} of ${lossOf[k].acknowledged}`);
row(`stored more than once, ${kills} SIGKILLs`, (k) => `${lossOf[k].twice}`);
