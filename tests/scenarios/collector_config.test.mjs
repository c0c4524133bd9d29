// A configuration file of the OpenTelemetry Collector's shape: check-config passes one with every kind of processor and exporter, prints its
// pipelines, and says of each broken file what is wrong and where. What check-config passes starts; what it refuses does not start either.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Weir, plainBinary, run, startProcess, temporaryFolder } from '../harness/weir.mjs';

const dir = temporaryFolder();
const file = join(dir, 'w.yaml');
const env = { ...process.env, W_TOKEN: 'abc', W_DIR: dir };
const check = (text, command = 'check-config', more = []) => {
  writeFileSync(file, text);
  return run(plainBinary, [command, '--config', file, ...more], { env });
};

const whole = `
receivers:
  otlp/in:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
        max_recv_msg_size_mib: 16
      http:
        endpoint: 127.0.0.1:0
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 80
    spike_limit_percentage: 15
  resourcedetection:
    detectors: [env, system]
    timeout: 2s
    override: false
  resource:
    attributes:
      - {key: deployment.environment.name, value: "\${env:W_STAGE:-test}", action: upsert}
  attributes/redact:
    include: {match_type: strict, services: [checkout]}
    actions:
      - {key: user.email, action: hash}
      - {key: password, action: delete}
  filter/health:
    error_mode: ignore
    traces:
      span: ['attributes["http.route"] == "/healthz"']
  filter/logs:
    logs:
      log_record: ['severity_number < SEVERITY_NUMBER_INFO']
  probabilistic_sampler:
    sampling_percentage: 25
  redaction:
    allow_all_keys: true
    blocked_values: ['4[0-9]{12}']
  batch:
    send_batch_size: 8192
    send_batch_max_size: 10000
    timeout: 1s
exporters:
  clickhouse:
    retry_on_failure: {initial_interval: 1s, max_interval: 10s, max_tries: 0}
    sending_queue: {num_consumers: 3}
  clickhouse/far:
    endpoint: http://127.0.0.1:1
    database: otel
    username: default
    password: ""
    timeout: 5s
    sending_queue: {block_on_overflow: false}
  otlp/old:
    endpoint: 127.0.0.1:1
    tls: {insecure: true}
    headers: {authorization: "Bearer \${env:W_TOKEN}"}
  otlp_grpc/new:
    endpoint: http://127.0.0.1:1
  otlphttp:
    endpoint: http://127.0.0.1:1
    compression: zstd
  otlp_http/new:
    traces_endpoint: http://127.0.0.1:1/custom
  debug:
    verbosity: basic
  logging/old:
  file:
    path: \${env:W_DIR}/out.jsonl
service:
  telemetry: {logs: {level: info}}
  pipelines:
    traces:
      receivers: [otlp/in]
      processors: [memory_limiter, resourcedetection, attributes/redact, filter/health, probabilistic_sampler, batch]
      exporters: [clickhouse, clickhouse/far, otlp/old, otlp_http/new]
    logs:
      receivers: [otlp/in]
      processors: [memory_limiter, resource, filter/logs, redaction, batch]
      exporters: [clickhouse, otlp_grpc/new, debug, logging/old]
    metrics/all:
      receivers: [otlp/in]
      processors: [memory_limiter, resource, batch]
      exporters: [file, otlphttp]
`;

test('check-config passes a file with every kind of processor and exporter, and weir starts with it', async () => {
  const r = await check(whole);
  assert.equal(r.code, 0, r.stderr);
  assert.equal(r.stderr, '');
  assert.match(r.stdout, /^receive\.grpc\.endpoint: "127\.0\.0\.1:0"$/m);
  assert.match(r.stdout, /^receive\.max_body: 16MiB$/m);
  assert.match(
    r.stdout,
    /^#   traces: otlp -> resourcedetection, attributes\/redact, filter\/health, probabilistic_sampler, batch 8192 -> clickhouse, clickhouse\/far, otlp\/old, otlp_http\/new$/m,
  );
  assert.match(r.stdout, /^#   metrics\/all: otlp -> resource, batch 8192 -> file, otlphttp$/m);
  assert.doesNotMatch(r.stdout, /abc/, 'no secret is printed');
  const weir = new Weir({}, { config: file, env: { W_TOKEN: 'abc', W_DIR: dir } });
  try {
    await weir.start();
    await weir.stop();
  } catch (e) {
    throw weir.explain(e);
  } finally {
    weir.killAll();
  }
});

test('check-config warns of what is defined and not named', async () => {
  const r = await check(whole.replace('exporters: [file, otlphttp]', 'exporters: [otlphttp]'));
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stderr, /^weir check-config: warning: .*w\.yaml:\d+:3: exporters\.file: no pipeline names it$/m);
});

test('a protocol that the receiver does not name has no port', async () => {
  const text = 'receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}\nexporters: {debug: }\n' +
    'service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n';
  writeFileSync(file, text);
  const p = await startProcess(plainBinary, ['collector', '--config', file, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0']);
  p.child.kill('SIGTERM');
  assert.deepEqual(Object.keys(p.ready).sort(), ['admin', 'grpc']);
  assert.equal((await p.exited).code, 0);
});

test('a protocol that the receiver does not name has no port', async () => {
  const text = 'receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}\nexporters: {debug: }\n' +
    'service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}\n';
  writeFileSync(file, text);
  const p = await startProcess(plainBinary, ['collector', '--config', file, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0']);
  p.child.kill('SIGTERM');
  assert.deepEqual(Object.keys(p.ready).sort(), ['admin', 'grpc']);
  assert.equal((await p.exited).code, 0);
});

test('storage-writer takes the same file, and does not look at its pipelines', async () => {
  writeFileSync(file, whole.replace('[file, otlphttp]', '[nothing, defined]'));
  const p = await startProcess(plainBinary,
    ['storage-writer', '--config', file, '--data', temporaryFolder(), '--admin.endpoint=127.0.0.1:0', '--clickhouse.endpoint=127.0.0.1:0'], { env });
  p.child.kill('SIGTERM');
  assert.equal((await p.exited).code, 0);
});

// [what, instead of this line, this, and what is said]
const broken = [
  ['a misspelt section', 'receivers:', 'recievers:', /w\.yaml:2:1: no option "recievers"; did you mean "receivers"\?/],
  ['a misspelt option of weir', 'service:', 'batch: {timeot: 1s}\nservice:', /w\.yaml:\d+:9: no option "batch\.timeot"; did you mean "batch\.timeout"\?/],
  ['a variable that is not set', '${env:W_TOKEN}', '${env:W_NOT_SET}', /w\.yaml:\d+:\d+: the environment variable W_NOT_SET is not set, and no default is given/],
  ['a port that is none', 'endpoint: 127.0.0.1:0\n        max', 'endpoint: 127.0.0.1:99999\n        max', /receive\.grpc\.endpoint: "127\.0\.0\.1:99999" is not host:port/],
  ['a receiver weir does not have', '  otlp/in:\n    protocols', '  zipkin:\n  otlp/in:\n    protocols', /w\.yaml:3:3: receivers\.zipkin: no such receiver/],
  ['an exporter that is not defined', '[file, otlphttp]', '[file, otlphtp]', /w\.yaml:\d+:25: service\.pipelines\.metrics\/all\.exporters\[1\]: no exporter "otlphtp" is defined; did you mean "otlphttp"\?/],
  ['a processor named twice', '[memory_limiter, resource, batch]', '[resource, batch, resource]', /w\.yaml:\d+:37: service\.pipelines\.metrics\/all\.processors\[2\]: "resource" is in this pipeline a second time/],
  ['a pipeline without exporters', 'exporters: [file, otlphttp]', 'exporters: []', /w\.yaml:\d+:5: service\.pipelines\.metrics\/all: a pipeline needs exporters/],
  ['a pipeline of no signal', 'metrics/all:', 'metric/all:', /w\.yaml:\d+:5: service\.pipelines\.metric\/all: a pipeline is called traces, metrics or logs, .*did you mean "metrics"\?/],
  ['an unknown type', '  debug:\n', '  kafka:\n  debug:\n', /w\.yaml:\d+:3: exporters\.kafka: weir has no exporter of the type "kafka"/],
  ['a ClickHouse by its native protocol', 'http://127.0.0.1:1\n    database', 'tcp://db:9000\n    database', /w\.yaml:\d+:15: exporters\.clickhouse\/far\.endpoint: weir speaks ClickHouse's HTTP interface: write http:\/\/db:8123/],
  ['an option of an exporter', 'verbosity: basic', 'verbosty: basic', /w\.yaml:\d+:5: exporters\.debug\.verbosty: no such option; did you mean "verbosity"\?/],
  ['an exporter without its endpoint', 'endpoint: 127.0.0.1:1\n    tls', 'tls', /w\.yaml:\d+:\d+: exporters\.otlp\/old: endpoint is missing/],
  ['a condition that cannot be read', '== "/healthz"', '=== "/healthz"', /w\.yaml:\d+:\d+: processors\.filter\/health\.traces\.span/],
  ['a percentage that is none', 'sampling_percentage: 25', 'sampling_percentage: many', /w\.yaml:\d+:26: processors\.probabilistic_sampler\.sampling_percentage: "many" is not a number/],
  ['a detector weir does not have', '[env, system]', '[env, sytem]', /w\.yaml:\d+:\d+: processors\.resourcedetection\.detectors.*sytem/],
  ['a limit below its spike', 'limit_percentage: 80', 'limit_percentage: 10', /w\.yaml:\d+:29: processors\.memory_limiter\.spike_limit_percentage: not less than the limit/],
  ['a batch larger than its largest', 'send_batch_max_size: 10000', 'send_batch_max_size: 100', /w\.yaml:\d+:26: processors\.batch\.send_batch_max_size: 100 is less than send_batch_size, 8192/],
  ['an extension for which weir has another way', 'service:', 'extensions: {health_check: {}}\nservice:', /w\.yaml:\d+:14: extensions\.health_check: weir answers \/health and \/ready at admin\.endpoint/],
  ['connectors', 'service:', 'connectors: {spanmetrics: {}}\nservice:', /w\.yaml:\d+:1: connectors: weir has no connectors/],
  ['no service', /\nservice:[^]*$/, '\n', /w\.yaml:2:1: receivers, processors and exporters without service\.pipelines/],
  ['a key twice', '  debug:\n', '  debug:\n  file:\n', /w\.yaml:\d+:3: "file" is here a second time/],
];

for (const [what, from, to, said] of broken)
  test(`check-config refuses ${what}, and so does a start`, async () => {
    const text = whole.replace(from, to);
    assert.ok(text !== whole, 'the file has that line');
    for (const command of ['check-config', 'run']) {
      const r = await check(text, command, ['--data', join(dir, 'never')]);
      assert.equal(r.code, 2, `${command}: ${r.stderr}`);
      assert.match(r.stderr, said, command);
    }
  });
