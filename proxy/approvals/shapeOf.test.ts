import { beforeAll, describe, expect, test } from 'vitest';
import { factsOf } from '../sql/facts';
import { loadParser, parseStatements } from '../sql/parse';
import { shapeOf } from './shapeOf';

beforeAll(() => loadParser());

const NONE = Buffer.alloc(0);
const shape = (sql: string, parameters: Uint8Array = NONE, scope: readonly string[] = ['bot', 'shop']) =>
  shapeOf(
    sql,
    parseStatements(sql).map((statement) => {
      const facts = factsOf(statement);
      return { facts: { ...facts, unboundedWrites: isBounded(facts.text) ? [] : [UNBOUNDED] }, relations: [] };
    }),
    { parameters, scope },
  );

const UNBOUNDED = { command: 'DELETE', relation: 'public.t', advice: 'pin t.id', indexAdvice: 'pin t.id' } as const;
/** As if id were the key of every table. */
const isBounded = (text: string) => !/^(delete|update)/i.test(text.trim()) || (/where id (=|in) /i.test(text) && !/ or /i.test(text));

describe('what a shape leaves open', () => {
  test.each([
    ['DELETE FROM t WHERE id = 1', 'delete  from t where id = 2'],
    ["UPDATE t SET a = 'x', b = 1 WHERE id = 5", "UPDATE t SET a = 'y', b = 2 WHERE id = 6"],
    ["INSERT INTO t (a, b) VALUES (1, 'x')", "INSERT INTO t (a, b) VALUES (2, 'y')"],
    ['DELETE FROM t WHERE id IN (1, 2)', 'DELETE FROM t WHERE id IN (3, 4)'],
    ['SELECT a FROM t WHERE b > 1 AND 5 = id', 'SELECT a FROM t WHERE b > 2 AND 6 = id'],
    ['DELETE FROM t WHERE id = 1; DELETE FROM u WHERE id = 1', 'DELETE FROM t WHERE id = 2; DELETE FROM u WHERE id = 3'],
  ])('%s covers %s', (one, other) => {
    expect(shape(one).exact).toBe(false);
    expect(shape(one)).toEqual(shape(other));
  });

  test('parameters that are compared or stored', () => {
    const sql = 'UPDATE t SET a = $1 WHERE id = $2';
    expect(shape(sql, Buffer.from('one'))).toEqual(shape(sql, Buffer.from('two')));
  });
});

describe('what a shape does not leave open', () => {
  test.each([
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM t'],
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM t WHERE id = 1 OR 1 = 1'],
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM t WHERE id <> 1'],
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM u WHERE id = 1'],
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM s.t WHERE id = 1'],
    ['DELETE FROM t WHERE id = 1', 'DELETE FROM t WHERE id = NULL'],
    ['DELETE FROM t WHERE id = 1 OR 1 = 2', 'DELETE FROM t WHERE id = 1 OR 1 = 1'],
    ['DELETE FROM t WHERE id IN (1, 2)', 'DELETE FROM t WHERE id IN (1, 2, 3)'],
    ['UPDATE t SET a = 1 WHERE id = 1', 'UPDATE t SET b = 1 WHERE id = 1'],
    ['UPDATE t SET a = true WHERE id = 1', 'UPDATE t SET a = false WHERE id = 1'],
    ['UPDATE t SET a = a + 1 WHERE id = 1', 'UPDATE t SET a = a + 2 WHERE id = 1'],
    ['SELECT a FROM t LIMIT 1', 'SELECT a FROM t LIMIT 1000000'],
    ["SELECT a FROM t WHERE b LIKE 'x'", "SELECT a FROM t WHERE b LIKE '%'"],
    ["SELECT nextval('a'::regclass)", "SELECT nextval('b'::regclass)"],
    ["SELECT set_config('role', 'a', false)", "SELECT set_config('role', 'b', false)"],
    ["SET role = 'a'", "SET role = 'b'"],
    ["DO 'BEGIN END'", "DO 'BEGIN NULL; END'"],
    ["COPY t TO PROGRAM 'a'", "COPY t TO PROGRAM 'b'"],
    ['EXECUTE p(1)', 'EXECUTE p(2)'],
    ['TRUNCATE t', 'TRUNCATE t CASCADE'],
    ["SELECT q::regclass FROM (VALUES ('t')) v(q)", "SELECT q::regclass FROM (VALUES ('u')) v(q)"],
    ["WITH v (q) AS (VALUES ('a')) SELECT f(q) FROM v", "WITH v (q) AS (VALUES ('b')) SELECT f(q) FROM v"],
    ['SELECT a FROM t WHERE b OPERATOR(s.=) 1', 'SELECT a FROM t WHERE b OPERATOR(s.=) 2'],
  ])('%s does not cover %s', (one, other) => {
    expect(shape(one).digest).not.toBe(shape(other).digest);
  });

  test('an unbounded write and a statement that is not data are their exact text', () => {
    for (const sql of ['DELETE FROM t', 'DELETE FROM t WHERE a > 1', 'TRUNCATE t', "SET x.y = '1'", 'EXECUTE p(1)'])
      expect(shape(sql)).toMatchObject({ exact: true });
    expect(shape('DELETE FROM t WHERE a > 1').digest).not.toBe(shape('DELETE FROM t WHERE a > 2').digest);
  });

  test('parameters of a function, and of a text that has to be the same', () => {
    for (const sql of ['SELECT f($1) FROM t', 'DELETE FROM t WHERE a > $1'])
      expect(shape(sql, Buffer.from('one')).digest).not.toBe(shape(sql, Buffer.from('two')).digest);
  });

  test('somebody else, somewhere else', () => {
    expect(shape('SELECT 1', NONE, ['bot', 'shop']).digest).not.toBe(shape('SELECT 1', NONE, ['bots', 'hop']).digest);
  });
});
