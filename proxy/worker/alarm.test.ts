import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { alarmAt } from './alarm';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('rings when the clock says so, and once', () => {
  const ring = vi.fn();
  alarmAt(new Date(Date.now() + 3_600_000), ring);
  vi.advanceTimersByTime(3_599_999);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(ring).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(7_200_000);
  expect(ring).toHaveBeenCalledTimes(1);
});

test('a timer that fires early is followed by what is left, not by the whole time again', () => {
  const ring = vi.fn();
  alarmAt(new Date(Date.now() + 3_600_000), ring);
  // The clock was set back by a little meanwhile, as timers see it.
  vi.setSystemTime(Date.now() - 3);
  vi.advanceTimersByTime(3_600_000);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(3);
  expect(ring).toHaveBeenCalledTimes(1);
});

test('longer than a timer holds, and cleared', () => {
  const ring = vi.fn();
  const month = 40 * 86_400_000;
  alarmAt(new Date(Date.now() + month), ring);
  alarmAt(new Date(Date.now() + month), ring).clear();
  vi.advanceTimersByTime(month - 1);
  expect(ring).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(ring).toHaveBeenCalledTimes(1);
});
