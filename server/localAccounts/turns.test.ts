import { expect, test } from 'vitest';
import { createTurns, TooBusy } from './turns';

test('so many run at once, so many wait in their order, and the rest is refused', async () => {
  const turns = createTurns({ atOnce: 2, mostWaiting: 3 });
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  let most = 0;
  let running = 0;
  const work = (n: number) => () =>
    new Promise<number>((resolve) => {
      begun.push(n);
      most = Math.max(most, ++running);
      ends.push(() => {
        running--;
        resolve(n);
      });
    });
  const all = [1, 2, 3, 4, 5].map((n) => turns.take(work(n)));
  await expect(turns.take(work(6))).rejects.toThrow(TooBusy);
  expect(begun).toEqual([1, 2]);
  while (ends.length > 0) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5]);
  expect([begun, most]).toEqual([[1, 2, 3, 4, 5], 2]);
});

test('what fails gives its place back', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 1 });
  const failing = turns.take(() => Promise.reject(new Error('no')));
  const after = turns.take(async () => 'yes');
  await expect(failing).rejects.toThrow('no');
  expect(await after).toBe('yes');
  expect(await turns.take(async () => 'again')).toBe('again');
});
