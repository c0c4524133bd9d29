// A short run of tests/differential against Debian's Prometheus: random queries over random data have the same answers.
import test from 'node:test';
import assert from 'node:assert/strict';
import { differential } from '../differential/run.mjs';

test('200 random queries are answered as Prometheus answers them', async () => {
  const result = await differential({ seed: 20261123, queries: 200 });
  assert.deepEqual(result.failures, []);
  assert.ok(result.empty + result.errors < result.queries / 2, `${result.empty} empty answers, ${result.errors} errors`);
});
