import { randomBytes } from 'node:crypto';

/** The nouns that have ids, by the prefix a person says: `stm_01k9…`. */
export type IdPrefix = 'con' | 'prn' | 'grp' | 'rul' | 'msk' | 'acc' | 'tok' | 'lnk' | 'ses' | 'stm' | 'req' | 'dec' | 'act' | 'gw';

/** A branded id: a `Id<'stm'>` is never an `Id<'req'>`. */
export type Id<P extends IdPrefix> = `${P}_${string}`;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new id: prefix, 9 base32 digits of milliseconds, 11 of randomness (55 bits), so ids sort by the time they were made.
 */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number = Date.now()): Id<P> {
  let time = '';
  for (let rest = nowMs, i = 0; i < 9; i++) {
    time = (ALPHABET[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const byte of randomBytes(11)) random += ALPHABET[byte & 31] ?? '0';
  return `${prefix}_${time}${random}`;
}
