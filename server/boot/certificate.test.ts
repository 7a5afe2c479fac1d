import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readServerIdentity } from '../../proxy/tls/identity';
import { makeSelfSigned } from '../../proxy/tls/selfSigned';
import { openCertificate } from './certificate';

const DAY_MS = 86_400_000;
let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-certificate-'));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const say = (line: string) => void said.push(line);
const write = (pair: { certificate: string; key: string }, certPath: string, keyPath: string) => {
  writeFileSync(certPath, pair.certificate);
  writeFileSync(keyPath, pair.key);
};
const validFor = (days: number) => makeSelfSigned({ names: ['localhost'], now: new Date(), validMs: days * DAY_MS });

describe('without settings', () => {
  test('a pair is made once, its key for its owner alone', () => {
    const { certPath, keyPath } = openCertificate(null, folder, say);
    const made = readFileSync(certPath, 'utf8');
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
    const { expiresAt } = readServerIdentity(readFileSync(certPath), readFileSync(keyPath));
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 300 * DAY_MS);
    openCertificate(null, folder, say);
    expect(readFileSync(certPath, 'utf8')).toBe(made);
    expect(said).toEqual([expect.stringMatching(/^self-signed TLS certificate made/)]);
  });

  test.each<[string, (certPath: string, keyPath: string) => void]>([
    ['29 days left', (certPath, keyPath) => write(validFor(29), certPath, keyPath)],
    ['no key', (_, keyPath) => rmSync(keyPath)],
    ['another’s key', (_, keyPath) => writeFileSync(keyPath, validFor(90).key)],
    ['nonsense', (certPath) => writeFileSync(certPath, 'nonsense')],
  ])('a pair with %s is made again', (_, spoil) => {
    const { certPath, keyPath } = openCertificate(null, folder, say);
    spoil(certPath, keyPath);
    openCertificate(null, folder, say);
    const { expiresAt } = readServerIdentity(readFileSync(certPath), readFileSync(keyPath));
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now() + 300 * DAY_MS);
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
    expect(said).toHaveLength(2);
  });

  test('31 days are enough', () => {
    const { certPath, keyPath } = openCertificate(null, folder, say);
    const pair = validFor(31);
    write(pair, certPath, keyPath);
    openCertificate(null, folder, say);
    expect(readFileSync(certPath, 'utf8')).toBe(pair.certificate);
  });
});

describe('the operator’s files', () => {
  test('are left alone, and their end is said', () => {
    const given = { certPath: join(folder, 'a.crt'), keyPath: join(folder, 'a.key') };
    write(validFor(10), given.certPath, given.keyPath);
    expect(openCertificate(given, folder, say)).toEqual(given);
    expect(said).toEqual([expect.stringContaining('TLS certificate CN=localhost'), expect.stringContaining('expires soon')]);
  });

  test('that cannot be used are an error that names them', () => {
    const given = { certPath: join(folder, 'a.crt'), keyPath: join(folder, 'a.key') };
    expect(() => openCertificate(given, folder, say)).toThrow(/PROXY_TLS_CERT cannot be read: ENOENT/);
    write({ certificate: validFor(90).certificate, key: validFor(90).key }, given.certPath, given.keyPath);
    expect(() => openCertificate(given, folder, say)).toThrow(/the key does not belong to the certificate \(.*a\.crt\)/);
  });
});
