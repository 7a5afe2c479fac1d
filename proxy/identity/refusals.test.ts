import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRefusalLog, type RefusalLine } from './refusals';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function logged(options?: { mostKinds: number }) {
  const lines: RefusalLine[] = [];
  return { lines, refused: createRefusalLog((line) => lines.push(line), options) };
}

test('the first of a kind is said at once, the others of its minute as a number', () => {
  const { lines, refused } = logged();
  for (let i = 0; i < 1_000; i++) refused('corp', 'it has expired');
  refused('other', 'it has expired');
  expect(lines).toEqual([
    { provider: 'corp', reason: 'it has expired', times: 1 },
    { provider: 'other', reason: 'it has expired', times: 1 },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(lines.slice(2)).toEqual([{ provider: 'corp', reason: 'it has expired', times: 999 }]);
  // Still counted, and said a minute later; then it is as new.
  refused('corp', 'it has expired');
  expect(lines).toHaveLength(3);
  vi.advanceTimersByTime(120_000);
  expect(lines.slice(3)).toEqual([{ provider: 'corp', reason: 'it has expired', times: 1 }]);
  refused('corp', 'it has expired');
  expect(lines).toHaveLength(5);
});

test('reasons that never end are one, and none of them is lost', () => {
  const { lines, refused } = logged({ mostKinds: 10 });
  for (let i = 0; i < 500; i++) refused('corp', `nobody here is called n${i}`);
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toEqual({ provider: null, reason: 'other reasons', times: 1 });
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(12);
  expect(lines.reduce((sum, { times }) => sum + times, 0)).toBe(500);
});
