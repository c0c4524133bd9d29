// Resource detection by the running program: metadata servers of three clouds on loopback, and one that accepts and never answers. What was detected is on the stored resources.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Weir, temporaryFolder } from '../harness/weir.mjs';
import { withStoredRows } from '../harness/sql.mjs';
import { exportJson, logRequest } from '../harness/otlp.mjs';

const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
const url = (server) => `http://127.0.0.1:${server.address().port}`;

// answer(method, path, headers) -> text, or null for 404
const metadata = (answer) => listening(http.createServer((req, res) => {
  const text = answer(req.method, req.url, req.headers);
  res.writeHead(text === null ? 404 : 200, { 'Metadata-Flavor': 'Google' });
  res.end(text ?? '');
}));

const identity = { accountId: '4711', region: 'eu-west-1', availabilityZone: 'eu-west-1b', instanceId: 'i-0abc', imageId: 'ami-1', instanceType: 'm7.large' };
const ec2 = () => metadata((method, path, headers) => {
  if (method === 'PUT') return path === '/latest/api/token' && headers['x-aws-ec2-metadata-token-ttl-seconds'] ? 'the-token' : null;
  if (headers['x-aws-ec2-metadata-token'] !== 'the-token') return null;
  if (path === '/latest/dynamic/instance-identity/document') return JSON.stringify(identity);
  return path === '/latest/meta-data/hostname' ? 'ip-10-0-0-1.ec2.internal' : null;
});
const gcp = () => metadata((method, path, headers) => {
  if (headers['metadata-flavor'] !== 'Google') return null;
  return { '/computeMetadata/v1/project/project-id': 'acme', '/computeMetadata/v1/instance/zone': 'projects/1/zones/europe-west4-a',
    '/computeMetadata/v1/instance/id': '99', '/computeMetadata/v1/instance/name': 'vm-1', '/computeMetadata/v1/instance/machine-type': 'projects/1/machineTypes/n2' }[path] ?? null;
});
const azure = () => metadata((method, path, headers) => headers.metadata === 'True' || headers.metadata === 'true'
  ? JSON.stringify({ location: 'westeurope', subscriptionId: 'sub', vmId: 'vm-id', name: 'vm', vmSize: 'D2', resourceGroupName: 'rg', vmScaleSetName: '' }) : null);

// The resource attributes that a log record has in the store, and weir's log.
async function detected(processor) {
  const dir = temporaryFolder(), config = join(temporaryFolder(), 'w.yaml');
  writeFileSync(config, `
receivers: {otlp: {protocols: {grpc: , http: }}}
processors:
  resourcedetection: ${JSON.stringify(processor)}
exporters: {clickhouse: }
service: {pipelines: {logs: {receivers: [otlp], processors: [resourcedetection], exporters: [clickhouse]}}}
`);
  const weir = new Weir({}, { dir, config, shape: 'one', env: { OTEL_RESOURCE_ATTRIBUTES: 'rack=r7,cloud.region=said' } });
  try {
    await weir.start();
    assert.equal((await exportJson(weir, 'logs', logRequest(['hello']))).status, 200);
    await weir.flush();
    await weir.stop();
    let attributes = null;
    await withStoredRows(dir, {}, async (sql) => ([{ attributes }] = await sql('SELECT resource_attributes attributes FROM otel_logs')));
    return { attributes, log: weir.started[0][1].log };
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
}
const has = (attributes, wanted) => assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((k) => [k, attributes[k]])), wanted);

test('EC2 and the system: the first detector that knows an attribute wins', async () => {
  const server = await ec2();
  try {
    const { attributes } = await detected({ detectors: ['ec2', 'env', 'system'], ec2: { endpoint: url(server) }, system: { hostname_sources: ['os'] } });
    has(attributes, { 'cloud.provider': 'aws', 'cloud.platform': 'aws_ec2', 'cloud.region': 'eu-west-1', 'cloud.account.id': '4711', 'cloud.availability_zone': 'eu-west-1b',
      'host.id': 'i-0abc', 'host.type': 'm7.large', 'host.image.id': 'ami-1', 'host.name': 'ip-10-0-0-1.ec2.internal', 'os.type': 'linux', rack: 'r7' });
    const other = await detected({ detectors: ['env', 'system', 'ec2'], ec2: { endpoint: url(server) }, system: { hostname_sources: ['os'] } });
    has(other.attributes, { 'cloud.region': 'said', 'host.name': hostname(), 'host.id': 'i-0abc' });
  } finally {
    server.close();
  }
});

test('Compute Engine and Azure', async () => {
  const servers = [await gcp(), await azure()];
  try {
    has((await detected({ detectors: ['gcp'], gcp: { endpoint: url(servers[0]) } })).attributes, {
      'cloud.provider': 'gcp', 'cloud.platform': 'gcp_compute_engine', 'cloud.account.id': 'acme', 'cloud.availability_zone': 'europe-west4-a', 'cloud.region': 'europe-west4',
      'host.id': '99', 'host.name': 'vm-1', 'host.type': 'n2' });
    has((await detected({ detectors: ['azure'], azure: { endpoint: url(servers[1]) } })).attributes, {
      'cloud.provider': 'azure', 'cloud.region': 'westeurope', 'cloud.account.id': 'sub', 'host.id': 'vm-id', 'azure.vm.size': 'D2', 'azure.resourcegroup.name': 'rg' });
  } finally {
    servers.forEach((s) => s.close());
  }
});

test('a metadata server that never answers is left, and the others count', async () => {
  const silent = await listening(net.createServer(() => {}));
  try {
    const { attributes, log } = await detected({ detectors: ['ec2', 'system'], timeout: '300ms', ec2: { endpoint: url(silent) }, system: { hostname_sources: ['os'] } });
    has(attributes, { 'host.name': hostname(), 'cloud.provider': undefined });
    assert.ok(log.some((l) => /level=warn/.test(l) && /ec2/.test(l)), 'a warning says which');
  } finally {
    silent.close();
  }
});
