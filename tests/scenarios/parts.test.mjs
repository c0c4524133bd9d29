// A collector apart from the storage-writer hears how many parts the tables have, and waits for wider blocks as `weir run` does.
import test from 'node:test';
import { Weir, until } from '../harness/weir.mjs';
import { sql } from '../harness/sql.mjs';

test('a collector apart hears how many parts a partition of its store has', async () => {
  const between = async (port) => { // before the collector starts: it asks once in ten seconds
    await sql(port, 'SYSTEM STOP MERGES weir.otel_logs');
    await sql(port, `INSERT INTO weir.otel_logs (timestamp, service_name) SELECT toDateTime(toDate(now()) - 1), 's' FROM numbers(5)
      SETTINGS max_block_size = 1, max_insert_block_size = 1, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1, max_threads = 1, max_insert_threads = 1`);
    return port;
  };
  const weir = new Weir({}, { shape: 'three', between });
  try {
    await weir.start();
    await until('the collector knows', async () => (await weir.metrics())['weir_store_parts_per_partition_max{table="otel_logs"}'] === 5, { seconds: 60 });
  } finally {
    await weir.stop();
  }
});
