import { describe, expect, test } from 'vitest';
import { comparable, linesOfPsql, readSaid } from './compare';

describe('readSaid', () => {
  test('gathers the lines of each step, in order', () => {
    expect([...readSaid(['a | 1', 'b | 2 | 3', 'a | ', 'end | 3'])]).toEqual([
      ['a', ['1', '']],
      ['b', ['2 | 3']],
    ]);
  });

  test.each([
    ['without an end', ['a | 1'], 'it stopped after: a | 1'],
    ['without anything', [], 'it stopped after: nothing'],
    ['with a line lost', ['a | 1', 'end | 2'], 'the end says 2 lines'],
    ['with more behind the end', ['a | 1', 'end | 1', 'a | 2'], 'the end says 1 lines and is line 2 of 3'],
    ['with a line of no step', ['Traceback', 'end | 1'], 'no line of a step: Traceback'],
  ])('a run %s is refused', (_name, lines, words) => expect(() => readSaid(lines)).toThrow(words));

  test('psql is read by its headings, and must come to the last', () => {
    expect(linesOfPsql('== a\n1\n\n== b\n2\n== end\n')).toEqual(['a | 1', 'a | ', 'b | 2', 'end | 3']);
    expect(linesOfPsql('== a\nx\r\n== end\n')).toEqual(['a | x\\r', 'end | 1']);
    expect(() => readSaid(linesOfPsql('== a\n1\n'))).toThrow('it stopped after');
  });
});

describe('comparable', () => {
  test.each([
    ['numbers of temporary schemas', 'schema=pg_temp_3; pg_toast_temp_4', 'schema=pg_temp_14; pg_toast_temp_5'],
    ['processes that notify', 'received from server process with PID 7.', 'received from server process with PID 99.'],
    [
      'sources of an error the gateway raised as the server does',
      'error 42601 at scan.l:1240 yyerror',
      'error 42601 at gatehouse:0 gatehouse_analysis',
    ],
  ])('%s are no difference', (_name, direct, through) => {
    const both = comparable([direct], [through]);
    expect(both.through).toEqual(both.direct);
  });

  test.each([
    ['another message', 'error a at scan.l:1 f', 'error b at gatehouse:0 gatehouse_analysis'],
    ['another source of the server', 'error a at scan.l:1 f', 'error a at scan.l:2 f'],
    ['a value', 'pid 3', 'pid 4'],
    ['a blank', 'a', 'a '],
  ])('%s is a difference', (_name, direct, through) => {
    const both = comparable([direct], [through]);
    expect(both.through).not.toEqual(both.direct);
  });
});
