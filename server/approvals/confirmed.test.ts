import { expect, test } from 'vitest';
import { relyingPartyOf } from '../passkeys/relyingParty';
import { unconfirmedWords } from './confirmed';

const passkey = { id: 'psk_1', name: 'Laptop' };
const confirmed = { passkey, digest: 'd' };
const at = (url: string) => () => relyingPartyOf(url);

test.each([
  ['nothing asks for it', false, null, null],
  ['confirmed', true, confirmed, null],
  ['confirmed though nothing asks', false, confirmed, null],
  [
    'not confirmed',
    true,
    null,
    /^the rule asks for a passkey: approve it in the console, https:\/\/g\.example\.com\/approvals\/req_1\. Rejecting needs none$/,
  ],
  ['another statement', true, { passkey, digest: 'other' }, /confirmed another statement/],
  ['another statement, though nothing asks', false, { passkey, digest: 'other' }, /confirmed another statement/],
])('%s', (_, asked, given, words) => {
  const why = unconfirmedWords({ id: 'req_1', passkey: asked, digest: 'd' }, given, at('https://g.example.com'));
  if (words === null) expect(why).toBeNull();
  else expect(why).toMatch(words);
});

test('where there can be no passkeys it stays unapproved, and why is said', () => {
  expect(unconfirmedWords({ id: 'req_1', passkey: true, digest: 'd' }, null, at('http://g.example.com'))).toMatch(
    /^the rule asks for a passkey, and passkeys need https/,
  );
});
