import { expect, test } from 'vitest';
import { durationWords, offeredDurations } from './words';

test.each([
  [60_000, '1 minute'],
  [90 * 60_000, '90 minutes'],
  [3_600_000, '1 hour'],
  [36 * 3_600_000, '36 hours'],
  [86_400_000, '1 day'],
  [3 * 86_400_000, '3 days'],
])('%i ms is %s', (ms, words) => {
  expect(durationWords(ms)).toBe(words);
});

test('round times are offered up to the longest, which is always among them', () => {
  expect(offeredDurations(3 * 3_600_000).map(durationWords)).toEqual(['15 minutes', '1 hour', '2 hours', '3 hours']);
  expect(offeredDurations(60_000)).toEqual([60_000]);
});
