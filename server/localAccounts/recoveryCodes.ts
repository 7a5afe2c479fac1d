import { randomBytes } from 'node:crypto';
import { hashSecret } from '../../db/secrets';

const CODES = 10;
/** Without what is easily misread. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const LENGTH = 16;

/** Ten codes of 79 bits, `abcd-efgh-jkmn-pqrs`; shown once. So many bits cannot be searched, and so a plain hash is stored. */
export const newRecoveryCodes = (): string[] => Array.from({ length: CODES }, newCode);

function newCode(): string {
  let code = '';
  while (code.length < LENGTH) {
    // 248 is the greatest multiple of 31 in a byte: what is above would favour the first letters.
    for (const byte of randomBytes(LENGTH)) if (byte < 248 && code.length < LENGTH) code += ALPHABET.charAt(byte % ALPHABET.length);
  }
  return code.replace(/.{4}(?=.)/g, '$&-');
}

/** What the store has of a code, however it was typed; null for what is none. Pure. */
export function recoveryHash(typed: string): string | null {
  const code = typed.toLowerCase().replace(/[\s-]/g, '');
  return code.length === LENGTH && [...code].every((letter) => ALPHABET.includes(letter)) ? hashSecret(code) : null;
}
