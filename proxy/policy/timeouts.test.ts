import { expect, test } from 'vitest';
import { readTimeoutMs } from './timeouts';

test.each([
  ['500', 500],
  [' 5s ', 5_000],
  ['1 min', 60_000],
  ['0.5s', 500],
  ['.5s', 500],
  ['1e3', 1_000],
  ['100us', 0],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0', 0],
  ['-1', -1],
  ['0x10', null],
  ['5 S', null],
  ['1 week', null],
  ['', null],
  ['5s5s', null],
])('%s is %s ms', (text, ms) => {
  expect(readTimeoutMs(text)).toBe(ms);
});
