import { describe, expect, test } from 'vitest';
import { dice } from '../fuzz/run';
import { shapeOf } from './shape';

describe('shapeOf', () => {
  test.each([
    ["select * from t where a = 'x' and b=1", 'select * from t where a = ? and b=?'],
    ["  select\n\t1 -- one\n , 'two' /* three /* four */ five */ ;", 'select ? , ? ;'],
    ["select E'a\\'b', e'it''s', U&'\\0041' uescape '!', B'01', x'1F', N'n'", 'select ?, ?, ? uescape ?, ?, ?, ?'],
    ['select $$a$$, $t$ $$ $u$ $t$, $1, $23', 'select ?, ?, $1, $23'],
    ['select 1.5e-10, .5, 1e+5, 0x1F, 1_000, 1.', 'select ?, ?, ?, ?, ?, ?'],
    ['select "Name""x", U&"n\\0041", t1.c2, a$b$c', 'select "Name""x", U&"n\\0041", t1.c2, a$b$c'],
    ["select 'a'\n 'b' -- c\n 'd', 'e' 'f'", 'select ?, ? ?'],
    ['select -5, a-1, 2-1, 1..10', 'select -?, a-?, ?-?, ?'],
    ["insert into t values ('a''b',''),(1,2)", 'insert into t values (?,?),(?,?)'],
    ["select \"unterminated, 'x'", 'select ?'],
    ["select 'unterminated", 'select ?'],
    ["select E'ends in a backslash\\", 'select ?'],
    ['select $q$ unterminated', 'select ?'],
    ['select 1 /* unterminated', 'select ?'],
    ["select type'x', e 'y', u& 'z'", 'select type?, e ?, u& ?'],
    ['select 𝛼, naïve, \ud800 \u0000', 'select 𝛼, naïve, \ud800 \u0000'],
    ['', ''],
    [' -- nothing', ''],
  ])('%s', (text, shape) => expect(shapeOf(text)).toBe(shape));

  // One of every kind of literal, each with a canary in it, and in front of it what may confuse.
  const LITERALS = [
    "'canary'",
    "'can''canary'",
    "E'\\'canary'",
    "e'\\\\' 'canary'",
    "U&'\\0061canary'",
    "B'canary'",
    "x'canary'",
    "n'canary'",
    '$$canary$$',
    "$$'canary$$",
    '$tag$ $$ canary $tag$',
    '-- canary\n',
    "-- ' canary\n",
    '/* canary */',
    '/* /* */ canary " */',
    "/* ' */ 'canary'",
    '4canary',
    '1e-4canary',
    '.7canary',
    "'a'\n'canary'",
    "('\\', 'canary'",
  ];
  const WORDS = [
    'select',
    'a.b',
    '"na""me"',
    '$1',
    ',',
    '(',
    ')',
    '::',
    '->>',
    '||',
    '-',
    '/',
    '*',
    ' ',
    '\n',
    '\t',
    '{',
    '?',
    '@',
    'U&"x"',
    'é',
    'E',
    'u&',
    'B',
    '%',
  ];
  const OPEN = ["'canary", '"canary', "E'canary\\", '$$canary', '$a$canary$b$', '/* canary', '-- canary', "U&'canary", '"a""canary'];

  test('no constant survives, in whatever order they stand', () => {
    const roll = dice(7);
    const pick = (from: readonly string[]) => from[roll(from.length)] ?? '';
    for (let round = 0; round < 20_000; round++) {
      const parts = Array.from({ length: 1 + roll(12) }, () => (roll(2) === 0 ? pick(LITERALS) : pick(WORDS)));
      // A letter right in front of a literal would make it another: those are in the list.
      const text = `${parts.join(' ')}${roll(3) === 0 ? ` ${pick(OPEN)}` : ''}`;
      expect(shapeOf(text), text).not.toContain('canary');
    }
  });

  test('a shape is its own shape, and blanks and constants do not change it', () => {
    const roll = dice(11);
    const pick = (from: readonly string[]) => from[roll(from.length)] ?? '';
    for (let round = 0; round < 5_000; round++) {
      const text = Array.from({ length: 1 + roll(12) }, () => (roll(2) === 0 ? pick(LITERALS) : pick(WORDS))).join(' ');
      const shape = shapeOf(text);
      expect(shapeOf(shape), text).toBe(shape);
      expect(shapeOf(text.replaceAll('canary', 'c4')), text).toBe(shape);
    }
  });

  test('never throws and stays linear, whatever the bytes', () => {
    const roll = dice(3);
    for (let round = 0; round < 5_000; round++)
      shapeOf(Array.from({ length: roll(60) }, () => String.fromCharCode(roll(4) === 0 ? roll(0x10000) : roll(128))).join(''));
    const long = 400_000;
    const startedMs = performance.now();
    for (const piece of [
      "'",
      "''",
      '"',
      '$',
      '$$',
      '$a$',
      '-',
      '--',
      '/*',
      '*/',
      '1',
      '1e-',
      '.',
      "E'\\",
      ' ',
      '\n',
      "' \n",
      'a',
      '\\',
      "'\n--\n",
    ])
      shapeOf(piece.repeat(long / piece.length));
    // Quadratic, one of them alone would take minutes.
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  });
});
