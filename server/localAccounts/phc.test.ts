import { expect, test } from 'vitest';
import { formatPhc, isOutdated, PARAMETERS, parsePhc } from './phc';

const salt = Buffer.alloc(16, 7);
const hash = Buffer.alloc(32, 9);
const S = 'BwcHBwcHBwcHBwcHBwcHBw';
const H = 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk';

test('what is written is read again, parameters and all', () => {
  const text = `$scrypt$ln=17,r=8,p=1$${S}$${H}`;
  expect(formatPhc({ ...PARAMETERS, salt, hash })).toBe(text);
  expect(parsePhc(text)).toEqual({ ln: 17, r: 8, p: 1, salt, hash });
});

test.each([
  ['nothing', ''],
  ['another function', `$argon2id$ln=17,r=8,p=1$${S}$${H}`],
  ['no salt', `$scrypt$ln=17,r=8,p=1$$${H}`],
  ['a short salt', `$scrypt$ln=17,r=8,p=1$BwcH$${H}`],
  ['no hash', `$scrypt$ln=17,r=8,p=1$${S}$`],
  ['a short hash, which more passwords would have', `$scrypt$ln=17,r=8,p=1$${S}$CQkJCQ`],
  ['padding', `$scrypt$ln=17,r=8,p=1$${S}==$${H}=`],
  ['bits that no byte has: the same hash must not have two spellings', `$scrypt$ln=17,r=8,p=1$${S.slice(0, -1)}x$${H}`],
  ['no work', `$scrypt$ln=0,r=8,p=1$${S}$${H}`],
  ['leading zeros', `$scrypt$ln=17,r=08,p=1$${S}$${H}`],
  ['gigabytes', `$scrypt$ln=23,r=8,p=1$${S}$${H}`],
  ['hours', `$scrypt$ln=17,r=8,p=99$${S}$${H}`],
  ['something behind it', `$scrypt$ln=17,r=8,p=1$${S}$${H}$x`],
])('not read: %s', (_why, text) => expect(parsePhc(text)).toBeNull());

test.each([
  [{ ln: 17, r: 8, p: 1 }, false],
  [{ ln: 18, r: 8, p: 1 }, false],
  [{ ln: 16, r: 8, p: 1 }, true],
  [{ ln: 17, r: 4, p: 1 }, true],
])('made with %o, it is hashed anew: %s', (parameters, outdated) => expect(isOutdated(parameters, PARAMETERS)).toBe(outdated));
