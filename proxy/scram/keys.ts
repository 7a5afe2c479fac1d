import { createHash, createHmac, pbkdf2, pbkdf2Sync } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from '@mongodb-js/saslprep';

/** SHA-256 is what PostgreSQL speaks (RFC 7677); SHA-1 is here for the vectors of RFC 5802. */
export type ScramHash = 'sha1' | 'sha256';

/** What a server keeps of a password (RFC 5802, section 3): enough to check a proof, too little to make one. */
export interface ScramKeys {
  storedKey: Buffer;
  serverKey: Buffer;
}

const SIZE: Readonly<Record<ScramHash, number>> = { sha1: 20, sha256: 32 };

export const hmac = (hash: ScramHash, key: Buffer, data: string): Buffer => createHmac(hash, key).update(data).digest();
export const digest = (hash: ScramHash, data: Buffer): Buffer => createHash(hash).update(data).digest();

/** Of equal lengths; SCRAM's ClientProof is one key covered by another. */
export const xor = (left: Buffer, right: Buffer): Buffer => Buffer.from(left.map((byte, i) => byte ^ (right[i] ?? 0)));

/**
 * SASLprep (RFC 4013) as RFC 5802 asks; a password it forbids is used as it is, as PostgreSQL does (pg_saslprep, "raw password").
 */
export function preparePassword(password: string): string {
  try {
    const prepared = saslprep(password);
    return prepared === '' ? password : prepared;
  } catch {
    return password;
  }
}

/** SaltedPassword := Hi(Normalize(password), salt, i). Milliseconds of work: see {@link deriveKeys} for what may run beside sessions. */
export const saltPassword = (hash: ScramHash, password: string, salt: Buffer, iterations: number): Buffer =>
  pbkdf2Sync(preparePassword(password), salt, iterations, SIZE[hash], hash);

const MAX_SALTED = 200;
const salted = new Map<string, Buffer>();

/** The same, remembered: one upstream role has one password and salt, and every session signs in with them. Keys are digests. */
export function rememberedSaltedPassword(hash: ScramHash, password: string, salt: Buffer, iterations: number): Buffer {
  const key = createHmac('sha256', salt).update(`${hash} ${iterations} ${password}`).digest('base64');
  const known = salted.get(key);
  if (known !== undefined) return known;
  const made = saltPassword(hash, password, salt, iterations);
  const [oldest] = salted.keys();
  if (oldest !== undefined && salted.size >= MAX_SALTED) salted.delete(oldest);
  salted.set(key, made);
  return made;
}

export const clientKeyOf = (hash: ScramHash, salted: Buffer): Buffer => hmac(hash, salted, 'Client Key');
export const serverKeyOf = (hash: ScramHash, salted: Buffer): Buffer => hmac(hash, salted, 'Server Key');

export const keysOf = (hash: ScramHash, salted: Buffer): ScramKeys => ({
  storedKey: digest(hash, clientKeyOf(hash, salted)),
  serverKey: serverKeyOf(hash, salted),
});

const pbkdf2Async = promisify(pbkdf2);

/** The keys of a password, worked out off the event loop. */
export async function deriveKeys(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  return keysOf('sha256', await pbkdf2Async(preparePassword(password), salt, iterations, SIZE.sha256, 'sha256'));
}
