// Keys and certificates for a test, made by the openssl command.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './weir.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });

// An authority: { file, pem, issue(name) -> { cert, key, pem, keyPem } }, the first two of which are paths.
export function authority(name = 'test authority') {
  const dir = temporaryFolder();
  const at = (file) => join(dir, file);
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  let n = 0;
  return {
    file: at('ca.pem'),
    pem: readFileSync(at('ca.pem')),
    issue(subject, { cert = at(`${++n}.pem`), key = at(`${n}.key`) } = {}) {
      openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', `/CN=${subject}`,
        '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-keyout', key, '-out', cert);
      return { cert, key, pem: readFileSync(cert), keyPem: readFileSync(key) };
    },
  };
}
