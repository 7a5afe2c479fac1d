import { scanSync } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../sql/parse';
import { tokensOf } from './tokens';

beforeAll(loadParser);

describe('names stand where PostgreSQL’s own scanner has them', () => {
  test.each([
    'select a from t',
    'select "a ""b" , "from" from"t"where"x"=1',
    `select 'it''s t', E'\\'t', e'a\\\\' , t.x from t`,
    `select U&"\\0074" uescape '!', u&'\\0074', U&"x" from T`,
    'select $$ from t $$, $a$ $$ t $a$, $1, a$b from t',
    '-- from t\nselect 1 /* from /* t */ t */ from t',
    '-- from t\rselect a from t',
    'select 1 as é, 日本語 from "Ünï"',
    `select b'101', x'1F', 1e5, 1.5, .5, 0x1F, 1_000 from t`,
    'select a->>b, c::d, a.b.c, a[1:2], @a, a||b from t',
    'select a\f,\vb from\tt',
    `select 'a'\n'b' , t from t`,
  ])('%j', (text) => {
    const bytes = Buffer.from(text);
    const units = (byte: number) => bytes.toString('utf8', 0, byte).length;
    const words = scanSync(text)
      .tokens.filter((token) => /^(?:[uU]&)?"|^[A-Za-z_\u0080-\uffff]/.test(token.text) && !/^(?:[eEbBxX]|[uU]&)'/.test(token.text))
      .map((token) => [units(token.start), units(token.end)]);
    const own = tokensOf(text)
      .filter(({ kind, start, end }) => kind !== 'other' && !/^[bx]$/i.test(text[end] === "'" ? text.slice(start, end) : ''))
      .map(({ start, end }) => [start, end]);
    expect(own).toEqual(words);
  });
});
