import { expect, test } from 'vitest';
import { dayAfter, isDay, todayIn } from './days';

test.each([
  ['2026-11-25', 1, '2026-11-26'],
  ['2026-03-01', -1, '2026-02-28'],
  ['2028-02-28', 1, '2028-02-29'],
  ['2026-12-31', 1, '2027-01-01'],
])('%s and %i', (day, days, expected) => {
  expect(dayAfter(day, days)).toBe(expected);
});

test('today is that of the time zone', () => {
  const at = Date.parse('2026-11-25T23:30:00Z');
  expect([todayIn('UTC', at), todayIn('Europe/Berlin', at), todayIn('America/New_York', at)]).toEqual([
    '2026-11-25',
    '2026-11-26',
    '2026-11-25',
  ]);
});

test.each([
  ['2026-11-25', true],
  ['25.11.2026', false],
  ['2026-13-01', false],
  [null, false],
])('%s is a day: %s', (text, expected) => {
  expect(isDay(text)).toBe(expected);
});
