import { hash, hkdfSync } from 'node:crypto';
import type { ParameterValue } from '../../db/schema/shapes';
import { addTerms, constantsOf, MAX_TERM_CHARS, normalTerm } from './constants';
import { WORD_BYTES } from './leaf';

const MAX_WORDS = 400;

/** Keys the words of the record: the same on every gateway of a store, and no other use of the operator's key leads to it. */
export const wordKey = (secretKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse record words', 32));

/**
 * The word that a value is found by, as PostgreSQL's bigint has it: says nothing without the key. SHA-256 over key and value: what HMAC is
 * for, going on from a digest, cannot be done from a quarter of one.
 */
export function wordOf(key: Buffer, value: string): bigint {
  const word = Buffer.alloc(WORD_BYTES);
  placeKey(key);
  putWord(word, 0, normalTerm(value));
  return word.readBigInt64BE();
}

// The key and behind it one term after the other.
const scratch = Buffer.alloc(32 + MAX_TERM_CHARS * 3);
let inScratch: Buffer | null = null;

function placeKey(key: Buffer): void {
  if (key.length !== 32) throw new Error('the key of words is 32 bytes');
  if (inScratch !== key) scratch.set(key);
  inScratch = key;
}

/** By way of a string of bytes, as in proxy/tlog/hash.ts. */
function putWord(words: Buffer, at: number, term: string): void {
  words.write(hash('sha256', scratch.subarray(0, 32 + scratch.write(term, 32)), 'binary'), at, WORD_BYTES, 'latin1');
}

/** The words of a statement, one behind the other: of each constant of its text and of each parameter. */
export function wordsOf(key: Buffer, statement: { sql: string; parameters: readonly ParameterValue[] }): Buffer {
  const terms = new Set<string>();
  const add = (value: string | null) => {
    if (value !== null && terms.size < MAX_WORDS) addTerms(terms, value);
  };
  for (const { value } of statement.parameters) add(value);
  for (const value of constantsOf(statement.sql)) add(value);
  const words = Buffer.allocUnsafe(Math.min(terms.size, MAX_WORDS) * WORD_BYTES);
  placeKey(key);
  let at = 0;
  for (const term of terms) {
    if (at === words.length) break;
    putWord(words, at, term);
    at += WORD_BYTES;
  }
  return words;
}
