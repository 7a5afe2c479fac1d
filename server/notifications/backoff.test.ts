import { expect, test } from 'vitest';
import { delayAfter, FIRST_DELAY_MS, MOST_ATTEMPTS } from './backoff';

test('waits double from half to the whole of a step, and end', () => {
  expect(delayAfter(1, { random: 0 })).toBe(FIRST_DELAY_MS / 2);
  expect(delayAfter(1, { random: 1 })).toBe(FIRST_DELAY_MS);
  expect(delayAfter(4, { random: 1 })).toBe(FIRST_DELAY_MS * 8);
  expect(delayAfter(MOST_ATTEMPTS - 1, { random: 1 })).toBe(3_600_000);
  expect(delayAfter(MOST_ATTEMPTS, { random: 0 })).toBeNull();
});

test('a receiver that asks for a longer wait gets it, up to an hour', () => {
  expect(delayAfter(1, { random: 1, askedMs: 30_000 })).toBe(30_000);
  expect(delayAfter(1, { random: 1, askedMs: 1 })).toBe(FIRST_DELAY_MS);
  expect(delayAfter(1, { random: 1, askedMs: 10 * 3_600_000 })).toBe(3_600_000);
});

test('all waits together are between three and seven hours', () => {
  const total = (random: number) =>
    Array.from({ length: MOST_ATTEMPTS - 1 }, (_, i) => delayAfter(i + 1, { random }) ?? 0).reduce((a, b) => a + b, 0);
  expect(total(0)).toBeGreaterThan(2 * 3_600_000);
  expect(total(1)).toBeLessThan(7 * 3_600_000);
});
