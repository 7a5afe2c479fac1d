import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokensOf } from '../masking/rewrite/tokens';
import { constantsOf, termsOf } from './constants';

test.each<[string, string[]]>([
  ["select 'it''s', E'a\\nb', $$x$$, $t$y'z$t$", ["it's", 'a\nb', 'x', "y'z"]],
  ['select 1, 2.50, .5, 1e6, -3', ['1', '2.50', '.5', '1e6', '3']],
  ['select $1, a1, "1", t.c2 from x -- 5\n/* 6 */', []],
  ["insert into t values (1, 'a'), (2, 'b')", ['1', 'a', '2', 'b']],
  ["select 'open", ['open']],
])('the constants of %s', (sql, expected) => expect(constantsOf(sql)).toEqual(expected));

test('what is found of a value', () => {
  expect(termsOf(' Alice Smith ')).toEqual(['alice smith', 'alice', 'smith']);
  expect(termsOf('%')).toEqual(['%']);
  expect(termsOf('')).toEqual([]);
});

/** The tokens of a text as texts; those of a number are one. */
function piecesOf(sql: string): string[] {
  const pieces: string[] = [];
  let last = -1;
  for (const { start, end } of tokensOf(sql)) {
    const piece = sql.slice(start, end);
    const isOneNumber = start === last && /^[\d.]/.test(piece) && /^[\d.]/.test(pieces.at(-1) ?? '');
    if (isOneNumber) pieces.push(`${pieces.pop() ?? ''}${piece}`);
    else pieces.push(piece);
    last = end;
  }
  return pieces;
}

test('the constants of a text are those of its tokens, whatever stands between them', () => {
  const piece = fc.constantFrom(
    ...["'", "''", "'a'", 'e', 'E', 'U', '&', '"', '$', '$a$', '1', '.', '25', ' ', '--', '\n', '/*', '*/', '/', '-', 'x', 'é', '\\', ','],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (list) => {
      const sql = list.join('');
      expect(constantsOf(sql)).toEqual(piecesOf(sql).flatMap(constantsOf));
    }),
    { numRuns: 5_000 },
  );
});
