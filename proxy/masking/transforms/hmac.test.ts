import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedDigest } from './hmac';

const reference = (key: Uint8Array, value: Uint8Array) => createHmac('sha256', key).update(value).digest('hex');

test('RFC 4231, case 2', () => {
  const value = Buffer.from('what do ya want for nothing?');
  const digest = new KeyedDigest(Buffer.from('Jefe')).of(value, 0, value.length);
  expect(digest.toString('hex')).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

test('is what node:crypto makes of the same bytes, whatever their length, key and place', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
  fc.assert(
    fc.property(bytes(100), bytes(300), fc.nat(5), (key, value, before) => {
      const framed = Buffer.concat([Buffer.alloc(before, 1), value, Buffer.alloc(3, 2)]);
      const digest = new KeyedDigest(Buffer.from(key)).of(framed, before, before + value.length);
      expect(digest.toString('hex')).toBe(reference(key, value));
    }),
    { numRuns: 500 },
  );
});

test('every length up to three blocks, and one of many', () => {
  const key = Buffer.alloc(32, 7);
  const keyed = new KeyedDigest(key);
  const value = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 31) & 255));
  for (const length of [...Array(193).keys(), 199_999]) {
    expect(keyed.of(value, 0, length).toString('hex'), `${length} bytes`).toBe(reference(key, value.subarray(0, length)));
  }
});
