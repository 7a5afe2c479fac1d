import { expect, test } from 'vitest';
import { shorterTimeoutMs } from './settings';

test.each([
  ['500', 500],
  ['2s', 2_000],
  ['0.5 s', 500],
  ['1min', 30_000],
  ['0', 30_000],
  ['0.1us', 30_000],
  ['-1', 30_000],
  ['soon', 30_000],
  ['5 parsecs', 30_000],
  [undefined, 30_000],
])('a client that asks for statement_timeout %s under a limit of 30 s gets %d ms', (asked, expected) => {
  expect(shorterTimeoutMs(asked, 30_000)).toBe(expected);
});
