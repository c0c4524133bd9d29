// The storage-writer's ClickHouse HTTP door, as a ClickHouse client with nothing but HTTP uses it: ping, INSERT FORMAT JSONEachRow, SELECT in
// several formats with parameters, and the headers of errors. (tests/engine has the details; this is the binary.)
import test from 'node:test';
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { Weir, plainBinary, temporaryFolder } from '../harness/weir.mjs';
import { sql } from '../harness/sql.mjs';

test('the storage-writer answers as a ClickHouse server', async (t) => {
  const weir = new Weir({}, { dir: temporaryFolder(), shape: 'three' });
  try {
    await weir.startService('storage-writer', plainBinary, {});
    const ask = async (params, body, headers = {}) => {
      const r = await fetch(`${weir.url('clickhouse', '/')}?${new URLSearchParams(params)}`, { method: body === undefined ? 'GET' : 'POST', body, headers });
      return { status: r.status, headers: r.headers, text: await r.text() };
    };
    const time = Date.now();
    const rows = ['one', 'two "quoted"', 'three\tand a tab'].map((body, i) => ({ service_name: 'door', timestamp: `${Math.floor(time / 1000)}.00000000${i + 1}`, body }));
    const insert = (token) => ask({ query: 'INSERT INTO otel_logs FORMAT JSONEachRow', insert_deduplication_token: token }, rows.map((r) => JSON.stringify(r)).join('\n'));

    await t.test('ping', async () => {
      const r = await fetch(weir.url('clickhouse', '/ping'));
      assert.deepEqual([r.status, await r.text()], [200, 'Ok.\n']);
      assert.equal((await (await fetch(weir.url('clickhouse', '/'))).text()), 'Ok.\n');
    });
    await t.test('INSERT FORMAT JSONEachRow; the same token again stores nothing', async () => {
      for (let i = 0; i < 2; i++) {
        const r = await insert('token-1');
        assert.deepEqual([r.status, r.text], [200, ''], r.text);
      }
      const r = await ask({ query: "SELECT count() FROM otel_logs WHERE service_name = 'door'" });
      assert.equal(r.text, '3\n');
    });
    await t.test('SELECT in several formats, with parameters', async () => {
      const query = 'SELECT body FROM otel_logs WHERE service_name = {service:String} AND startsWith(body, {start:String}) ORDER BY timestamp';
      const select = (format, start = 't', more = {}) => ask({ query: `${query} FORMAT ${format}`, param_service: 'door', param_start: start, ...more });
      assert.equal((await select('TabSeparated')).text, 'two "quoted"\nthree\\tand a tab\n');
      assert.equal((await select('CSV')).text, '"two ""quoted"""\n"three\tand a tab"\n');
      assert.equal((await select('JSONEachRow', 'one')).text, '{"body":"one"}\n');
      const json = await select('JSON', 'one', { query_id: 'mine' });
      assert.deepEqual(JSON.parse(json.text).data, [{ body: 'one' }]);
      assert.equal(json.headers.get('content-type'), 'application/json; charset=UTF-8');
      assert.equal(json.headers.get('x-clickhouse-format'), 'JSON');
      assert.equal(json.headers.get('x-clickhouse-query-id'), 'mine');
      const native = await fetch(`${weir.url('clickhouse', '/')}?${new URLSearchParams({ query: 'SELECT toUInt8(7) AS n FORMAT Native' })}`);
      assert.equal(Buffer.from(await native.arrayBuffer()).toString('hex'), '0101016e0555496e743807');
      assert.equal((await select('TabSeparated', "' OR 1 = 1 --")).text, '', 'a parameter is a value');
    });
    await t.test('errors: code, header and status', async () => {
      const missing = await ask({ query: 'SELECT * FROM nowhere' });
      assert.deepEqual([missing.status, missing.headers.get('x-clickhouse-exception-code')], [404, '60']);
      assert.match(missing.text, /^Code: 60\. DB::Exception: .*\(UNKNOWN_TABLE\)/s);
      const syntax = await ask({}, 'SELEC 1');
      assert.deepEqual([syntax.status, syntax.headers.get('x-clickhouse-exception-code')], [400, '62']);
      const bad = await ask({ query: 'INSERT INTO otel_logs FORMAT JSONEachRow' }, '{"timestamp": "not a time"}');
      assert.equal(bad.status, 400, bad.text);
      assert.match(bad.headers.get('x-clickhouse-exception-code'), /^\d+$/);
      const unset = await ask({ query: 'SELECT {x:String}' });
      assert.ok(unset.status >= 400);
      assert.equal(unset.headers.get('x-clickhouse-exception-code'), '456');
    });
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});

// The engine writes an insert's token and then puts its part in place. Killed between the two it would take the next try for a duplicate of rows
// that are not there: made here by taking a part away from a killed storage-writer.
test('an insert that a SIGKILL cut off after its token is taken when it comes again', async () => {
  const weir = new Weir({}, { dir: temporaryFolder(), shape: 'three' });
  try {
    await weir.startService('storage-writer', plainBinary, {});
    const time = Math.floor(Date.now() / 1000);
    const insert = async (token) => {
      const r = await fetch(`${weir.url('clickhouse', '/')}?${new URLSearchParams({ query: 'INSERT INTO otel_logs FORMAT JSONEachRow', insert_deduplication_token: token })}`,
        { method: 'POST', body: JSON.stringify({ service_name: 'cut', timestamp: `${time}.0`, body: token }) });
      assert.equal(r.status, 200, await r.text());
    };

    await insert('kept');
    await insert('cut off');
    const parts = await sql(weir.ports.clickhouse, "SELECT path FROM system.parts WHERE table = 'otel_logs' AND active ORDER BY min_block_number");
    assert.equal(parts.length, 2);
    await weir.kill('storage-writer');
    rmSync(parts[1].path, { recursive: true });
    await weir.restart('storage-writer');
    await insert('kept');
    await insert('cut off');
    assert.deepEqual(await sql(weir.ports.clickhouse, "SELECT body FROM otel_logs WHERE service_name = 'cut' ORDER BY body"), [{ body: 'cut off' }, { body: 'kept' }]);
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});
