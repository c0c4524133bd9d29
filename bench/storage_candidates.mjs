// Index sets, each on tables of its own: what they add to an insert, to merging down to one part an hour or day, and to the disk, and what
// fixed queries cost with them. A tenth of the day's data over a tenth of the day, so parts are as dense as the whole day's.
import { readFileSync, rmSync } from 'node:fs';
import { sql } from '../tests/harness/sql.mjs';
import { plainBinary, startProcess } from '../tests/harness/weir.mjs';

const pairs = `arrayMap((k, v) -> concat(k, '=', v), mapKeys(span_attributes), mapValues(span_attributes))`;
const add = (table, name, what) => `ALTER TABLE ${table} ADD INDEX ${name} ${what} GRANULARITY 1`;

const text = (table, name, of, tokenizer) => `ALTER TABLE ${table} ADD INDEX ${name} ${of} TYPE text(tokenizer = ${tokenizer})`;

// Every value of a span, as schema/indexes.h has it.
const values = '(arrayConcat(mapValues(span_attributes), mapValues(resource_attributes), mapValues(scope_attributes), ' +
  'arrayFlatten(arrayMap(m -> mapValues(m), `events.attributes`)), arrayFlatten(arrayMap(m -> mapValues(m), `links.attributes`))))';
const noIndex = ['ALTER TABLE otel_logs DROP INDEX level_elsewhere'];
const bare = [...noIndex, 'ALTER TABLE otel_traces DROP PROJECTION by_service'];

const sets = {
  traces: {
    nothing: bare,
    'projection by service': noIndex,
    'projection without duration': [...bare, 'ALTER TABLE otel_traces ADD PROJECTION p (SELECT _part_offset ORDER BY service_name, span_name, timestamp)'],
    'projection, LZ4': [...noIndex, "ALTER TABLE otel_traces MODIFY SETTING default_compression_codec = 'LZ4'"],
    'set on service': [...bare, add('otel_traces', 'i', 'service_name TYPE set(100)')],
    'minmax on time and duration': [...bare, add('otel_traces', 'i', 'timestamp TYPE minmax'), add('otel_traces', 'i2', 'duration_ns TYPE minmax')],
    'bloom on service and operation': [...bare, add('otel_traces', 'i', 'service_name TYPE bloom_filter(0.01)'), add('otel_traces', 'i2', 'span_name TYPE bloom_filter(0.01)')],
    'bloom on attribute keys': [...bare, add('otel_traces', 'i', 'mapKeys(span_attributes) TYPE bloom_filter(0.01)')],
    'bloom on values of spans': [...bare, add('otel_traces', 'i', 'mapValues(span_attributes) TYPE bloom_filter(0.01)')],
    'bloom on values of all maps': [...bare, add('otel_traces', 'i', `${values} TYPE bloom_filter(0.01)`)],
    'text on attribute values': [...bare, text('otel_traces', 'i', 'mapValues(span_attributes)', 'array')],
    'text on attribute pairs': [...bare, text('otel_traces', 'i', pairs, 'array')],
    'the defaults': [],
  },
  logs: {
    nothing: noIndex,
    'minmax on time': [...noIndex, add('otel_logs', 'i', 'timestamp TYPE minmax')],
    'set on severity and service': [...noIndex, add('otel_logs', 'i', 'severity_number TYPE set(25)'), add('otel_logs', 'i2', 'service_name TYPE set(100)')],
    'bloom on trace id': [...noIndex, add('otel_logs', 'i', 'trace_id TYPE bloom_filter(0.01)')],
    'bloom on attribute values': [...noIndex, add('otel_logs', 'i', 'mapValues(log_attributes) TYPE bloom_filter(0.01)')],
    'bloom on words of the body': [...noIndex, add('otel_logs', 'i', 'body TYPE tokenbf_v1(32768, 3, 0)')],
    'bloom on 4-grams of the body': [...noIndex, add('otel_logs', 'i', 'body TYPE ngrambf_v1(4, 16384, 3, 0)')],
    'text on body': [...noIndex, text('otel_logs', 'i', 'body', 'splitByNonAlpha')],
    'text on body, by merges alone': [...noIndex, text('otel_logs', 'i', 'body', 'splitByNonAlpha'), 'indexes by merges'],
    'the defaults': [],
  },
  metrics: {
    nothing: [],
    'minmax on time': [add('otel_metrics', 'i', 'timestamp TYPE minmax')],
    'bloom on series': [add('otel_metrics', 'i', 'series_id TYPE bloom_filter(0.01)')],
  },
};

const newest = (where) => `SELECT trace_id, max(timestamp) AS newest FROM otel_traces WHERE ${where} GROUP BY trace_id ORDER BY newest DESC LIMIT 20`;
// With a hint for each index there may be: one that is not there is no condition.
const has = (key, value) => `span_attributes['${key}'] = '${value}' AND indexHint(has(${values}, '${value}')) AND indexHint(has(mapValues(span_attributes), '${value}')) AND indexHint(has(${pairs}, '${key}=${value}')) AND indexHint(mapContains(span_attributes, '${key}'))`;
const contains = (word) => `position(body, '${word}') > 0 AND indexHint(body LIKE '%${word}%')`;
const lines = (where) => `SELECT timestamp, body FROM otel_logs WHERE ${where} ORDER BY timestamp DESC LIMIT 100`;

const queries = {
  traces: async (query) => {
    const [{ id, value }] = await query(`SELECT hex(trace_id) id, span_attributes['app.order.id'] AS value FROM otel_traces WHERE span_attributes['app.order.id'] != '' LIMIT 1`);
    return {
      'trace by id': `SELECT span_id, timestamp FROM otel_traces WHERE trace_id = unhex('${id}')`,
      'service, operation, duration': newest(`service_name = 'cart' AND span_name = 'GET /api/cart' AND duration_ns > 70000000`),
      'attribute, common': newest(`service_name = 'cart' AND ${has('http.response.status_code', '404')}`),
      'attribute, one span': newest(has('app.order.id', value)),
      'attribute, nowhere': newest(has('app.order.id', 'order-none')),
    };
  },
  logs: async (query) => {
    const [{ word, id }] = await query(`SELECT extract(body, 'order (\\\\w+)') word, hex(trace_id) id FROM otel_logs WHERE body LIKE 'Payment for order%' AND trace_id != toFixedString('', 16) LIMIT 1`);
    return {
      needle: lines(contains(word)),
      'word that is nowhere': lines(contains('nowhere')),
      'common word': lines(contains('Retrying')),
      'service and level': lines(`service_name = 'cart' AND severity_number >= 17`),
      'lines of a trace': lines(`trace_id = unhex('${id}')`),
    };
  },
  metrics: async (query) => {
    const [{ id, name }] = await query(`SELECT series_id id, metric_name name FROM otel_metrics WHERE metric_name = 'http.server.request.count' LIMIT 1`);
    return {
      'one series': `SELECT sum(value + int_value) FROM otel_metrics WHERE metric_name = '${name}' AND series_id = ${id}`,
      'one metric': `SELECT series_id, max(timestamp), sum(value + int_value) FROM otel_metrics WHERE metric_name = '${name}' GROUP BY series_id`,
    };
  },
};

// CPU of the process for a run of a query, in milliseconds.
async function cpuOf(pid, run, n = 10) {
  const used = () => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
  await run();
  const before = used();
  for (let i = 0; i < n; i++) await run();
  return (used() - before) / n;
}

export async function candidates({ scale, makeTables, load, only, temporaryFolder }) {
  const counts = { traces: 2e6, logs: 2e6, metrics: 10e6 };
  const from = (Math.floor(Date.now() / 3600e3) - 4) * 3600;
  for (const [signal, list] of Object.entries(sets)) {
    const table = `otel_${signal}`;
    for (const [name, first] of Object.entries(list)) {
      if (!`${signal}: ${name}`.includes(only)) continue;
      const dir = temporaryFolder();
      await makeTables(dir);
      const r = load(dir, signal, { n: counts[signal] * scale, from, seconds: 8640 * scale, series: 17361, sql: [`SYSTEM STOP MERGES`, ...first, 'after SYSTEM START MERGES', `after OPTIMIZE TABLE ${table} FINAL`] });
      const us = (ms) => ((ms * 1000) / r.items).toFixed(2).padStart(6);
      const p = await startProcess(plainBinary, ['storage-writer', '--data', dir, '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0']);
      try { // what was found before must not be remembered
        const query = (text) => sql(p.ready.clickhouse, `${text} SETTINGS use_query_condition_cache = 0`);
        const bytes = async (from, what, and = '') => Number((await sql(p.ready.clickhouse, `SELECT sum(${what}) n FROM ${from} WHERE database = 'weir' AND table = '${table}'${and}`))[0].n) / r.items;
        const all = await bytes('system.parts', 'bytes_on_disk', ' AND active'), index = await bytes('system.data_skipping_indices', 'data_compressed_bytes + marks_bytes'),
          projection = await bytes('system.projection_parts', 'bytes_on_disk', ' AND active');
        const times = [];
        for (const [what, text] of Object.entries(await queries[signal](query))) times.push(`${what} ${(await cpuOf(p.child.pid, () => query(text))).toFixed(0)}`);
        console.log(`${signal.padEnd(7)} ${name.padEnd(31)} insert ${us(r.insert)} merge ${us(r.after)} core-us/item  ${all.toFixed(2).padStart(6)} bytes/item (index ${index.toFixed(2)}, projection ${projection.toFixed(2)})  CPU ms of queries: ${times.join(', ')}`);
      } finally {
        p.child.kill('SIGTERM');
        await p.exited;
        rmSync(dir, { recursive: true, force: true });
      }
    }
  }
}
