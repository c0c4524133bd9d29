// The ClickHouse HTTP door with clients that nobody here wrote: ClickHouse's own client for Node, and curl. Users, limits, what a reader may do,
// statements that are cut off; and weir run's door, which reads only.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createClient, ClickHouseError } from '@clickhouse/client';
import { authority } from '../harness/certs.mjs';
import { Weir, plainBinary, temporaryFolder, run, until } from '../harness/weir.mjs';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const users = `users:
  default:
    password_sha256: ""
  writer:
    password_sha256: ${sha256('pa:ss wörd')}
  grafana:
    password_sha256: ${sha256('secret')}
    readonly: true
    max_memory: 100MB
    max_execution_time: 10s
    max_rows_to_read: 20000000
    max_result_rows: 1000
    max_concurrent_queries: 1
`;

// Runs as long as it is let, in blocks of ten rows.
const forever = 'SELECT sum(sleepEachRow(0.01)) AS s FROM numbers(100000)';
const slowly = { max_block_size: '10', function_sleep_max_microseconds_per_block: '0' };

test('clients of ClickHouse use the storage-writer', async (t) => {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'users.yaml'), users);
  writeFileSync(join(dir, 'users.csv'), 'a,b\n1,2\n');
  const weir = new Weir({ 'clickhouse.users_file': join(dir, 'users.yaml') }, { dir, shape: 'three' });
  const clients = [];
  const client = (options = {}) => {
    const c = createClient({ url: weir.url('clickhouse', ''), request_timeout: 30000, log: { level: 127 }, ...options });
    clients.push(c);
    return c;
  };
  const rows = async (c, query, more = {}) => (await c.query({ query, format: 'JSONEachRow', ...more })).json();
  const fails = (promise, type, code) =>
    assert.rejects(promise, (e) => e instanceof ClickHouseError && e.type === type && e.code === code ? true : assert.fail(`${type} ${code}, not ${e.type} ${e.code}: ${e.message}`));
  try {
    await weir.startService('storage-writer', plainBinary, {});
    const c = client({ username: 'writer', password: 'pa:ss wörd' });

    await t.test('ping, CREATE, INSERT, SELECT', async () => {
      assert.equal((await c.ping()).success, true);
      assert.equal((await c.ping({ select: true })).success, true);
      await c.command({ query: 'CREATE TABLE numbers_ (n UInt64, s String, m Map(String, String)) ENGINE = MergeTree ORDER BY n' });
      const inserted = await c.insert({ table: 'numbers_', format: 'JSONEachRow', values: [{ n: 1, s: 'one "x"\n', m: { a: 'b' } }, { n: 2, s: 'żółw' }] });
      assert.equal(inserted.executed, true);
      assert.equal(inserted.summary.written_rows, '2');
      assert.deepEqual(await rows(c, 'SELECT * FROM numbers_ ORDER BY n'), [{ n: 1, s: 'one "x"\n', m: { a: 'b' } }, { n: 2, s: 'żółw', m: {} }].map((r) => ({ ...r })));
    });
    await t.test('a stream of 100,000 rows in, and out again', async () => {
      await c.command({ query: 'CREATE TABLE many (n UInt64, s String) ENGINE = MergeTree ORDER BY n' });
      const made = Readable.from((function* () { for (let n = 0; n < 100000; n++) yield { n, s: `row ${n}` }; })(), { objectMode: true });
      await c.insert({ table: 'many', format: 'JSONEachRow', values: made });
      let n = 0, sum = 0;
      for await (const some of (await c.query({ query: 'SELECT n FROM many', format: 'JSONEachRow' })).stream())
        for (const row of some) n++, sum += Number(row.json().n);
      assert.deepEqual([n, sum], [100000, 4999950000]);
    });
    await t.test('compression of both directions', async () => {
      const z = client({ username: 'writer', password: 'pa:ss wörd', compression: { request: true, response: true } });
      await z.insert({ table: 'many', format: 'JSONEachRow', values: Array.from({ length: 5000 }, (_, i) => ({ n: 200000 + i, s: 'packed' })) });
      const answer = await z.query({ query: "SELECT count() AS n FROM many WHERE s = 'packed'", format: 'JSONEachRow' });
      assert.equal(answer.response_headers['content-encoding'], 'gzip');
      assert.deepEqual(await answer.json(), [{ n: 5000 }]);
      await fails(z.query({ query: 'SELECT * FROM nowhere' }), 'UNKNOWN_TABLE', '60');
    });
    await t.test('parameters, settings, database and formats', async () => {
      const r = await rows(c, 'SELECT {a: Array(String)} AS a, {n: UInt8} + 1 AS n, {d: DateTime64(3)} AS d, {nothing: Nullable(String)} AS x', {
        query_params: { a: ["it's", 'a\tb'], n: 41, d: new Date('2026-01-02T03:04:05.678Z'), nothing: null },
      });
      assert.deepEqual(r, [{ a: ["it's", 'a\tb'], n: 42, d: '2026-01-02 03:04:05.678', x: null }]);
      assert.deepEqual(await rows(c, "SELECT getSetting('max_block_size') AS m", { clickhouse_settings: { max_block_size: '77' } }), [{ m: 77 }]);
      const system = client({ username: 'writer', password: 'pa:ss wörd', database: 'system' });
      assert.deepEqual(await rows(system, 'SELECT * FROM one'), [{ dummy: 0 }]);
      assert.equal(await (await c.query({ query: 'SELECT 1 AS a', format: 'CSVWithNames' })).text(), '"a"\n1\n');
      const json = await (await c.query({ query: 'SELECT 1 AS a', format: 'JSON' })).json();
      assert.deepEqual([json.data, json.rows, json.meta], [[{ a: 1 }], 1, [{ name: 'a', type: 'UInt8' }]]);
    });
    await t.test('errors, also after the first rows', async () => {
      await fails(c.query({ query: 'SELEC 1' }), 'SYNTAX_ERROR', '62');
      await fails(c.insert({ table: 'many', format: 'JSONEachRow', values: [{ n: 'x' }] }), 'CANNOT_PARSE_INPUT_ASSERTION_FAILED', '27');
      await fails(c.query({ query: 'SELECT 1', session_id: 's' }), 'NOT_IMPLEMENTED', '48');
      const late = await c.query({
        query: 'SELECT number, throwIf(number = 300000) AS t FROM numbers(1000000)', format: 'JSONEachRow', clickhouse_settings: { max_threads: 1, max_block_size: '1000' },
      });
      await fails((async () => { for await (const some of late.stream()) for (const row of some) row.json(); })(), 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO', '395');
    });
    await t.test('a statement is given up, by leaving and by KILL QUERY', async () => {
      const running = async () => Number((await rows(c, `SELECT count() AS n FROM system.processes WHERE query LIKE 'SELECT sum(sleepEachRow%'`))[0].n);
      const leave = new AbortController();
      const left = assert.rejects(c.query({ query: forever, abort_signal: leave.signal, clickhouse_settings: slowly }), /abort/i);
      await until('it runs', async () => (await running()) === 1);
      leave.abort();
      await left;
      await until('it was cancelled', async () => (await running()) === 0);

      const killed = fails(c.query({ query: forever, query_id: 'mine-1', clickhouse_settings: slowly }), 'QUERY_WAS_CANCELLED', '394');
      await until('it runs', async () => (await running()) === 1);
      await fails(c.query({ query: 'SELECT 1', query_id: 'mine-1' }), 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING', '216');
      const reader = client({ username: 'grafana', password: 'secret' });
      assert.deepEqual(await rows(reader, "KILL QUERY WHERE query_id = 'mine-1'"), [], "a reader does not kill a writer's");
      assert.deepEqual((await rows(c, "KILL QUERY WHERE query_id = 'mine-1' SYNC")).map((r) => [r.kill_status, r.query_id, r.user]), [['finished', 'mine-1', 'writer']]);
      await killed;
    });
    await t.test('users: passwords, reading only, limits', async () => {
      for (const wrong of [{ username: 'writer', password: 'pa' }, { username: 'nobody', password: 'x' }, { username: 'default', password: 'x' }])
        await fails(client(wrong).query({ query: 'SELECT 1' }), 'AUTHENTICATION_FAILED', '516');
      const reader = client({ username: 'grafana', password: 'secret' });
      assert.deepEqual(await rows(reader, 'SELECT count() AS c FROM many WHERE n < 100000'), [{ c: 100000 }]);
      await fails(reader.command({ query: 'DROP TABLE many' }), 'READONLY', '164');
      await fails(reader.insert({ table: 'many', format: 'JSONEachRow', values: [{ n: 1 }] }), 'READONLY', '164');
      for (const outside of ["file('/etc/hostname', 'LineAsString')", "url('http://127.0.0.1:1/', 'LineAsString')"]) {
        await fails(reader.query({ query: `SELECT * FROM ${outside}` }), 'ACCESS_DENIED', '497');
        await fails(c.query({ query: `SELECT * FROM ${outside}` }), 'ACCESS_DENIED', '497');
      }
      await fails(c.command({ query: "CREATE DICTIONARY d (a String, b String) PRIMARY KEY a SOURCE(FILE(path '/etc/hostname' format 'CSV')) LAYOUT(COMPLEX_KEY_DIRECT())" }), 'ACCESS_DENIED', '497');
      await fails(c.command({ query: "CREATE TABLE d (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = s3, endpoint = 'http://127.0.0.1:1/abc/')" }), 'SETTING_CONSTRAINT_VIOLATION', '452');
      await fails(c.query({ query: 'SELECT * FROM default.`' + join(dir, 'users.csv') + '`' }), 'ACCESS_DENIED', '497'); // the engine takes names there for files
      await fails(reader.query({ query: 'SELECT count() FROM numbers(30000000)' }), 'TOO_MANY_ROWS', '158');
      await fails(reader.query({ query: 'SELECT number FROM numbers(5000)' }), 'TOO_MANY_ROWS_OR_BYTES', '396');
      await fails(reader.query({ query: 'SELECT groupArray(number) FROM numbers(20000000)', clickhouse_settings: { max_memory_usage: '50000000' } }), 'MEMORY_LIMIT_EXCEEDED', '241');
      await fails(reader.query({ query: 'SELECT 1', clickhouse_settings: { max_memory_usage: '900000000' } }), 'SETTING_CONSTRAINT_VIOLATION', '452');
      await fails(reader.query({ query: 'SELECT 1 SETTINGS max_rows_to_read = 0' }), 'SETTING_CONSTRAINT_VIOLATION', '452');
      const leave = new AbortController();
      const first = assert.rejects(reader.query({ query: forever, abort_signal: leave.signal, clickhouse_settings: slowly }));
      await until('a second one is refused', () => reader.query({ query: 'SELECT 1' }).then((r) => (r.close(), false), (e) => e.type === 'TOO_MANY_SIMULTANEOUS_QUERIES'));
      leave.abort();
      await first;
      await until('there is room again', () => reader.query({ query: 'SELECT 1' }).then((r) => (r.close(), true), () => false));
    });
    await t.test('curl: credentials three ways, frames, codings, ping', async () => {
      const curl = async (...args) => (await run('curl', ['-sS', '--noproxy', '*', ...args])).stdout;
      const base = weir.url('clickhouse', '/');
      assert.equal(await curl('-u', 'grafana:secret', base, '-d', 'SELECT currentRoles()'), "['weir_read']\n");
      assert.equal(await curl('-H', 'X-ClickHouse-User: grafana', '-H', 'X-ClickHouse-Key: secret', base, '-d', 'SELECT 1'), '1\n');
      assert.equal(await curl(`${base}?user=grafana&password=secret&query=SELECT%202`), '2\n');
      assert.match(await curl('-u', 'grafana:secret', `${base}?user=grafana`, '-d', 'SELECT 1'), /^Code: 516\./);
      assert.equal(await curl(`${base}replicas_status`), 'Ok.\n');
      assert.match(await curl(`${base}?query=DROP%20TABLE%20many`), /^Code: 164\..*method GET implies readonly/s);

      const frames = join(dir, 'frames');
      await curl('-o', frames, `${base}?compress=1`, '-d', 'SELECT number + 900000 AS n, toString(number) AS s FROM numbers(200000) FORMAT Native');
      assert.equal(await curl('--data-binary', `@${frames}`, `${base}?decompress=1&query=INSERT+INTO+many+FORMAT+Native`), '');
      assert.equal(await curl(base, '-d', 'SELECT count(), sum(n) FROM many WHERE n >= 900000'), '200000\t199999900000\n');
      assert.match(await curl('-d', 'INSERT INTO many VALUES (1, 1)', `${base}?decompress=1`), /^Code: 3[63]?\d*\..*is the body compressed/s);

      const packed = join(dir, 'packed');
      for (const [coding, accept] of [['zstd', 'zstd'], ['gzip', 'gzip'], ['deflate', 'deflate'], ['br', 'br'], ['lz4', 'lz4']]) {
        await curl('-o', packed, '-H', `Accept-Encoding: ${accept}`, `${base}?enable_http_compression=1`, '-d', `SELECT 2000000 AS n, '${coding}' AS s FROM numbers(1000) FORMAT CSV`);
        assert.equal(await curl('-H', `Content-Encoding: ${coding}`, '--data-binary', `@${packed}`, `${base}?query=INSERT+INTO+many+FORMAT+CSV`), '', coding);
        assert.equal(await curl(base, '-d', `SELECT count() FROM many WHERE s = '${coding}'`), '1000\n', coding);
      }
      const held = await curl('-i', `${base}?wait_end_of_query=1&send_progress_in_http_headers=1`, '-d', 'SELECT count() FROM many');
      assert.match(held, /x-clickhouse-progress: \{"read_rows":"\d+"/i);
    });
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    for (const c of clients) await c.close();
    weir.killAll();
  }
});

test("weir run's door reads, and does not write", async () => {
  const weir = new Weir({}, { dir: temporaryFolder(), shape: 'one' });
  try {
    await weir.start();
    const ask = async (query) => {
      const r = await fetch(weir.url('clickhouse', '/'), { method: 'POST', body: query });
      return [r.headers.get('x-clickhouse-exception-code'), await r.text()];
    };
    assert.deepEqual(await ask('SELECT count() FROM otel_traces'), [null, '0\n']);
    for (const no of ['DROP TABLE otel_traces', 'INSERT INTO otel_logs (body) VALUES (1)', 'INSERT INTO otel_logs (body) SELECT 1', 'ALTER TABLE otel_logs DELETE WHERE 1'])
      assert.equal((await ask(no))[0], '164', no);
    assert.equal((await ask("SELECT * FROM file('/etc/hostname', 'LineAsString')"))[0], '497');
    await weir.stop();
    await weir.startService('run', plainBinary, { 'clickhouse.readonly': 'false' });
    assert.deepEqual(await ask('CREATE TABLE mine (a Int8) ENGINE = Memory'), [null, '']);
    await weir.stop();
    await weir.startService('run', plainBinary, { 'clickhouse.endpoint': '' });
    assert.equal(weir.processes.run.ready.clickhouse, undefined);
    await weir.stop();
    const ca = authority(), mine = ca.issue('weir');
    await weir.startService('run', plainBinary, { 'clickhouse.endpoint': '127.0.0.1:0', 'clickhouse.tls.cert_file': mine.cert, 'clickhouse.tls.key_file': mine.key });
    const secured = await run('curl', ['-sS', '--noproxy', '*', '--cacert', ca.file, `https://127.0.0.1:${weir.ports.clickhouse}/`, '-d', 'SELECT 1']);
    assert.equal(secured.stdout, '1\n', secured.stderr);
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});
