import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/**
 * Seals a credential for storage: AES-256-GCM, envelope `v1.<nonce>.<ciphertext+tag>` in base64url.
 * `boundTo` (the owning row's id) is authenticated, so an envelope copied to another row does not open.
 */
export function seal(key: Buffer, plaintext: string, boundTo: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(boundTo));
  const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `v1.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
}

/** Opens what {@link seal} made; throws when the key, the row or a byte differs. The message never holds the value. */
export function open(key: Buffer, envelope: string, boundTo: string): string {
  const [version, nonce, sealed] = envelope.split('.');
  if (version !== 'v1' || nonce === undefined || sealed === undefined) throw new Error('credential envelope has an unknown format');
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
    decipher.setAAD(Buffer.from(boundTo));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8');
  } catch {
    throw new Error('credential cannot be opened: GATEHOUSE_SECRET_KEY differs from the key it was sealed with');
  }
}

/** A bearer secret of 160 bits, e.g. `gh_at_…`; short enough for clients that cut long passwords. */
export function newSecret(prefix: 'gh_at' | 'gh_ln'): string {
  return `${prefix}_${randomBytes(20).toString('base64url')}`;
}

/** What is stored of a bearer secret: it has 160 bits of entropy, so a plain SHA-256 cannot be searched. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
