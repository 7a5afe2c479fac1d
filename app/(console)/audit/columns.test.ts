import { expect, test } from 'vitest';
import { columnsOf, columnsText, DEFAULT_COLUMNS, fitting } from './columns';

test.each([
  [[], DEFAULT_COLUMNS],
  [
    ['who', 'time'],
    ['time', 'who', 'statement'],
  ],
  [['colour'], ['statement']],
])('%j shows %j', (names, columns) => {
  expect(columnsOf(names)).toEqual(columns);
});

test('the default leaves the URL clean, and what is chosen comes back from it', () => {
  expect(columnsText(columnsOf([]))).toBeNull();
  expect(columnsOf(columnsText(['time', 'statement', 'rule']) ?? [])).toEqual(['time', 'statement', 'rule']);
});

test('less room leaves out what a row can say in its second line, never the statement', () => {
  expect(fitting(DEFAULT_COLUMNS, 2_000)).toEqual(DEFAULT_COLUMNS);
  expect(fitting(DEFAULT_COLUMNS, 1_000)).not.toContain('kind');
  expect(fitting(DEFAULT_COLUMNS, 640)).toEqual(['time', 'who', 'statement', 'rows', 'verdict']);
});
