import { expect, test } from 'vitest';
import { weaknessOf } from './weakness';

const OWN = ['ana.mueller', 'ana.mueller@acme-corp.com'];

test.each([
  'correct horse battery',
  'vx9Kq2mTz7Lw',
  '7319 2840 6628 15',
  'Die Katze sitzt auf dem Dach',
  'ana trinkt gern Tee am Fluss',
  'パスワードは長いほうがいいです',
  'summer rain on tin roofs',
  `${'x'.repeat(3)}Kd8!fw0q-LmZ`,
  `${'Kd8!fw0q-LmZ'.repeat(10)}abcdefgh`,
])('taken: %s', (password) => expect(weaknessOf(password, OWN)).toBeNull());

test.each([
  ['', /at least 12 characters/],
  ['vx9Kq2mTz7L', /at least 12 characters/],
  // Eleven characters of two code units each.
  ['🦊'.repeat(11), /at least 12 characters/],
  ['aZ3'.repeat(43), /at most 128 characters/],
  ['passwordpassword', /easy to guess/],
  ['P@ssw0rd1234!', /easy to guess/],
  ['password123456', /easy to guess/],
  ['qwertyuiop123', /easy to guess/],
  ['123456789012345', /easy to guess/],
  ['aaaaaaaaaaaaaaaa', /easy to guess/],
  ['abcabcabcabcabc', /easy to guess/],
  ['iloveyou-iloveyou', /easy to guess/],
  ['Gatehouse2026!!', /easy to guess/],
  ['1q2w3e4r5t6y', /easy to guess/],
  ['letmein please!', /easy to guess/],
  ['administrator1', /easy to guess/],
  ['ana.mueller2026', /easy to guess/],
  ['AnaMuellerAcme1', /easy to guess/],
  ['correct horse battery staple', /easy to guess/],
])('refused: %s', (password, why) => expect(weaknessOf(password, OWN)).toMatch(why));

test('a name of one or two letters takes nothing out of a password', () => {
  expect(weaknessOf('kaAjalLamaAr', ['a', 'al'])).toBeNull();
});
