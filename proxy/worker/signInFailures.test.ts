import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SignInFailedEntry } from '../journal/entries';
import { SignInFailures } from './signInFailures';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = (principalName: string): SignInFailedEntry => ({
  type: 'signInFailed',
  atMs: 0,
  principalName,
  connectionName: 'shop',
  clientAddress: '127.0.0.1:1',
  sqlstate: '28P01',
  reason: 'no',
});

test('a flood is recorded as its first fifty and a number, window by window', () => {
  const recorded: SignInFailedEntry[] = [];
  const failures = new SignInFailures((entry) => recorded.push(entry));
  for (let i = 0; i < 10_000; i++) failures.add(failure(`p${i}`));
  expect(recorded).toHaveLength(50);
  vi.advanceTimersByTime(10_000);
  expect(recorded).toHaveLength(51);
  expect(recorded.at(-1)).toMatchObject({ count: 9_950, principalName: '', reason: expect.stringContaining('9950 further') });
  failures.add(failure('later'));
  expect(recorded.at(-1)).toMatchObject({ principalName: 'later' });
  vi.advanceTimersByTime(60_000);
  expect(recorded).toHaveLength(52);
  expect(recorded.reduce((sum, { count }) => sum + (count ?? 1), 0)).toBe(10_001);
});

test('what was counted is said when the worker ends', () => {
  const recorded: SignInFailedEntry[] = [];
  const failures = new SignInFailures((entry) => recorded.push(entry));
  for (let i = 0; i < 60; i++) failures.add(failure('p'));
  failures.close();
  expect(recorded.at(-1)).toMatchObject({ count: 10 });
});
