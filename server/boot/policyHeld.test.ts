import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPolicyHeld } from './policyHeld';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const at = (version: number, accessVersion = 0) => ({ version, accessVersion });

/** What the one who waits has heard so far. */
function waitFor(held: ReturnType<typeof createPolicyHeld<string>>, version: number, accessVersion = 0) {
  const heard: boolean[] = [];
  void held.until(at(version, accessVersion), 2_000).then((answer) => heard.push(answer));
  return async () => {
    await vi.advanceTimersByTimeAsync(0);
    return heard;
  };
}

test('every worker is waited for, and each of both versions', async () => {
  const held = createPolicyHeld<string>();
  held.said('a', at(1));
  held.said('b', at(1));
  const heard = waitFor(held, 2, 3);
  held.said('a', at(2, 3));
  held.said('b', at(2, 2));
  expect(await heard()).toEqual([]);
  held.said('b', at(3, 3));
  expect(await heard()).toEqual([true]);
  expect(await waitFor(held, 2, 3)()).toEqual([true]);
});

test('nobody is waited for who has not begun or is gone', async () => {
  const held = createPolicyHeld<string>();
  expect(await waitFor(held, 7)()).toEqual([true]);
  held.said('a', at(1));
  held.said('b', at(2));
  const heard = waitFor(held, 2);
  expect(await heard()).toEqual([]);
  held.gone('a');
  expect(await heard()).toEqual([true]);
});

test('one that does not say so in time is not waited for longer', async () => {
  const held = createPolicyHeld<string>();
  held.said('a', at(1));
  const heard = waitFor(held, 2);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(await heard()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await heard()).toEqual([false]);
  held.said('a', at(2));
  expect(await heard()).toEqual([false]);
});
