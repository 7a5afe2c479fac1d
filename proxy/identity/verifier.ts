import { createHmac, hkdfSync } from 'node:crypto';
import type { ScramVerifier } from '../../db/schema/shapes';
import { deriveKeys, type ScramKeys } from '../scram/keys';

/** As PostgreSQL's scram_iterations. A token is 160 random bits: more work would slow down sign-ins and no guessing. */
export const SCRAM_ITERATIONS = 4_096;
const SALT_BYTES = 16;

/**
 * What the store keeps so that a token can be proved by SCRAM-SHA-256.
 * @param salt its principal's, base64
 */
export async function makeVerifier(secret: string, salt: string): Promise<ScramVerifier> {
  const { storedKey, serverKey } = await deriveKeys(secret, Buffer.from(salt, 'base64'), SCRAM_ITERATIONS);
  return { iterations: SCRAM_ITERATIONS, storedKey: storedKey.toString('base64'), serverKey: serverKey.toString('base64') };
}

export const keysOfVerifier = ({ storedKey, serverKey }: ScramVerifier): ScramKeys => ({
  storedKey: Buffer.from(storedKey, 'base64'),
  serverKey: Buffer.from(serverKey, 'base64'),
});

/** Keys the exchanges with names that nobody has; the same on every gateway of one store, so that they cannot be told by a changing salt. */
export const mockKey = (secretKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse scram mock', 32));

/** The salt of a name nobody has: always the same one, and as random to look at as a stored one. */
export const mockSalt = (key: Buffer, name: string): Buffer => createHmac('sha256', key).update(name).digest().subarray(0, SALT_BYTES);
