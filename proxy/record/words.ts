import { hash, hkdfSync } from 'node:crypto';
import type { ParameterValue } from '../../db/schema/shapes';
import { joined } from '../tlog/joined';
import { constantsOf, normalTerm, termsOf } from './constants';

const WORD_DIGITS = 16;
const MAX_WORDS = 400;

/** Keys the words of the record: the same on every gateway of a store, and no other use of the operator's key leads to it. */
export const wordKey = (secretKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', secretKey, Buffer.alloc(0), 'gatehouse record words', 32));

/**
 * The word that a value is found by: 16 hexadecimal digits that say nothing without the key. SHA-256 over key and value: what HMAC is for,
 * going on from a digest, cannot be done from a quarter of one.
 */
export const wordOf = (key: Buffer, value: string): string => hash('sha256', joined(key, normalTerm(value)), 'hex').slice(0, WORD_DIGITS);

/** The words of a statement: of each constant of its text and of each parameter. */
export function wordsOf(key: Buffer, statement: { sql: string; parameters: readonly ParameterValue[] }): string[] {
  const terms = new Set<string>();
  const values = [...statement.parameters.flatMap(({ value }) => (value === null ? [] : [value])), ...constantsOf(statement.sql)];
  for (const value of values) {
    for (const term of termsOf(value)) terms.add(term);
    if (terms.size >= MAX_WORDS) break;
  }
  return [...terms].slice(0, MAX_WORDS).map((term) => wordOf(key, term));
}
