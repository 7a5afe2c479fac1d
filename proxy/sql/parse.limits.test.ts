import { beforeAll, expect, test } from 'vitest';
import { loadParser, parseStatements, SqlTooComplexError } from './parse';

beforeAll(loadParser);
const many = 'select 1;'.repeat(3_000);

test.each([
  ['plain', many],
  ['behind an escaped quote', `select E'\\''; ${many}`],
  ['behind a quote in a nested comment', `/* /* */ ' */ ${many}`],
  ['behind a name with dollars', `select 1 as a$$; ${many}`],
  ['behind a quote in a comment', `-- it's\n${many}`],
])('a text of very many statements is refused: %s', (_, text) => {
  expect(() => parseStatements(text)).toThrow(SqlTooComplexError);
});

test.each([
  ['text', `select '${';'.repeat(10_000)}'`],
  ['escapes', `select E'\\'${';'.repeat(10_000)}'`],
  ['dollar quotes', `do $a$ ${';'.repeat(10_000)} $$ $a$`],
  ['comments', `/* ${';'.repeat(10_000)} /* ' */ */ select 1`],
])('semicolons in %s are no statements', (_, text) => {
  expect(parseStatements(text).length).toBe(1);
});

test('positions of statements behind characters of several bytes', () => {
  const text = "select 'é'; select 'ü€'; select 3";
  expect(parseStatements(text).map((statement) => text.slice(statement.location, statement.location + statement.text.length))).toEqual([
    "select 'é'",
    "select 'ü€'",
    'select 3',
  ]);
});
