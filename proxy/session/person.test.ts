import { expect, test } from 'vitest';
import type { Principal } from '../policy/types';
import { applicationNameOf, sessionVariables, shownApplicationName } from './person';

const SESSION = 'ses_01jdxk3v5w9qe8m2n4p6r8t0v1';

test.each([
  ['psql', 'ana', `psql [ana ${SESSION}]`],
  ['', 'ana', `[ana ${SESSION}]`],
  ['a very long application name that does not fit', 'ana', `a very long application na [ana ${SESSION}]`],
  ['psql', 'x'.repeat(80), ` [${'x'.repeat(29)} ${SESSION}]`.trimStart()],
  ['naïve\u0007', 'ána', `na?ve? [?na ${SESSION}]`],
])('%j of %j is %j', (application, principal, expected) => {
  const name = applicationNameOf(application, principal, SESSION);
  expect(name).toBe(expected);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  expect(name).toContain(SESSION);
});

test('what a client is shown is what the server would have said of its own', () => {
  expect(shownApplicationName('näme')).toBe('n?me');
  expect(shownApplicationName('x'.repeat(70))).toBe('x'.repeat(63));
});

test('a group of any name is one group', () => {
  const principal = { name: 'bot', groups: ['dba', 'a","b'], owner: { name: 'ana' } } as unknown as Principal;
  const all = sessionVariables(
    { variables: { 'app.user': 'principal', 'app.groups': 'groups', 'app.owner': 'owner', 'app.session': 'session' } },
    { principal, sessionId: SESSION },
  );
  expect(all).toEqual({ 'app.user': 'bot', 'app.groups': '["dba","a\\",\\"b"]', 'app.owner': 'ana', 'app.session': SESSION });
  expect(JSON.parse(all['app.groups'] ?? '')).toEqual(principal.groups);
});
