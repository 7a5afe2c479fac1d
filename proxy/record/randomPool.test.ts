import { expect, test } from 'vitest';
import { createRandomPool } from './randomPool';

test('as many bytes as asked for, and none twice', () => {
  const random = createRandomPool();
  const given = Array.from({ length: 5_000 }, (_, n) => random(n % 40 === 39 ? 20_000 : 16));
  expect(given.map(({ length }) => length)).toEqual(given.map((_, n) => (n % 40 === 39 ? 20_000 : 16)));
  const before = given.map((bytes) => bytes.toString('hex'));
  random(100_000);
  expect(given.map((bytes) => bytes.toString('hex'))).toEqual(before);
  expect(new Set(before).size).toBe(given.length);
});
