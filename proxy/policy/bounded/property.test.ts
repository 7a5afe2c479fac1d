import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import { loadCatalog } from '../../catalog/load';
import type { CatalogSnapshot } from '../../catalog/types';
import { loadParser, parseStatements } from '../../sql/parse';
import { unboundedWrites } from './writes';

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;

/** Every table has far more rows than any condition below writes out. */
const ROWS = 400;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create table a (id int primary key, code text unique, big bigint unique, grp int, v int);
    create table b (id int primary key, a_id int, code text, grp int);
    create table pair (x int, y int, v int, primary key (x, y));
    create table loose (id int, v int); create index on loose (id);
    create table base (id int primary key, v int); create table heir () inherits (base);
    create table parts (id int, k int, v int, primary key (id, k)) partition by hash (id);
    create table parts_0 partition of parts for values with (modulus 2, remainder 0);
    create table parts_1 partition of parts for values with (modulus 2, remainder 1);
    create view av as select id as key, code, v from a where v >= 0;
    insert into a select i, case when i % 9 > 0 then 'c' || i end, i, i % 5, i from generate_series(1, ${ROWS}) i;
    insert into b select i, i % 7, 'c' || (i % 7), i % 5 from generate_series(1, ${ROWS}) i;
    insert into pair select i % 20, i / 20, i from generate_series(0, ${ROWS - 1}) i;
    insert into loose select i % 3, i from generate_series(1, ${ROWS}) i;
    insert into base select i, i from generate_series(1, ${ROWS}) i; insert into heir select ${ROWS} + i, i from generate_series(1, ${ROWS}) i;
    insert into parts select i, i % 4, i from generate_series(1, ${ROWS}) i`);
  catalog = await loadCatalog(client);
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** The most key tuples that one condition below writes out, over all its parts. */
const MOST = 60;

const number = fc.integer({ min: 0, max: 12 }).map(String);
const value = fc.oneof(
  { weight: 4, arbitrary: number },
  number.map((n) => `${n}::int`),
  number.map((n) => `(${n} + 1)`),
  fc.constantFrom('(select min(id) from b)', '(select max(a_id) from b where grp = 1)', 'abs(-3)', "'5'", 'NULL', 'random() * 9'),
);
const list = fc.array(number, { minLength: 1, maxLength: 3 }).map((items) => items.join(', '));
const query = fc.constantFrom(
  ...['select 1', 'select id from b limit 3', 'select id from b', 'select a_id from b where id = 3', 'select max(id) from b'],
  ...[
    'select t.v',
    'values (1), (2)',
    'select id from b where grp = 1 limit 5',
    'select 1 union select id from b',
    'select a_id from b group by a_id',
  ],
);

const TARGETS: Readonly<Record<string, readonly string[]>> = {
  a: ['t.id', 't.id', 't.big', 't.grp', 't.v', 't.ctid::text'],
  pair: ['t.x', 't.y', 't.x', 't.y', 't.v'],
  loose: ['t.id', 't.v'],
  base: ['t.id', 't.v'],
  'ONLY base': ['t.id', 't.id', 't.v'],
  parts: ['t.id', 't.k', 't.id', 't.k', 't.v'],
  parts_0: ['t.id', 't.k', 't.v'],
  av: ['t.key', 't.key', 't.v'],
};
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  '': [],
  'b s': ['s.id', 's.a_id', 's.grp'],
  '(select id, a_id, grp, code from b) s': ['s.id', 's.a_id', 's.grp'],
  '(select id, a_id from b limit 4) s': ['s.id', 's.a_id'],
  '(select a_id, max(id) as id from b group by a_id) s': ['s.id', 's.a_id'],
  '(values (1, 2), (5, 6)) s (id, a_id)': ['s.id', 's.a_id'],
  'b s left join a q on q.id = s.a_id and s.id = 1': ['s.id', 's.a_id', 'q.id'],
  'b s join pair p on p.x = s.id and p.y = 1': ['s.id', 's.a_id', 'p.x', 'p.v'],
  'b s join loose l using (id)': ['s.id', 's.a_id', 'l.v'],
  'unnest(array[1, 2]) s (id)': ['s.id'],
  'generate_series(1, 400) s (id)': ['s.id'],
};

/** A condition over these columns; the first of them are likelier. */
function conditionOver(columns: readonly string[]): fc.Arbitrary<string> {
  const column = fc.constantFrom(...columns);
  const atom = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(column, value).map(([c, v]) => `${c} = ${v}`) },
    { weight: 5, arbitrary: fc.tuple(column, column).map(([c, d]) => `${c} = ${d}`) },
    { weight: 2, arbitrary: fc.tuple(column, list).map(([c, vs]) => `${c} IN (${vs})`) },
    { weight: 1, arbitrary: fc.tuple(column, number).map(([c, v]) => `${c} = ANY (ARRAY[${v}, 3])`) },
    { weight: 1, arbitrary: fc.tuple(column, number).map(([c, v]) => `${c} BETWEEN 3 AND ${v}`) },
    { weight: 1, arbitrary: fc.tuple(column, number).map(([c, v]) => `${c} IS NOT DISTINCT FROM ${v}`) },
    { weight: 1, arbitrary: fc.tuple(column, number).map(([c, v]) => `${c} <> ${v}`) },
    { weight: 2, arbitrary: fc.tuple(column, query).map(([c, q]) => `${c} IN (${q})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(column, column, number, list).map(([c, d, v, vs]) => `(${c}, ${d}) IN ((${v}, 1), (2, ${vs.split(',')[0]}))`),
    },
    { weight: 1, arbitrary: fc.constantFrom('true', 'false', 't.v > 0', 'exists (select 1)', 'coalesce(t.v, 0) = t.v') },
  );
  return fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      { weight: 3, arbitrary: atom },
      { weight: 4, arbitrary: fc.tuple(tie('node'), tie('node')).map(([l, r]) => `(${l} AND ${r})`) },
      { weight: 2, arbitrary: fc.tuple(tie('node'), tie('node')).map(([l, r]) => `(${l} OR ${r})`) },
      { weight: 1, arbitrary: tie('node').map((inner) => `(NOT ${inner})`) },
      { weight: 1, arbitrary: tie('node').map((inner) => `(${inner}) IS TRUE`) },
    ),
  })).node;
}

const statement = fc
  .tuple(fc.constantFrom('update', 'delete', 'merge'), fc.constantFrom(...Object.keys(TARGETS)), fc.constantFrom(...Object.keys(SOURCES)))
  .chain(([verb, target, source]) =>
    conditionOver([...(TARGETS[target] ?? []), ...(SOURCES[source] ?? [])]).map((where) => textOf(verb, target, source, where)),
  );

describe('whatever counts as bounded', () => {
  it('changes no more rows than its text writes out keys', async () => {
    let bounded = 0;
    let unboundedOnes = 0;
    await fc.assert(
      fc.asyncProperty(statement, async (text) => {
        if (unboundedWrites(parseStatements(text)[0]?.node ?? { tag: 'Null' }, catalog, catalog.searchPath).length > 0) {
          unboundedOnes++;
          return;
        }
        const changed = await rowsChanged(text);
        if (changed === null) return;
        bounded++;
        expect(changed, text).toBeLessThanOrEqual(MOST);
      }),
      { numRuns: 4_000 },
    );
    expect(bounded).toBeGreaterThan(100);
    expect(unboundedOnes).toBeGreaterThan(100);
  }, 120_000);
});

function textOf(verb: string, table: string, from: string, where: string): string {
  switch (verb) {
    case 'delete':
      return `DELETE FROM ${table} t ${from === '' ? '' : `USING ${from}`} WHERE ${where}`;
    case 'merge':
      return `MERGE INTO ${table} t USING ${from === '' ? 'b s' : from.includes(' join ') ? `(SELECT s.* FROM ${from}) s` : from} ON ${where} WHEN MATCHED THEN DELETE`;
    default:
      return `UPDATE ${table} t SET v = 0 ${from === '' ? '' : `FROM ${from}`} WHERE ${where}`;
  }
}

/** Rolled back; null where PostgreSQL does not take it. */
async function rowsChanged(text: string): Promise<number | null> {
  await client.query('BEGIN');
  try {
    return (await client.query(text)).rowCount ?? 0;
  } catch {
    return null;
  } finally {
    await client.query('ROLLBACK');
  }
}
