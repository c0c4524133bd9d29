// A few queries over what loadgen sent: median and slowest of ten runs, in milliseconds, and what one costs in CPU of the whole process.
//
//   BENCH_SECONDS  how long loadgen sends (20)
//   BENCH_RATE     items a second of each signal (20000)
//   BENCH_ARGS     options of weir run
import { Weir, temporaryFolder } from '../tests/harness/weir.mjs';
import { startLoadgen } from '../tests/harness/loadgen.mjs';

const seconds = Number(process.env.BENCH_SECONDS || 20);
const rate = process.env.BENCH_RATE || '20000';
const options = Object.fromEntries((process.env.BENCH_ARGS || '').split(' ').filter(Boolean).map((o) => o.replace(/^--/, '').split('=')));
const cpu = async () => (await weir.metrics()).weir_process_cpu_milliseconds;
const weir = new Weir(options, { dir: temporaryFolder(), shape: 'one' });
try {
  await weir.start();
  const from = Math.floor(Date.now() / 1000) - 5;
  const summary = await startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', rate, '--duration', `${seconds}s`, '--seed', '1', '--batch', '1000', '--series', '5000']).done;
  await weir.flush();
  const to = Math.floor(Date.now() / 1000) + 1;
  const services = (await weir.query('/api/services')).json.data;
  const names = (await weir.query('/api/v1/label/__name__/values')).json.data;
  const counter = names.find((n) => n.endsWith('_total'));
  const bucket = names.find((n) => n.endsWith('_bucket'));
  const traces = (await weir.query('/api/traces', { service: services[0], limit: 1 })).json.data;
  const ns = { start: `${from}000000000`, end: `${to}000000000` };
  const queries = {
    'jaeger services': ['/api/services', {}],
    'jaeger newest 20 of a service': ['/api/traces', { service: services[0], limit: 20 }],
    'jaeger error=true': ['/api/traces', { service: services[0], tags: '{"error":"true"}', limit: 20 }],
    'jaeger trace by id': [`/api/traces/${traces[0].traceID}`, {}],
    'loki newest 100 lines': ['/loki/api/v1/query_range', { query: `{service_name="${services[0]}"}`, ...ns }],
    'loki needle': ['/loki/api/v1/query_range', { query: `{service_name=~".+"} |= "timeout"`, ...ns }],
    'loki count by level': ['/loki/api/v1/query_range', { query: 'sum by (detected_level) (count_over_time({service_name=~".+"}[1m]))', step: 15, ...ns }],
    'prometheus instant sum': ['/api/v1/query', { query: `sum(${counter})`, time: to }],
    'prometheus rate range': ['/api/v1/query_range', { query: `sum by (job) (rate(${counter}[1m]))`, start: from, end: to, step: 5 }],
    'prometheus quantile': ['/api/v1/query', { query: `histogram_quantile(0.99, sum by (le) (rate(${bucket}[1m])))`, time: to }],
    'prometheus labels': ['/api/v1/labels', {}],
  };
  console.log(`over ${Object.entries(summary.signals).map(([s, v]) => `${v.acknowledged.items} ${s}`).join(', ')}`);
  for (const [name, [path, params]] of Object.entries(queries)) {
    const times = [], before = await cpu();
    let last;
    for (let i = 0; i < 10; i++) {
      const t = performance.now();
      last = await weir.query(path, params);
      times.push(performance.now() - t);
    }
    const used = ((await cpu()) - before) / 10;
    times.sort((a, b) => a - b);
    console.log(`${name.padEnd(30)} median ${times[5].toFixed(1).padStart(8)} ms   slowest ${times[9].toFixed(1).padStart(8)} ms   CPU ${used.toFixed(1).padStart(7)} ms   ${last.status} ${last.text.length} bytes`);
  }
  await weir.stop();
} finally {
  weir.killAll();
}
