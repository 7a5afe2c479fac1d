import { hkdfSync } from 'node:crypto';

/** The secret that encrypts console session cookies: HKDF-SHA256 (RFC 5869) of the gateway's key, so that there is one key to keep. */
export function consoleSecret(secretKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse console session', 32)).toString('base64url');
}
