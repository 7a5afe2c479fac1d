import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type Issued } from '../../db/embedded/testCertificates';
import { keyFits, readCertificates, readPrivateKey } from './certificates';

let ca: Authority;
let leaf: Issued;
beforeAll(() => {
  ca = createAuthority('root');
  leaf = ca.issue({ name: 'leaf' });
});

const message = (read: ReturnType<typeof readCertificates>) => (read.ok ? 'ok' : read.message);

describe('certificates', () => {
  test('one or several; what stands around them goes, so that equal ones are equal', () => {
    const read = readCertificates(`# our root\r\n${ca.certificate.replaceAll('\n', '\r\n')}\nand\n${leaf.certificate}`);
    expect(read).toEqual(readCertificates(ca.certificate + leaf.certificate));
    expect(read.ok && read.value.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test('line ends written as \\n, as environment variables have them', () => {
    expect(readCertificates(leaf.certificate.trim().replaceAll('\n', '\\n'))).toEqual(readCertificates(leaf.certificate));
    expect(readPrivateKey(leaf.key.trim().replaceAll('\n', '\\n'))).toEqual({ ok: true, value: leaf.key });
  });

  test.each<[string, () => string, string]>([
    ['nothing', () => '', 'not PEM'],
    ['a path', () => '/etc/ssl/root.crt', 'not PEM'],
    ['a key beside it', () => leaf.certificate + leaf.key, 'holds a private key, which belongs in tlsKey'],
    ['a request', () => leaf.certificate.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'holds CERTIFICATE REQUEST where'],
    ['broken', () => leaf.certificate.replace(/[A-Za-z0-9+/]{40}/, ''), 'the certificate cannot be read'],
    ['the second broken', () => ca.certificate + leaf.certificate.replace(/[A-Za-z0-9+/]{40}/, ''), 'certificate 2 of 2 cannot be read'],
    ['cut off', () => leaf.certificate.slice(0, 200), 'not PEM'],
  ])('%s is refused', (_name, text, words) => {
    expect(message(readCertificates(text()))).toContain(words);
  });
});

describe('private keys', () => {
  test('a passphrase is refused, whatever the form', () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    });
    expect(message(readPrivateKey(privateKey))).toContain('passphrase');
    expect(
      message(readPrivateKey(`-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----`)),
    ).toContain('passphrase');
  });

  test.each<[string, () => string, string]>([
    ['a certificate', () => leaf.certificate, 'not PEM: a private key begins'],
    ['two', () => leaf.key + ca.key, 'more than one'],
    ['broken', () => leaf.key.replace(/[A-Za-z0-9+/]{40}/, ''), 'cannot be read'],
  ])('%s is refused, and no word holds any of it', (_name, text, words) => {
    const told = message(readPrivateKey(text()));
    expect(told).toContain(words);
    for (const line of leaf.key.split('\n').slice(1, -2)) expect(told).not.toContain(line);
  });

  test('fits its own certificate only, the first of a chain', () => {
    expect(keyFits(leaf.certificate + ca.certificate, leaf.key)).toBe(true);
    expect(keyFits(ca.certificate + leaf.certificate, leaf.key)).toBe(false);
    expect(keyFits(leaf.certificate, ca.key)).toBe(false);
    expect(keyFits('', leaf.key)).toBe(false);
  });
});
