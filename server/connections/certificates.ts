import { createPrivateKey, X509Certificate } from 'node:crypto';

/** RFC 7468: text around the blocks is explanation. */
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

export type Read<T> = { ok: true; value: T } | { ok: false; message: string };

const refuse = (message: string) => ({ ok: false as const, message });

/** An environment variable often carries its line ends as `\n`. */
const withLines = (text: string) => (text.includes('\n') ? text : text.replaceAll('\\n', '\n'));

/** The certificates of a PEM text. @throws when one cannot be read; what {@link readCertificates} gave back can */
export const certificatesIn = (pem: string): X509Certificate[] => [...pem.matchAll(BLOCK)].map(([block]) => new X509Certificate(block));

/**
 * One or more certificates in PEM, and nothing else: a private key that came along would be stored and exported in clear.
 * The value is the certificates alone, in a form that is equal for equal certificates.
 */
export function readCertificates(text: string): Read<string> {
  const blocks = [...withLines(text).matchAll(BLOCK)];
  if (blocks.some(([, label = '']) => label.endsWith('PRIVATE KEY')))
    return refuse('holds a private key, which belongs in tlsKey and nowhere else');
  if (blocks.length === 0) return refuse('not PEM: certificates begin with -----BEGIN CERTIFICATE-----');
  const pems: string[] = [];
  for (const [index, [block = '', label = '']] of blocks.entries()) {
    if (label !== 'CERTIFICATE') return refuse(`holds ${label === '' ? 'something' : label} where a CERTIFICATE is needed`);
    try {
      pems.push(new X509Certificate(block).toString());
    } catch {
      return refuse(blocks.length === 1 ? 'the certificate cannot be read' : `certificate ${index + 1} of ${blocks.length} cannot be read`);
    }
  }
  return { ok: true, value: pems.map((pem) => `${pem.trim()}\n`).join('') };
}

/** One private key in PEM without a passphrase. The messages hold nothing of it. */
export function readPrivateKey(text: string): Read<string> {
  const blocks = [...withLines(text).matchAll(BLOCK)].filter(([, label = '']) => label.endsWith('PRIVATE KEY'));
  const [first] = blocks;
  if (first === undefined) return refuse('not PEM: a private key begins with -----BEGIN PRIVATE KEY-----');
  if (blocks.length > 1) return refuse('holds more than one private key');
  const [block] = first;
  if (block.includes('ENCRYPTED')) return refuse('the key is protected by a passphrase: give it without one, it is sealed here');
  try {
    createPrivateKey(block);
  } catch {
    return refuse('the private key cannot be read');
  }
  return { ok: true, value: `${block.trim()}\n` };
}

/** Whether the key belongs to the first certificate, the one that is shown to the server. False where either cannot be read. */
export function keyFits(certificatePem: string, keyPem: string): boolean {
  try {
    const [first] = certificatesIn(certificatePem);
    return first?.checkPrivateKey(createPrivateKey(keyPem)) === true;
  } catch {
    return false;
  }
}
