import { randomBytes } from 'node:crypto';

/** The nouns that have ids, by the prefix a person says: `stm_01k9…`. */
export type IdPrefix =
  | 'con'
  | 'prn'
  | 'grp'
  | 'rul'
  | 'msk'
  | 'acc'
  | 'tok'
  | 'lnk'
  | 'ses'
  | 'stm'
  | 'txn'
  | 'req'
  | 'dec'
  | 'act'
  | 'gw'
  | 'ntc'
  | 'evt'
  | 'acr'
  | 'grt'
  | 'ped'
  | 'vky'
  | 'era'
  | 'viw'
  | 'idp'
  | 'idn'
  | 'dev'
  | 'psk'
  | 'lac'
  | 'smk'
  | 'sgn';

/** A branded id: a `Id<'stm'>` is never an `Id<'req'>`. */
export type Id<P extends IdPrefix> = `${P}_${string}`;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

const RANDOM_DIGITS = 11;

let lastMs = 0;
const lastRandom = new Uint8Array(RANDOM_DIGITS);

/**
 * A new id: prefix, 9 base32 digits of milliseconds, 11 of randomness (55 bits). Ids of one process sort by the order they were made in:
 * within a millisecond each is the one before it, plus one.
 */
export function newId<P extends IdPrefix>(prefix: P, nowMs: number = Date.now()): Id<P> {
  if (nowMs === lastMs) increment();
  else {
    lastMs = nowMs;
    for (const [i, byte] of randomBytes(RANDOM_DIGITS).entries()) lastRandom[i] = byte & 31;
  }
  let time = '';
  for (let rest = nowMs, i = 0; i < 9; i++) {
    time = (ALPHABET[rest % 32] ?? '0') + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (const digit of lastRandom) random += ALPHABET[digit] ?? '0';
  return `${prefix}_${time}${random}`;
}

function increment(): void {
  for (let i = RANDOM_DIGITS - 1; i >= 0; i--) {
    const next = ((lastRandom[i] ?? 0) + 1) & 31;
    lastRandom[i] = next;
    if (next !== 0) return;
  }
}
