// The files under deploy/: they parse, the configuration in them is one that weir takes, with the environment and the memory each container
// has, ports and probes are those of weir's defaults, and the Dockerfile's parts exist. No image is built here and no cluster asked.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import YAML from 'yaml';
import { plainBinary, run, temporaryFolder } from '../harness/weir.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file) => readFileSync(join(root, file), 'utf8');
const parse = (text, what) => YAML.parseAllDocuments(text, { merge: true }).map((d) => {
  assert.deepEqual(d.errors, [], what);
  return d.toJS();
});

// The ports of the options' defaults: { "admin.endpoint": 9090, ... }
async function defaultPorts() {
  const { stdout } = await run(plainBinary, ['check-config', '--reference']);
  return Object.fromEntries([...stdout.matchAll(/^\| `([a-z.]+\.endpoint)` \| `[A-Z_]+` \| `127\.0\.0\.1:(\d+)`/gm)].map((m) => [m[1], Number(m[2])]));
}
const portsOf = {
  'storage-writer': ['clickhouse.endpoint', 'admin.endpoint'],
  collector: ['receive.grpc.endpoint', 'receive.http.endpoint', 'admin.endpoint'],
  'query-api': ['query.endpoint', 'admin.endpoint'],
};
const bytes = (text) => {
  const [, n, unit] = /^(\d+)([a-zA-Z]*)$/.exec(text);
  return Number(n) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase().replace('i', ''));
};

// weir takes this configuration in an environment and with a limit of memory; resolves to what is in force.
async function checkConfig(text, env, memory, what) {
  const dir = temporaryFolder();
  const file = join(dir, 'weir.yaml');
  writeFileSync(file, text);
  const given = { ...env, WEIR_MEMORY_LIMIT: String(memory) };
  if (given.WEIR_STORE_PASSWORD_FILE) {
    given.WEIR_STORE_PASSWORD_FILE = join(dir, 'password');
    writeFileSync(given.WEIR_STORE_PASSWORD_FILE, 'x\n');
  }
  const r = await run(plainBinary, ['check-config', '--config', file], { env: { PATH: process.env.PATH, ...given } });
  assert.equal(r.code, 0, `${what}: ${r.stderr}`);
  assert.equal(r.stderr, '', what);
  return parse(r.stdout, what)[0];
}

function checkEndpoints(config, name, ports, containerPorts, what) {
  assert.deepEqual([...containerPorts].sort(), portsOf[name].filter((o) => containerPorts.includes(ports[o]) || config['store.url'] === '' || o !== 'clickhouse.endpoint').map((o) => ports[o]).sort(), what);
  for (const option of portsOf[name]) assert.equal(config[option], `:${ports[option]}`, `${what}: ${option}`);
}

const interpolate = (text, env) => text.replace(/\$\{([A-Z_]+)(:[-?])([^}]*)\}/g, (_, name, kind, rest) => {
  if (env[name]) return env[name];
  assert.equal(kind, ':-', `${name} has no default`);
  return rest;
});

for (const [file, env] of [['docker-compose.yaml', {}], ['docker-compose.clickhouse.yaml', { CLICKHOUSE_URL: 'http://clickhouse:8123' }]])
  test(`${file} starts three services with options that weir takes`, async () => {
    const ports = await defaultPorts();
    const [compose] = parse(interpolate(read(`deploy/${file}`), env), file);
    assert.deepEqual(Object.keys(compose.services).sort(), Object.keys(portsOf).sort());
    for (const [name, s] of Object.entries(compose.services)) {
      const what = `${file}: ${name}`;
      assert.deepEqual(s.command, [name], what);
      assert.ok(existsSync(join(root, 'deploy', s.build.context, s.build.dockerfile)), what);
      assert.ok(s.read_only && s.user === '10001:10001' && s.cap_drop.includes('ALL'), what);
      const config = await checkConfig(read('deploy/weir.yaml'), s.environment ?? {}, bytes(s.mem_limit), what);
      const embedded = name === 'storage-writer' && !config['store.url'];
      assert.equal((s.volumes ?? []).some((v) => v.endsWith(`:${config['data.dir']}`)), embedded || name === 'collector', `${what}: a volume for what it keeps`);
      const shown = (s.ports ?? []).map((p) => p.split(':').slice(-2)).concat((s.expose ?? []).map((p) => [p, p]));
      for (const [outside, inside] of shown) assert.equal(outside, inside, what);
      checkEndpoints(config, name, ports, [...shown.map(([, p]) => Number(p)), ports['admin.endpoint']], what);
      for (const v of s.volumes ?? []) assert.ok(v.split(':')[0] in compose.volumes, what);
      for (const secret of s.secrets ?? []) assert.equal(s.environment.WEIR_STORE_PASSWORD_FILE, `/run/secrets/${secret}`, what);
    }
  });

for (const file of ['embedded.yaml', 'clickhouse.yaml'])
  test(`kubernetes/${file} has workloads with options that weir takes, and services that find them`, async () => {
    const ports = await defaultPorts();
    const all = parse(read(`deploy/kubernetes/${file}`), file);
    for (const o of all) {
      assert.ok(o.apiVersion && o.kind && o.metadata?.name, JSON.stringify(o));
      if (o.kind !== 'Namespace') assert.equal(o.metadata.namespace, 'weir', o.metadata.name);
    }
    const find = (kind, name) => all.find((o) => o.kind === kind && o.metadata.name === name);
    const workloads = all.filter((o) => o.kind === 'StatefulSet' || o.kind === 'Deployment');
    assert.deepEqual(workloads.map((w) => w.metadata.name).sort(), Object.keys(portsOf).sort());
    const configText = find('ConfigMap', 'weir').data['weir.yaml'];
    assert.equal(configText, read('deploy/weir.yaml'), 'the ConfigMap is deploy/weir.yaml');
    for (const w of workloads) {
      const name = w.metadata.name, what = `${file}: ${name}`;
      const { spec } = w.spec.template;
      assert.deepEqual(w.spec.selector.matchLabels, { 'app.kubernetes.io/name': name }, what);
      assert.equal(w.spec.template.metadata.labels['app.kubernetes.io/name'], name, what);
      assert.ok(spec.securityContext.runAsNonRoot && spec.securityContext.runAsUser === 10001 && spec.enableServiceLinks === false, what);
      const [c] = spec.containers;
      assert.deepEqual(c.args, [name, '--config', '/etc/weir/weir.yaml'], what);
      assert.ok(c.securityContext.readOnlyRootFilesystem && !c.securityContext.allowPrivilegeEscalation && c.securityContext.capabilities.drop[0] === 'ALL', what);

      const env = Object.fromEntries((c.env ?? []).map((e) => [e.name, e.value ?? find('Secret', e.valueFrom.secretKeyRef.name).stringData[e.valueFrom.secretKeyRef.key]]));
      for (const v of Object.values(env)) assert.equal(typeof v, 'string', what);
      const config = await checkConfig(configText, env, bytes(c.resources.limits.memory), what);
      checkEndpoints(config, name, ports, c.ports.map((p) => p.containerPort), what);
      const admin = c.ports.find((p) => p.containerPort === ports['admin.endpoint']).name;
      for (const [probe, path] of [['startupProbe', '/health'], ['livenessProbe', '/health'], ['readinessProbe', '/ready']]) assert.deepEqual(c[probe].httpGet, { path, port: admin }, what);
      assert.ok(spec.terminationGracePeriodSeconds > parseInt(config['shutdown.timeout']) + 20, what);

      // What is mounted is declared; what is written is on a claim that has room for it.
      const volumes = new Map(spec.volumes.map((v) => [v.name, v]));
      const claims = new Map((w.spec.volumeClaimTemplates ?? []).map((v) => [v.metadata.name, v.spec.resources.requests.storage]));
      for (const m of c.volumeMounts) assert.ok(volumes.has(m.name) || claims.has(m.name), `${what}: ${m.name}`);
      const keeps = name === 'collector' || (name === 'storage-writer' && !config['store.url']);
      assert.equal(c.volumeMounts.some((m) => m.mountPath === config['data.dir'] && claims.has(m.name)), keeps, `${what}: a claim for what it keeps`);
      if (name === 'collector') assert.ok(bytes(claims.get('data')) >= bytes(config['journal.max_size']) + bytes(config['journal.reserve']), what);
      if (env.WEIR_STORE_PASSWORD_FILE) {
        const secret = volumes.get(c.volumeMounts.find((m) => m.mountPath === dirname(env.WEIR_STORE_PASSWORD_FILE)).name).secret.secretName;
        assert.ok(env.WEIR_STORE_PASSWORD_FILE.split('/').at(-1) in find('Secret', secret).stringData, what);
      }
      if (config['store.url'].startsWith('http://storage-writer')) {
        const s = find('Service', 'storage-writer');
        assert.ok(s.spec.ports.some((p) => config['store.url'] === `http://storage-writer:${p.port}`), what);
      }
    }
    for (const s of all.filter((o) => o.kind === 'Service')) {
      const w = workloads.find((o) => o.metadata.name === s.spec.selector['app.kubernetes.io/name']);
      for (const p of s.spec.ports) assert.equal(w.spec.template.spec.containers[0].ports.find((q) => q.name === p.targetPort)?.containerPort, p.port, `${file}: ${s.metadata.name}`);
    }
    for (const o of all.filter((x) => x.kind === 'PodDisruptionBudget')) assert.ok(workloads.some((w) => w.metadata.name === o.spec.selector.matchLabels['app.kubernetes.io/name']));
  });

test('the Dockerfile copies what exists, between stages that are named, and installs what the binary links', async () => {
  const lines = read('deploy/Dockerfile').replace(/\\\n/g, ' ').split('\n').filter((l) => l.trim() && !l.startsWith('#'));
  const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'ENTRYPOINT', 'CMD'];
  const stages = [];
  const ignored = read('deploy/Dockerfile.dockerignore').trim().split('\n');
  let last = '';
  for (const line of lines) {
    const [word, ...rest] = line.trim().split(/\s+/);
    assert.ok(known.includes(word), line);
    if (word === 'FROM') {
      assert.ok(rest[0] === 'debian:12' && (rest.length === 1 || rest[1] === 'AS'), line);
      stages.push(rest[2] ?? '');
      last = '';
    } else last += `${line}\n`;
    if (word === 'ENTRYPOINT' || word === 'CMD') JSON.parse(rest.join(' '));
    if (word !== 'COPY') continue;
    if (rest[0].startsWith('--from=')) assert.ok(stages.slice(0, -1).includes(rest[0].slice(7)), line);
    else for (const source of rest.slice(0, -1)) {
      assert.ok(existsSync(join(root, source)), line);
      assert.ok(!ignored.includes(source), line);
    }
  }
  // All that CMakeLists.txt names is in the build stage.
  for (const [, folder] of read('CMakeLists.txt').matchAll(/add_subdirectory\((\w+)\)/g)) assert.ok(lines.includes(`COPY ${folder} ${folder}`), folder);
  assert.ok(read('dev').includes('cmd_libchdb()'));

  const ports = await defaultPorts();
  assert.deepEqual(/^EXPOSE (.*)$/m.exec(last)[1].split(' ').map(Number).sort(), Object.values(ports).sort());
  const installed = /--no-install-recommends\s+(.*?)\s+&&/.exec(last)[1].split(/\s+/);
  const { stdout } = await run('readelf', ['-d', plainBinary]);
  const needed = [...stdout.matchAll(/NEEDED.*\[(.*)\]/g)].map((m) => m[1]).filter((n) => !/^lib(c|m|gcc_s)\.so|^ld-linux/.test(n));
  assert.ok(needed.length > 5, stdout);
  const owners = await Promise.all(needed.map(async (library) => (await run('dpkg', ['-S', `*/${library}`])).stdout.split(':')[0]));
  assert.deepEqual([...new Set(owners)].filter((p) => !installed.includes(p)), [], 'packages that deploy/Dockerfile has to install in its last stage');
});

