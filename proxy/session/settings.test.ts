import { expect, test } from 'vitest';
import { readStartUp, shorterTimeoutMs } from './settings';

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

const read = (options: string) =>
  readStartUp(
    new Map([
      ['user', 'bot'],
      ['options', options],
    ]),
  );

test('break-glass needs a reason, and none of it goes upstream', () => {
  const request = read('-c gatehouse.break_glass=on -c gatehouse.reason=INC-42');
  expect(request).toMatchObject({ breakGlass: true, reason: 'INC-42', upstream: {} });
  expect(read('-c gatehouse.break_glass=off').breakGlass).toBe(false);
  expect(() => read('-c gatehouse.break_glass=on')).toThrow(/needs a reason/);
  expect(() => read('-c gatehouse.break_glass=on -c gatehouse.reason=\\ ')).toThrow(/needs a reason/);
  expect(() => read('-c gatehouse.break_glass=maybe -c gatehouse.reason=x')).toThrow(/is not offered/);
});

test('how a client wants to be asked who it is, and whom to hear of', () => {
  expect(read('-c gatehouse.sign_in=oauth -c gatehouse.issuer=okta')).toMatchObject({ signIn: 'oauth', issuer: 'okta', upstream: {} });
  expect(read('')).toMatchObject({ signIn: null, issuer: null });
  expect(() => read('-c gatehouse.sign_in=kerberos')).toThrow(/is not offered/);
});
