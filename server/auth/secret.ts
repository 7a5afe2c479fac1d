import { hkdfSync } from 'node:crypto';
import { sealingKey } from '../../db/secrets';

/**
 * The secret that encrypts console session cookies: HKDF-SHA256 (RFC 5869) of the newest data key, so that there is one key to keep, and a
 * rotation ends every console session: a key that leaked must not go on signing people in.
 */
export function consoleSecret(secretKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', sealingKey(secretKey), Buffer.alloc(0), 'gatehouse console session', 32)).toString('base64url');
}
