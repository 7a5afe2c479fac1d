import { beforeAll, expect, test } from 'vitest';
import { factsOf } from '../sql/facts';
import { loadParser, parseStatements } from '../sql/parse';
import { costQuestion, hasCost, readCost } from './cost';

beforeAll(() => loadParser());

const factsOfText = (text: string) => {
  const [parsed] = parseStatements(text);
  if (parsed === undefined) throw new Error('no statement');
  return factsOf(parsed);
};

test.each([
  ['SELECT 1', 'SELECT 1'],
  ['WITH d AS (DELETE FROM t RETURNING 1) SELECT 2', 'WITH d AS (DELETE FROM t RETURNING 1) SELECT 2'],
  ['CREATE TABLE x AS SELECT 1', 'CREATE TABLE x AS SELECT 1'],
  ['EXECUTE p(1)', 'EXECUTE p(1)'],
  ['DECLARE c CURSOR FOR SELECT 1', 'DECLARE c CURSOR FOR SELECT 1'],
  ['EXPLAIN ANALYZE SELECT 1', 'SELECT 1'],
  ['explain (analyze, costs off)  DELETE FROM t', 'DELETE FROM t'],
  ['EXPLAIN ANALYZE VERBOSE SELECT 1', 'SELECT 1'],
  ['COPY t TO STDOUT', 'SELECT * FROM t'],
  ['COPY "a b".t (x, y) TO STDOUT', 'SELECT * FROM "a b".t'],
  ["COPY (SELECT ')' FROM t WHERE (a)) TO STDOUT (FORMAT csv)", "SELECT ')' FROM t WHERE (a)"],
])('%s is asked as %s', (text, asked) => {
  expect(hasCost(factsOfText(text))).toBe(true);
  expect(costQuestion(factsOfText(text), text)).toMatchObject({ kind: 'explain', sql: `EXPLAIN (FORMAT JSON) ${asked}` });
});

test.each([
  'EXPLAIN SELECT 1',
  'PREPARE p AS SELECT 1',
  'CREATE TABLE x (id int)',
  'SET work_mem = 1',
  'VACUUM',
  'BEGIN',
  'FETCH ALL FROM c',
  'SHOW all',
])('%s costs nothing that could be estimated', (text) => {
  expect(hasCost(factsOfText(text))).toBe(false);
});

test('what has a plan and hides it is not known', () => {
  const facts = factsOfText('REFRESH MATERIALIZED VIEW m');
  expect(hasCost(facts)).toBe(true);
  expect(costQuestion(facts, 'REFRESH MATERIALIZED VIEW m')).toMatchObject({ kind: 'unknown' });
});

test.each([
  ['[{"Plan": {"Node Type": "Result", "Total Cost": 12.5}}]', 12.5],
  ['[{"Plan": {}}]', null],
  ['[]', null],
  ['[{"Plan": {"Total Cost": "12"}}]', null],
  ['Result (cost=0.00..0.01)', null],
  [null, null],
])('the answer %s means %s', (cell, cost) => {
  expect(readCost(cell)).toBe(cost);
});
