import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';

/** What an export is made of, read and made anew without any of our code: so that the two agree only where both follow the specifications. */

const sha256 = (...parts: (Buffer | string)[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** MTH of RFC 9162, section 2.1.1, over entries in the bytes that stand in the file. */
export function merkleRoot(entries: readonly Buffer[]): Buffer {
  const [only] = entries;
  if (only === undefined) return sha256('');
  if (entries.length === 1) return sha256(Buffer.of(0), only);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha256(Buffer.of(1), merkleRoot(entries.slice(0, k)), merkleRoot(entries.slice(k)));
}

/** The bytes of an entry's leaf: what stands between `"leaf":` and the end of its object, found by counting braces. */
export function leafOf(line: string): string {
  const start = line.indexOf(',"leaf":') + ',"leaf":'.length;
  let depth = 0;
  for (let at = start, inText = false; at < line.length; at++) {
    const char = line[at];
    if (inText && char === '\\') at++;
    else if (char === '"') inText = !inText;
    else if (!inText && char === '{') depth++;
    else if (!inText && char === '}' && --depth === 0) return line.slice(start, at + 1);
  }
  throw new Error('no leaf');
}

export interface Signer {
  /** `name+hash+base64` */
  publicKey: string;
  sign(text: string): string;
}

/** A new key under a name. */
export function newSigner(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const typed = Buffer.concat([Buffer.of(1), raw]);
  const id = sha256(`${name}\n`, typed).subarray(0, 4);
  return {
    publicKey: `${name}+${id.toString('hex')}+${typed.toString('base64')}`,
    sign: (text) => `${text}\n\u2014 ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64')}\n`,
  };
}

/** Whether a signed note is signed by the key, by openssl's Ed25519 and nothing of ours. */
export function isSigned(note: string, publicKey: string): boolean {
  const [text = '', signature = ''] = note.split('\n\n\u2014 ');
  const raw = Buffer.from(publicKey.split('+').slice(2).join('+'), 'base64').subarray(1);
  const key: KeyObject = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  });
  const bytes = Buffer.from(signature.trim().split(' ')[1] ?? '', 'base64');
  return verify(null, Buffer.from(`${text}\n`), key, bytes.subarray(4));
}
