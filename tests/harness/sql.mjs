// SQL against the stored rows, to check what no API shows: at the ClickHouse door of a running process, or, after weir has stopped, by a
// storage-writer on the same data folder.
import { startProcess, plainBinary } from './weir.mjs';

export async function sql(port, text) {
  const r = await fetch(`http://127.0.0.1:${port}/?default_format=JSONEachRow&output_format_json_quote_64bit_integers=0`, { method: 'POST', body: text });
  const body = await r.text();
  if (!r.ok) throw new Error(body);
  return body.split('\n').filter(Boolean).map((l) => JSON.parse(l));
}

// Opens the data folder of a stopped weir: fn(query) with query(text) -> rows.
export async function withStoredRows(dir, options, fn) {
  const args = ['storage-writer', '--data', dir, '--clickhouse.endpoint=127.0.0.1:0', '--admin.endpoint=127.0.0.1:0'];
  const p = await startProcess(plainBinary, [...args, ...Object.entries(options).map(([k, v]) => `--${k}=${v}`)]);
  try {
    await fn((text) => sql(p.ready.clickhouse, text));
  } finally {
    p.child.kill('SIGTERM');
    await p.exited;
  }
}
