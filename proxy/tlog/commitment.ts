import { hash, randomBytes } from 'node:crypto';
import { readBase64 } from './base64';
import { joined } from './joined';

export const SALT_BYTES = 16;
const NUL = Buffer.of(0);

export const newSalt = (): Buffer => randomBytes(SALT_BYTES);

/**
 * Base64 of SHA-256(salt of 16 bytes, name in UTF-8, 0x00, value in UTF-8): says nothing about the value to whoever has no salt, and binds
 * whoever shows salt and value to this one value under this one name.
 */
export function commitmentOf(salt: Buffer, name: string, value: string): string {
  if (salt.length !== SALT_BYTES) throw new Error('a salt is 16 bytes');
  if (name.includes('\0')) throw new Error('the name of a value has no NUL');
  return commitmentOfBytes(joined(salt, name, NUL, value));
}

/** The same of salt, name, 0x00 and value where they stand one behind the other. */
export const commitmentOfBytes = (bytes: Uint8Array): string => hash('sha256', bytes, 'base64');

/** Whether salt (in base64) and value are what was committed to. */
export function opensCommitment(commitment: string, salt: string, name: string, value: string): boolean {
  const bytes = readBase64(salt, SALT_BYTES);
  // Text that is no Unicode becomes other text in UTF-8: two values could have one commitment.
  return bytes !== null && !/\p{Surrogate}/u.test(value) && commitmentOf(bytes, name, value) === commitment;
}
