import { expect, test } from 'vitest';
import { ceremonyWords } from './words';

const named = (name: string, cause?: Error) => Object.assign(new Error('technical', { cause }), { name });

test.each([
  [named('NotAllowedError'), /cancelled, took too long/],
  [named('WebAuthnError', named('NotAllowedError')), /cancelled/],
  [named('InvalidStateError'), /has a passkey of yours already/],
  [named('SecurityError'), /no passkeys at this address/],
  [named('ConstraintError'), /cannot make a passkey/],
  [new Error('the passkey was not accepted'), /^the passkey was not accepted$/],
  [null, /gave no passkey/],
])('%s', (error, words) => {
  expect(ceremonyWords(error)).toMatch(words);
});
