import { expect, test } from 'vitest';
import { unconfirmable } from './unconfirmable';

const approval = { groups: [], count: 1, expiresInMs: 60_000 };
const asking = { name: 'review', mode: 'enforce', approval: { ...approval, passkey: 'required' } } as const;

test.each([
  ['http://gate.corp.example:3000', /^rule review asks for a passkey, .* cannot be approved: passkeys need https, .* set CONSOLE_URL/],
  ['http://10.0.0.7:3000', /passkeys need a host name, .*10\.0\.0\.7/],
  ['https://10.0.0.7', /passkeys need a host name/],
])('at %s it is said why', (consoleUrl, words) => {
  expect(unconfirmable([asking], consoleUrl)).toEqual([expect.stringMatching(words)]);
});

test.each(['https://gate.corp.example', 'http://localhost:3000', 'http://127.0.0.1:3000', null])('at %s there is nothing to say', (url) => {
  expect(unconfirmable([asking], url)).toEqual([]);
});

test('only of rules that ask for one and are in force', () => {
  const rules = [
    { ...asking, name: 'off', mode: 'off' },
    { ...asking, name: 'plain', approval },
    { ...asking, name: 'deny', approval: null },
    { ...asking, name: 'watch', mode: 'observe' },
  ] as const;
  expect(unconfirmable(rules, 'http://gate.corp.example').map((words) => words.split(' ')[1])).toEqual(['watch']);
});
