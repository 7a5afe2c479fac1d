import { describe, expect, it } from 'vitest';
import { normalised } from './normalised';

describe('a statement as patterns find it', () => {
  it.each([
    ['SELECT  1', 'select 1', 'select 1'],
    ['SELECT pg_sleep /* a /* b */ c */ ( 1 )', 'select pg_sleep ( 1 )', 'select pg_sleep(1)'],
    ['SELECT pg_sleep--x\n(1)', 'select pg_sleep (1)', 'select pg_sleep(1)'],
    ['SELECT "Pg_Sleep" (1)', 'select Pg_Sleep (1)', 'select Pg_Sleep(1)'],
    ['SELECT U&"pg\\005fsleep"(1)', 'select pg_sleep(1)', 'select pg_sleep(1)'],
    ['SELECT U&"d\\+000072op"', 'select drop', 'select drop'],
    ['a . "b""c"', 'a . b"c', 'a.b"c'],
    ["SELECT E'\\x44ROP \\124ABLE\\n'", "select 'DROP TABLE\n'", "select 'DROP TABLE\n'"],
    ["SELECT E'it''s \\' \\u0041'", "select 'it's ' A'", "select 'it's ' A'"],
    ["SELECT 'A -- /* b' --c", "select 'A -- /* b'", "select 'A -- /* b'"],
    ['DO $x$ DROP  $$ TABLE $x$', "do ' DROP  $$ TABLE '", "do ' DROP  $$ TABLE '"],
    ['a$b$c $1', 'a$b$c $1', 'a$b$c $1'],
    ['x = $1 AND y=2', 'x = $1 and y=2', 'x=$1 and y=2'],
    ['/* only */', '', ''],
    ['unfinished /* comment', 'unfinished', 'unfinished'],
    ["unfinished 'string", "unfinished 'string", "unfinished'string"],
    ['größe  "Ä"', 'größe Ä', 'größe Ä'],
  ])('%s', (text, spaced, tight) => expect(normalised(text)).toEqual({ spaced, tight }));

  it('time grows with the text', () => {
    const startedAt = performance.now();
    for (const part of ['"', "'", '/*', '$$', "E'\\", 'a ', '$a', 'U&"']) normalised(part.repeat(Math.floor(100_000 / part.length)));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
