import { expect, test } from 'vitest';
import { type DigestParts, digestOf } from './digest';

const PARTS: DigestParts = {
  sql: 'delete from t where id = $1',
  parameters: Buffer.from([1, 2]),
  principalId: 'prn_a',
  ownerId: 'prn_b',
  connectionName: 'shop',
  place: [],
  policyVersion: 7,
};

test.each<[what: string, change: Partial<DigestParts>]>([
  ['another byte of the text', { sql: 'delete from t where id = $1 ' }],
  ['another parameter', { parameters: Buffer.from([1, 3]) }],
  ['no parameters', { parameters: Buffer.alloc(0) }],
  ['another principal', { principalId: 'prn_c' }],
  ['another owner', { ownerId: 'prn_c' }],
  ['no owner', { ownerId: null }],
  ['another connection', { connectionName: 'shop2' }],
  ['another role or search_path', { place: ['["shop","app","app","public"]'] }],
  ['another policy', { policyVersion: 8 }],
  ['a part that ends where the next begins', { principalId: 'prn_aprn_', ownerId: 'b' }],
])('%s is another digest', (_, change) => {
  expect(digestOf({ ...PARTS, ...change })).not.toBe(digestOf(PARTS));
});

test('the same parts are the same digest', () => {
  expect(digestOf({ ...PARTS, place: [...PARTS.place] })).toBe(digestOf(PARTS));
  expect(digestOf({ ...PARTS, place: ['a', 'b'] })).not.toBe(digestOf({ ...PARTS, place: ['ab'] }));
});
