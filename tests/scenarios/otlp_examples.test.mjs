// OTLP's own examples go in as JSON and as protobuf bytes and come out equal: what is stored is what the example says, in both encodings,
// and the trace and the log line come back through Jaeger and Loki. Skips where the conformance data is absent.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { temporaryFolder, withWeir } from '../harness/weir.mjs';
import { exportJson } from '../harness/otlp.mjs';
import { withStoredRows } from '../harness/sql.mjs';
import { expectedLogs, expectedMetrics, expectedTraces, select } from '../harness/stored.mjs';

const conformance = process.env.WEIR_CONFORMANCE || fileURLToPath(new URL('../../../shared/conformance', import.meta.url));
const folder = join(conformance, 'otlp/examples');
const skip = existsSync(folder) ? false : `no conformance data at ${folder} (set WEIR_CONFORMANCE)`;
const files = { trace: 'traces', logs: 'logs', events: 'logs', metrics: 'metrics' };
const keep = { 'retention.traces': '7300d', 'retention.logs': '7300d', 'retention.metrics': '7300d' }; // the examples are of 2018

for (const encoding of ['json', 'protobuf']) {
  test(`the OTLP examples come out as they went in, sent as ${encoding}`, { skip }, async () => {
    const requests = Object.fromEntries(Object.keys(files).map((f) => [f, JSON.parse(readFileSync(join(folder, `${f}.json`)))]));
    const dir = temporaryFolder();
    await withWeir(keep, async (weir) => {
      for (const [file, signal] of Object.entries(files)) {
        const r = await exportJson(weir, signal, encoding === 'json' ? requests[file] : readFileSync(join(folder, `${file}.pb`)), { gzip: file === 'logs' });
        assert.equal(r.status, 200, `${file}: ${r.bytes}`);
        assert.equal(r.bytes.toString(), encoding === 'json' ? '{}' : '', 'full success: nothing is rejected');
      }
      await weir.flush();
      const span = requests.trace.resourceSpans[0].scopeSpans[0].spans[0];
      const trace = await weir.query(`/api/traces/${span.traceId.toLowerCase()}`);
      assert.equal(trace.json.data[0].spans[0].operationName, span.name);
      const time = 1544712660;
      const lines = await weir.query('/loki/api/v1/query_range', { query: '{service_name="my.service"} |= "log record"', start: time - 60, end: time + 60 });
      assert.deepEqual(lines.json.data.result.map((s) => s.values.map((v) => v[1])), [['Example log record']]);
    }, { dir });
    await withStoredRows(dir, keep, async (query) => {
      assert.deepEqual(await query(select.traces), expectedTraces(requests.trace));
      const logs = [...expectedLogs(requests.logs), ...expectedLogs(requests.events)];
      const byBody = (a, b) => (a.body < b.body ? -1 : 1);
      assert.deepEqual((await query(select.logs)).sort(byBody), logs.sort(byBody));
      assert.deepEqual(await query(select.metrics), expectedMetrics(requests.metrics));
    });
  });
}
