import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endPointBinding } from './channelBinding';
import { readServerIdentity } from './identity';
import { openTlsKeeper } from './keeper';
import { makeSelfSigned } from './selfSigned';

const DAY_MS = 86_400_000;
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const names = ['localhost', '127.0.0.1', '::1', 'db.example.com'];
const made = (now = new Date()) => makeSelfSigned({ names, now, validMs: 30 * DAY_MS });

describe('a self-signed certificate', () => {
  const now = new Date();
  const { certificate, key } = made(now);
  const read = new X509Certificate(certificate);

  test('is for its names, for its time, by its own key, and signs nothing else', () => {
    for (const host of ['localhost', 'db.example.com']) expect(read.checkHost(host)).toBe(host);
    for (const address of ['127.0.0.1', '::1']) expect(read.checkIP(address)).toBe(address);
    expect(read.checkHost('example.com')).toBeUndefined();
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.ca).toBe(false);
    expect(read.subject).toBe('CN=localhost');
    expect(new Date(read.validTo).getTime() - now.getTime()).toBeGreaterThan(30 * DAY_MS - 2_000);
    expect(new Date(read.validFrom).getTime()).toBeLessThan(now.getTime());
    expect(made().certificate).not.toBe(certificate);
  });

  test.skipIf(!hasOpenssl)('is one that OpenSSL takes at its strictest', () => {
    const path = join(folder, 'strict.crt');
    writeFileSync(path, certificate);
    const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', path, '-verify_hostname', 'localhost', path];
    expect(execFileSync('openssl', strict, { encoding: 'utf8' })).toContain('OK');
  });

  test('can be used', () => {
    const identity = readServerIdentity(Buffer.from(certificate), Buffer.from(key));
    expect(identity.subject).toBe('CN=localhost');
    expect(identity.channelBinding).toEqual(createHash('sha256').update(read.raw).digest());
  });

  test('is refused with another’s key, and the words hold none of it', () => {
    expect(() => readServerIdentity(Buffer.from(certificate), Buffer.from(made().key))).toThrow('does not belong');
    expect(() => readServerIdentity(Buffer.from(certificate), Buffer.from('hunter2'))).toThrow(
      /^the key is not an unencrypted PEM private key$/,
    );
    expect(() => readServerIdentity(Buffer.from('hunter2'), Buffer.from(key))).toThrow(/^the certificate is not PEM$/);
  });
});

describe.skipIf(!hasOpenssl)('trap-12-binding-hash (needs openssl on PATH): the hash follows the certificate’s signature algorithm', () => {
  test.each([
    ['RSA with SHA-1 becomes SHA-256', ['rsa:2048'], ['-sha1'], 'sha256'],
    ['RSA with SHA-256', ['rsa:2048'], ['-sha256'], 'sha256'],
    ['RSA with SHA-384', ['rsa:2048'], ['-sha384'], 'sha384'],
    ['RSA-PSS with SHA-512', ['rsa:2048'], ['-sha512', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1'], 'sha512'],
    ['ECDSA with SHA-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'], ['-sha384'], 'sha384'],
    ['Ed25519 has none', ['ed25519'], [], null],
  ])('%s', (_, keyOptions, options, hash) => {
    const out = join(folder, 'hash.crt');
    const newKey = ['-newkey', ...keyOptions, '-nodes', '-keyout', join(folder, 'hash.key')];
    execFileSync('openssl', ['req', '-x509', ...newKey, ...options, '-subj', '/CN=x', '-days', '1', '-out', out], { stdio: 'pipe' });
    const der = execFileSync('openssl', ['x509', '-in', out, '-outform', 'der']);
    expect(endPointBinding(der)).toEqual(hash === null ? null : createHash(hash).update(der).digest());
  });

  test('what is no certificate has none', () => {
    expect(endPointBinding(Buffer.from('nonsense'))).toBeNull();
  });
});

describe('the keeper', () => {
  const certPath = join(folder, 'proxy.crt');
  const keyPath = join(folder, 'proxy.key');
  const loaded: string[] = [];
  const broken: string[] = [];
  const write = (pair: { certificate: string; key: string }, part: 'both' | 'certificate' = 'both') => {
    writeFileSync(certPath, pair.certificate);
    if (part === 'both') writeFileSync(keyPath, pair.key);
  };
  let keeper: ReturnType<typeof openTlsKeeper>;
  beforeAll(() => {
    write(made());
    keeper = openTlsKeeper({
      certPath,
      keyPath,
      pollMs: 20,
      onLoaded: (identity) => loaded.push(identity.subject),
      onBroken: (reason) => broken.push(reason),
    });
  });
  afterAll(() => keeper.close());
  const until = (what: () => boolean) => expect.poll(what, { timeout: 3_000, interval: 10 }).toBe(true);

  test('takes a new pair, keeps the old one while the new is wrong, and says so once', async () => {
    const first = keeper.current();
    const pair = made();
    write(pair, 'certificate');
    await until(() => broken.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(broken).toEqual(['the key does not belong to the certificate']);
    expect(keeper.current()).toBe(first);
    writeFileSync(keyPath, pair.key);
    await until(() => keeper.current() !== first);
    expect(loaded).toHaveLength(2);

    const second = keeper.current();
    rmSync(keyPath);
    await until(() => broken.length === 2);
    expect(broken[1]).toBe('a file cannot be read (ENOENT)');
    expect(keeper.current()).toBe(second);
    write(made());
    await until(() => keeper.current() !== second);
  });

  test('sees a symbolic link that points elsewhere', async () => {
    const third = keeper.current();
    const pair = made();
    writeFileSync(join(folder, 'other.crt'), pair.certificate);
    writeFileSync(join(folder, 'other.key'), pair.key);
    for (const name of ['crt', 'key']) {
      symlinkSync(`other.${name}`, join(folder, `link.${name}`));
      renameSync(join(folder, `link.${name}`), join(folder, `proxy.${name}`));
    }
    await until(() => keeper.current() !== third);
    expect(keeper.current().channelBinding).toEqual(endPointBinding(new X509Certificate(pair.certificate).raw));
  });

  test('does not start with what cannot be used', () => {
    const options = { pollMs: 20, onLoaded: () => undefined, onBroken: () => undefined };
    expect(() => openTlsKeeper({ ...options, certPath, keyPath: join(folder, 'missing') })).toThrow('ENOENT');
  });
});
