// An object store in this process: s3rver from npm behind a listener that can be closed and opened again. s3rver knows keys but does not
// check signatures of version 4, so the listener does.
import http from 'node:http';
import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import S3rver from 's3rver';
import AWSAccount from 's3rver/lib/models/account.js';
import { temporaryFolder } from './weir.mjs';

export const accessKeyId = 'AKIAWEIRTESTEXAMPLE1';
export const secretAccessKey = 'vErYsEcReT0123456789abcdefghijklmnopqrst';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

// "Signature calculations for the Authorization header", Amazon S3 API reference.
function isSigned({ method, url, headers }) {
  const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '');
  if (!m || m[1] !== accessKeyId) return false;
  const [, , date, region, names, signature] = m;
  const { pathname, searchParams } = new URL(url, 'http://h');
  const query = [...searchParams].map(([k, v]) => `${encode(k)}=${encode(v)}`).sort().join('&');
  const path = decodeURIComponent(pathname).split('/').map(encode).join('/');
  const canonical = [method, path, query, ...names.split(';').map((n) => `${n}:${headers[n].trim()}`), '', names, headers['x-amz-content-sha256']].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], `${date}/${region}/s3/aws4_request`, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce(hmac, `AWS4${secretAccessKey}`);
  return hmac(key, text).toString('hex') === signature;
}

export class ObjectStore {
  constructor(bucket = 'weir') {
    AWSAccount.DUMMY_ACCOUNT.createKeyPair(accessKeyId, secretAccessKey);
    this.bucket = bucket;
    this.folder = temporaryFolder();
    this.port = 0;
    this.s3 = new S3rver({ silent: true, directory: this.folder, configureBuckets: [{ name: bucket }] });
  }

  async start() {
    await this.s3.configureBuckets();
    return this.open();
  }

  // After close(): the same port, the same objects.
  async open() {
    const answer = this.s3.callback();
    this.server = http.createServer((req, res) => {
      if (isSigned(req)) answer(req, res);
      else res.writeHead(403, { 'content-type': 'application/xml' }).end('<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message></Error>');
    });
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return this;
  }

  async close() {
    if (!this.server?.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  url(prefix) {
    return `http://127.0.0.1:${this.port}/${this.bucket}/${prefix}`;
  }

  // The names of the objects.
  objects(prefix = '') {
    const all = readdirSync(join(this.folder, this.bucket), { recursive: true }).map(String);
    return all.filter((n) => n.endsWith('._S3rver_object') && n.startsWith(prefix)).map((n) => n.slice(0, -'._S3rver_object'.length));
  }
}
