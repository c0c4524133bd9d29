// End to end in: weir run with the durable journal, loadgen beside it on the same machine. For each signal: items a second, core-microseconds an
// item (CPU of the weir process, engine and merges included until they are quiet; loadgen's own apart), resident memory, bytes an item on disk.
//
//   BENCH_SECONDS (20), BENCH_SIGNALS (traces,logs,metrics), BENCH_RATE (0: as fast as it is let)
import { Weir, temporaryFolder } from '../tests/harness/weir.mjs';
import { startLoadgen } from '../tests/harness/loadgen.mjs';
import { withStoredRows } from '../tests/harness/sql.mjs';

const seconds = Number(process.env.BENCH_SECONDS || 20);
const rate = process.env.BENCH_RATE || '0';
const signals = (process.env.BENCH_SIGNALS || 'traces,logs,metrics').split(',');
const tables = {
  traces: ['otel_traces', 'otel_trace_index', 'otel_span_names'],
  logs: ['otel_logs', 'otel_log_streams'],
  metrics: ['otel_metrics', 'otel_metric_series', 'otel_metric_exemplars'],
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpu = async (weir) => (await weir.metrics()).weir_process_cpu_milliseconds;

// Until the process uses less than 3 % of a core over two seconds: merges have ended.
async function quiet(weir) {
  for (let before = await cpu(weir), i = 0; i < 60; i++) {
    await pause(2000);
    const now = await cpu(weir);
    if (now - before < 60) return now;
    before = now;
  }
  return cpu(weir);
}

for (const signal of signals) {
  const weir = new Weir({}, { dir: temporaryFolder(), shape: 'one' });
  try {
    await weir.start();
    const before = await quiet(weir);
    const load = startLoadgen(['--endpoint', `127.0.0.1:${weir.ports.grpc}`, '--rate', rate, '--signals', signal, '--duration', `${seconds}s`, '--seed', '1', '--batch', '1000', '--series', '10000']);
    const began = Date.now();
    const summary = await load.done;
    await weir.flush();
    const storedAfter = (Date.now() - began) / 1000;
    const used = (await quiet(weir)) - before;
    const m = await weir.metrics();
    const items = m[`weir_stored_items_total{signal="${signal}"}`];
    await weir.stop();
    await withStoredRows(weir.dir, {}, async (query) => {
      const names = tables[signal].map((t) => `'${t}'`).join(',');
      const [size] = await query(`SELECT sum(bytes_on_disk) bytes, count() parts FROM system.parts WHERE active AND database = 'weir' AND table IN (${names})`);
      const per = Number(size.bytes) / items;
      console.log(`${signal.padEnd(8)} ${Math.round(items / storedAfter).toLocaleString('en')} items/s  ${((used * 1000) / items).toFixed(2)} core-us/item  ` +
        `${per.toFixed(1)} bytes/item on disk (${size.parts} parts)  RSS ${Math.round(m.process_resident_memory_bytes / 1048576)} MiB  ` +
        `acknowledged ${summary.signals[signal].acknowledged.items.toLocaleString('en')}  p99 ${summary.signals[signal].latency_ms.p99} ms`);
    });
  } finally {
    weir.killAll();
  }
}
