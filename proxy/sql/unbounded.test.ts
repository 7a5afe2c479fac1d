import { beforeAll, describe, expect, it } from 'vitest';
import { loadParser, parseStatements } from './parse';
import { isUnbounded } from './unbounded';

beforeAll(loadParser);

const unbounded = (text: string) => parseStatements(text).some((statement) => isUnbounded(statement.node));
const update = (where: string) => `UPDATE t SET x = 0 ${where}`;

describe('a condition that pins the target', () => {
  it.each([
    'WHERE id = 1',
    'WHERE 1 = id',
    'WHERE t.id = $1',
    'WHERE id = $1::int AND x > 2',
    'WHERE id IN (1, 2, 3)',
    'WHERE id = ANY ($1)',
    "WHERE id = ANY ('{1,2}'::int[])",
    'WHERE id BETWEEN 1 AND 10',
    'WHERE id = 1 OR id = 2',
    'WHERE x > 2 AND (id = 1 OR name = $1)',
    'WHERE id = -1 AND true',
    'FROM p WHERE p.k = 3 AND t.id = p.k',
    'FROM p, q WHERE q.z = $1 AND p.k = q.z AND p.k = t.id',
    "FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name) WHERE t.id = v.id",
    'WHERE id = (SELECT min(id) FROM t)',
    'WHERE id = (SELECT o.id FROM other o WHERE o.k = 1)',
  ])('%s', (where) => expect(unbounded(update(where))).toBe(false));
});

describe('a condition that may hold for any number of rows', () => {
  it.each([
    '',
    'WHERE true',
    'WHERE 1 = 1',
    'WHERE id = id',
    'WHERE id > $1',
    'WHERE id <> 0',
    'WHERE id IS NOT NULL',
    'WHERE true OR id = 1',
    'WHERE id = 1 OR name LIKE $1',
    'WHERE NOT id = 1',
    'WHERE id NOT IN (1)',
    'WHERE id BETWEEN 1 AND 1000000',
    'WHERE id BETWEEN $1 AND $2',
    'WHERE coalesce(id, 0) = id',
    'WHERE id = (SELECT id)',
    'WHERE id = (SELECT t.id FROM one o)',
    'WHERE id = (SELECT o.k FROM other o WHERE o.k = id)',
    'WHERE EXISTS (SELECT 1)',
    'WHERE id IN (SELECT id FROM t)',
    'WHERE CURRENT OF c',
    'FROM p WHERE p.k = 3',
    'FROM p WHERE p.id = t.id',
    'FROM (VALUES (1)) v(k) WHERE v.k = 1',
    'FROM (VALUES (1)) v(k) WHERE k = 1',
  ])('%s', (where) => expect(unbounded(update(where))).toBe(true));

  it.each([
    ['DELETE FROM t', true],
    ['DELETE FROM t USING p WHERE p.k = 1 AND t.id = p.k', false],
    ['SELECT 1', false],
    ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 1', false],
    ['INSERT INTO t SELECT * FROM u ON CONFLICT (id) DO UPDATE SET x = 1', true],
    ['INSERT INTO t SELECT * FROM u', false],
    ['MERGE INTO t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET x = 0', false],
    ['MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE', true],
    ['MERGE INTO t USING (SELECT 1 AS id) s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE', true],
    ['WITH d AS (DELETE FROM t) SELECT 1', true],
    ['EXPLAIN DELETE FROM t', false],
    ['EXPLAIN ANALYZE DELETE FROM t', true],
  ])('%s: %s', (text, expected) => expect(unbounded(text)).toBe(expected));
});
