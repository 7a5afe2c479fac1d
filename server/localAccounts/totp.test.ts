import { describe, expect, test } from 'vitest';
import { newRecoveryCodes, recoveryHash } from './recoveryCodes';
import { codeAt, newTotpSecret, stepOfCode, totpUri } from './totp';

/** RFC 6238, appendix B, for SHA-1: the last six digits of its eight. */
const RFC = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const at = (seconds: number) => new Date(seconds * 1_000);

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
])('at %i s the code is %s', (seconds, code) => {
  expect(codeAt(RFC, at(seconds))).toBe(code);
  expect(stepOfCode(RFC, code, at(seconds), -1)).toBe(Math.floor(seconds / 30));
});

describe('which codes are taken at 12:00:15, step 1000', () => {
  const now = at(1_000 * 30 + 15);
  const codeOf = (step: number) => codeAt(RFC, at(step * 30));
  test.each([
    ['of now', 1_000, -1, 1_000],
    ['of the step before', 999, -1, 999],
    ['of the step after', 1_001, -1, 1_001],
    ['of two steps before', 998, -1, null],
    ['of two steps after', 1_002, -1, null],
    ['the one that was used', 1_000, 1_000, null],
    ['one of before the one that was used', 999, 1_000, null],
    ['one of after the one that was used', 1_001, 1_000, 1_001],
  ])('%s', (_what, step, lastStep, expected) => expect(stepOfCode(RFC, codeOf(step), now, lastStep)).toBe(expected));

  test.each(['', '12345', '1234567', 'abcdef', '12 456', '１２３４５６', `${codeOf(1_000)}\n`])('not even looked at: %j', (code) =>
    expect(stepOfCode(RFC, code, now, -1)).toBeNull(),
  );
});

test('a secret has 160 bits, is another each time, and the address names person and gateway', () => {
  const secret = newTotpSecret();
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  expect(newTotpSecret()).not.toBe(secret);
  const uri = new URL(totpUri(secret, { person: 'ana@acme', gateway: 'db.acme.com' }));
  expect(uri.protocol).toBe('otpauth:');
  expect(decodeURIComponent(uri.pathname)).toContain('Gatehouse db.acme.com:ana@acme');
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({ secret, issuer: 'Gatehouse db.acme.com', digits: '6', period: '30' });
});

test('recovery codes are ten, of letters that are not misread, and are known however they are typed', () => {
  const codes = newRecoveryCodes();
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$/);
  const [code = ''] = codes;
  const hash = recoveryHash(code);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  for (const typed of [code.toUpperCase(), code.replaceAll('-', ''), code.replaceAll('-', ' '), ` ${code} `])
    expect(recoveryHash(typed)).toBe(hash);
  for (const typed of ['', '123456', code.slice(1), `${code}a`, code.replace(/.$/, '0')]) expect(recoveryHash(typed)).toBeNull();
});
