// A real Prometheus (Debian's package) scrapes weir's /federate, and tells the samples as weir has them, job, instance and time included.
import test from 'node:test';
import assert from 'node:assert/strict';
import { until, withWeir } from '../harness/weir.mjs';
import { exportJson } from '../harness/otlp.mjs';
import { startPrometheus } from '../harness/prometheus.mjs';

const seconds = Math.floor(Date.now() / 1000) - 30;
const attribute = (key, stringValue) => ({ key, value: { stringValue } });
const request = {
  resourceMetrics: [
    {
      resource: { attributes: [attribute('service.name', 'federated'), attribute('service.instance.id', 'i1')] },
      scopeMetrics: [{ metrics: [{ name: 'temperature', unit: 'Cel', gauge: { dataPoints: [1, 2].map((i) => ({ timeUnixNano: `${seconds + i}000000000`, asDouble: 20.5 + i, attributes: [attribute('room', 'a "b"')] })) } }] }],
    },
  ],
};

test('a Prometheus that scrapes /federate has the samples of weir', async () => {
  await withWeir({}, async (weir) => {
    assert.equal((await exportJson(weir, 'metrics', request)).status, 200);
    await weir.flush();
    const target = `127.0.0.1:${weir.ports.query}`;
    const text = await (await fetch(`http://${target}/federate?match[]=temperature_celsius`)).text();
    assert.equal(text, `# TYPE temperature_celsius untyped\ntemperature_celsius{instance="i1",job="federated",room="a \\"b\\""} 22.5 ${seconds + 2}000\n`);
    const none = await fetch(`http://${target}/federate`);
    assert.deepEqual([none.status, await none.text()], [400, 'no match[] parameter provided\n']);

    const prometheus = await startPrometheus(`scrape_configs:
- { job_name: federate, honor_labels: true, scrape_interval: 1s, scrape_timeout: 1s, metrics_path: /federate, params: { 'match[]': ['{job="federated"}'] }, static_configs: [{ targets: ['${target}'] }] }
`);
    try {
      let result;
      await until('Prometheus has scraped', async () => (result = (await prometheus.query('temperature_celsius[10m]')).result[0]));
      assert.deepEqual(result, { metric: { __name__: 'temperature_celsius', instance: 'i1', job: 'federated', room: 'a "b"' }, values: [[seconds + 2, '22.5']] });
    } finally {
      await prometheus.stop();
    }
  });
});
