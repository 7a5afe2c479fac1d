import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PolicySnapshot } from '../policy/types';
import { watchAccessEnd } from './accessEnd';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const policy = (...untilMs: number[]): PolicySnapshot => ({
  version: 1,
  connections: new Map(),
  access: untilMs.map((at) => ({ connection: 'shop', principalId: 'prn_1', until: new Date(1_000_000 + at) })),
  rules: [],
  masking: [],
});

test('calls at each end, and not before', () => {
  const ends: number[] = [];
  const watch = watchAccessEnd(() => ends.push(Date.now() - 1_000_000));
  watch.changed(policy(5_000, 2_000, -1));
  vi.advanceTimersByTime(1_999);
  expect(ends).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(ends.map((at) => Math.floor(at / 1_000))).toEqual([2, 5]);
});

test('a changed policy replaces what was waited for', () => {
  let ends = 0;
  const watch = watchAccessEnd(() => ends++);
  watch.changed(policy(2_000));
  watch.changed(policy());
  vi.advanceTimersByTime(10_000);
  expect(ends).toBe(0);
});

test('an end further away than a timer holds is reached in steps', () => {
  const ends: number[] = [];
  const watch = watchAccessEnd(() => ends.push(Date.now() - 1_000_000));
  const far = 60 * 86_400_000;
  watch.changed(policy(far));
  vi.advanceTimersByTime(far - 1);
  expect(ends).toEqual([]);
  vi.advanceTimersByTime(10);
  expect(ends).toHaveLength(1);
  watch.close();
});
