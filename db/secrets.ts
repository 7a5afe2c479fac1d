import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/**
 * The keys of a store. Its root never changes: it is what everything derives from (HKDF), and what `secretKey` is in every call. Data keys
 * come with each rotation and seal from then on; those before still open.
 */
interface Ring {
  current: string;
  keys: Map<string, Buffer>;
}

/** By the root's id. Next bundles its own copies of our modules, so process-wide state lives on globalThis and nowhere else. */
const KEY = Symbol.for('gatehouse.dataKeys');
const holder = globalThis as typeof globalThis & { [KEY]?: Map<string, Ring> };
const rings = (): Map<string, Ring> => {
  holder[KEY] ??= new Map();
  return holder[KEY];
};

/** What names a key in what it sealed; says nothing of the key. */
export const keyId = (key: Buffer): string => createHash('sha256').update('gatehouse key id').update(key).digest('hex').slice(0, 12);

/** Makes keys of a store known to this process; the last one seals from now on, and may be the root. What was known stays known. */
export function knowDataKeys(secretKey: Buffer, dataKeys: readonly Buffer[]): void {
  const newest = dataKeys.at(-1);
  if (newest === undefined) return;
  const keys = rings().get(keyId(secretKey))?.keys ?? new Map<string, Buffer>();
  for (const key of dataKeys) keys.set(keyId(key), key);
  rings().set(keyId(secretKey), { current: keyId(newest), keys });
}

/** What seals now: the newest data key, or the root before the first rotation. */
export function sealingKey(secretKey: Buffer): Buffer {
  const ring = rings().get(keyId(secretKey));
  return ring?.keys.get(ring.current) ?? secretKey;
}

/** All keys of a store in one text, root first: for the environment of the gateway's own processes. {@link readKeys} takes it in. */
export const writeKeys = (secretKey: Buffer): string => {
  const ring = rings().get(keyId(secretKey));
  const others = ring === undefined ? [] : [...ring.keys].filter(([id]) => id !== ring.current).map(([, key]) => key);
  return [secretKey, ...others, ...(ring === undefined ? [] : [sealingKey(secretKey)])].map((key) => key.toString('base64')).join(',');
};

/** @throws when one of them is not 32 bytes in base64 */
export function readKeys(text: string): Buffer {
  const [secretKey, ...dataKeys] = text.split(',').map((part) => Buffer.from(part, 'base64'));
  if (secretKey === undefined || [secretKey, ...dataKeys].some((key) => key.length !== 32)) throw new Error('a key is not 32 bytes');
  knowDataKeys(secretKey, dataKeys);
  return secretKey;
}

/**
 * Seals a credential for storage: AES-256-GCM, envelope `v2.<key id>.<nonce>.<ciphertext+tag>` in base64url.
 * `boundTo` (the owning row's id) is authenticated, so an envelope copied to another row does not open.
 */
export const seal = (secretKey: Buffer, plaintext: string, boundTo: string): string => sealWith(sealingKey(secretKey), plaintext, boundTo);

/** The same with this very key. */
export function sealWith(key: Buffer, plaintext: string, boundTo: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(boundTo));
  const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v2.${keyId(key)}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
}

/** The id of the key that sealed it; null in an envelope of before there were ids (`v1.<nonce>.<ciphertext+tag>`, by the root). */
export const sealedBy = (envelope: string): string | null => (envelope.startsWith('v2.') ? (envelope.split('.')[1] ?? null) : null);

/** Opens what {@link seal} made; throws when the key, the row or a byte differs. The message never holds the value. */
export function open(secretKey: Buffer, envelope: string, boundTo: string): string {
  const parts = envelope.split('.');
  const version = parts[0];
  const [nonce, sealed, more] = parts.slice(version === 'v2' ? 2 : 1);
  if ((version !== 'v1' && version !== 'v2') || nonce === undefined || sealed === undefined || more !== undefined)
    throw new Error('credential envelope has an unknown format');
  const by = sealedBy(envelope);
  const key = by === null || by === keyId(secretKey) ? secretKey : rings().get(keyId(secretKey))?.keys.get(by);
  try {
    if (key === undefined) throw new Error('unknown key');
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
    decipher.setAAD(Buffer.from(boundTo));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
  } catch {
    throw new Error('credential cannot be opened: GATEHOUSE_SECRET_KEY differs from the key it was sealed with');
  }
}

/** A bearer secret of 160 bits, e.g. `gh_at_…`; short enough for clients that cut long passwords. */
export function newSecret(prefix: 'gh_at' | 'gh_ak' | 'gh_ln' | 'gh_dc'): string {
  return `${prefix}_${randomBytes(20).toString('base64url')}`;
}

/** What is stored of a bearer secret: it has 160 bits of entropy, so a plain SHA-256 cannot be searched. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
