import { expect, test } from 'vitest';
import { relyingPartyOf } from './relyingParty';

test.each([
  ['https://gatehouse.example.com', 'gatehouse.example.com', 'https://gatehouse.example.com'],
  ['https://gatehouse.example.com:8443', 'gatehouse.example.com', 'https://gatehouse.example.com:8443'],
  ['http://localhost:3000', 'localhost', 'http://localhost:3000'],
  // A browser takes no passkeys for an address, and this one has a name.
  ['http://127.0.0.1:3000', 'localhost', 'http://localhost:3000'],
  ['http://[::1]:3000', 'localhost', 'http://localhost:3000'],
  ['http://127.0.0.1', 'localhost', 'http://localhost'],
])('%s', (url, id, origin) => {
  expect(relyingPartyOf(url)).toEqual({ state: 'on', id, origin });
});

test.each([
  ['http://gatehouse.example.com', /^passkeys need https, .* at http:\/\/gatehouse\.example\.com: set CONSOLE_URL/],
  ['http://localhost.example.com', /need https/],
  ['http://10.0.0.7:3000', /^passkeys need a host name, .* at http:\/\/10\.0\.0\.7:3000/],
  ['https://10.0.0.7', /need a host name/],
  ['https://127.0.0.1', /need a host name/],
  ['https://[2001:db8::1]', /need a host name/],
])('none at %s, in words', (url, why) => {
  const party = relyingPartyOf(url);
  expect(party.state === 'off' ? party.why : party).toMatch(why);
});
