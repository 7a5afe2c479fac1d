import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRecheck } from './recheck';

test('looks at all, and once more where it is told meanwhile', async () => {
  const seen: number[] = [];
  const recheck = createRecheck(
    () => [1, 2, 3, 4, 5, 6],
    async (one) => {
      await sleep(1);
      seen.push(one);
    },
    () => seen.push(100),
  );
  recheck.run();
  recheck.run();
  recheck.run();
  await sleep(100);
  expect(seen.at(-1)).toBe(100);
  expect(seen.sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 100]);
  recheck.close();
});

test('what could not be found out is asked again until it is, without another change', async () => {
  let away = true;
  let ended = 0;
  let whole = 0;
  const recheck = createRecheck(
    () => ['ses_1'],
    async () => {
      if (away) throw new Error('the store is away');
      ended++;
    },
    () => whole++,
  );
  recheck.run();
  await sleep(50);
  expect(whole).toBe(0);
  away = false;
  await sleep(700);
  expect(ended).toBe(1);
  expect(whole).toBe(1);
  recheck.close();
});
