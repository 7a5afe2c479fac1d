import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { readServerIdentity, type ServerIdentity } from '../../proxy/tls/identity';
import { makeSelfSigned } from '../../proxy/tls/selfSigned';

export interface CertificateFiles {
  certPath: string;
  keyPath: string;
}

const DAY_MS = 86_400_000;
const VALID_MS = 365 * DAY_MS;
const RENEW_BEFORE_MS = 30 * DAY_MS;

/**
 * The certificate of the proxy port: the operator's, or a self-signed one in `<dataDir>/tls` that is made on the first start and made again
 * when it has under 30 days left or cannot be used.
 * @throws when the operator's files cannot be used, naming them
 */
export function openCertificate(given: CertificateFiles | null, dataDir: string, say: (line: string) => void): CertificateFiles {
  if (given !== null) {
    const files = { certPath: resolve(given.certPath), keyPath: resolve(given.keyPath) };
    const { subject, expiresAt } = readGiven(files);
    say(`TLS certificate ${subject}, until ${dayOf(expiresAt)} (${files.certPath})`);
    if (expiresAt.getTime() < Date.now() + RENEW_BEFORE_MS)
      say('that certificate expires soon, or has; replace the files, no restart is needed');
    return files;
  }
  const folder = join(dataDir, 'tls');
  const files = { certPath: join(folder, 'proxy.crt'), keyPath: join(folder, 'proxy.key') };
  const kept = readKept(files);
  if (kept !== null && kept.expiresAt.getTime() > Date.now() + RENEW_BEFORE_MS) return files;
  mkdirSync(folder, { recursive: true });
  const names = [...new Set(['localhost', '127.0.0.1', '::1', hostname()])].filter((name) => /^[A-Za-z0-9.:-]+$/.test(name));
  const { certificate, key } = makeSelfSigned({ names, now: new Date(), validMs: VALID_MS });
  replace(files.keyPath, key, 0o600);
  replace(files.certPath, certificate, 0o644);
  say(`${kept === null ? 'self-signed TLS certificate made' : 'self-signed TLS certificate renewed'} (${files.certPath})`);
  return files;
}

function readGiven(files: CertificateFiles): ServerIdentity {
  const read = (setting: string, path: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new Error(`${setting} cannot be read: ${error instanceof Error ? error.message : path}`);
    }
  };
  try {
    return readServerIdentity(read('PROXY_TLS_CERT', files.certPath), read('PROXY_TLS_KEY', files.keyPath));
  } catch (error) {
    throw new Error(
      `the proxy's TLS certificate cannot be used: ${error instanceof Error ? error.message : 'unknown'} (${files.certPath})`,
    );
  }
}

function readKept({ certPath, keyPath }: CertificateFiles): ServerIdentity | null {
  if (!existsSync(certPath) || !existsSync(keyPath)) return null;
  try {
    return readServerIdentity(readFileSync(certPath), readFileSync(keyPath));
  } catch {
    return null;
  }
}

/** A crash leaves the old file or the new one, never half of one. */
function replace(path: string, content: string, mode: number): void {
  writeFileSync(`${path}.new`, content, { mode });
  renameSync(`${path}.new`, path);
}

const dayOf = (at: Date) => at.toISOString().slice(0, 10);
