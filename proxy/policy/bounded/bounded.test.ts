import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import { loadCatalog } from '../../catalog/load';
import type { CatalogSnapshot } from '../../catalog/types';
import { loadParser, parseStatements } from '../../sql/parse';
import type { UnboundedWrite } from '../../sql/types';
import { unboundedWrites } from './writes';

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create extension citext;
    create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = true);
    create domain code as text check (value <> '');
    create table p (id int primary key, sku text unique not null, title text, price numeric, big bigint unique, ref int, at timestamp unique,
      vc varchar(20) unique, num numeric unique, ci citext unique, dom code unique, maybe int unique, d date, late int);
    create index on p (title); create index on p (price) where price > 0; create index on p (lower(title));
    create unique index on p (ref) where ref > 0; create unique index on p (lower(sku)); create index on p (d, late);
    alter table p add constraint late_key unique (late) deferrable;
    create table o (id int primary key, p_id int, note text, amount float8); create index on o (p_id);
    create table lines (o_id int, line int, qty int, primary key (o_id, line));
    create table bare (id int, x int); create table empty_key (a int, b int, unique (a, b));
    create table parent (id int primary key, x int); create table child () inherits (parent);
    create table keyed (id int primary key, x int); create table keyed_child (primary key (id)) inherits (keyed);
    create table parts (id int, at date, x int, primary key (id, at)) partition by range (at);
    create table parts_1 partition of parts for values from ('2024-01-01') to ('2025-01-01');
    create table split (id int, at date, x int, primary key (id, at)) partition by range (at);
    create table split_1 partition of split for values from ('2024-01-01') to ('2025-01-01'); create unique index on split_1 (id);
    create table split_2 partition of split default; create unique index on split_2 (id);
    create table mixed (id int, at date, x int, primary key (id, at)) partition by range (at);
    create table mixed_1 partition of mixed for values from ('2024-01-01') to ('2025-01-01'); create unique index on mixed_1 (id);
    create table mixed_2 partition of mixed default; create table empty_parts (id int primary key, x int) partition by range (id);
    create view pv as select id as key, title as name, price from p where price > 0;
    create view pvv as select key, name from pv; create view nokey as select title, price from p;
    create view joined as select p.id, o.note from p join o on o.p_id = p.id; create view one as select 1 as id;
    create materialized view mv as select id, title from p; create unique index on mv (id);
    create table ruled (id int primary key, x int); create rule r as on delete to ruled do also delete from bare;
    create schema other; create table other.p (id int, x int); create table other.only_there (id int primary key, x int);
    create function mine(int) returns int language sql immutable as 'select $1';
    create function gen(bare) returns setof int language sql as 'select 1';
  `);
  catalog = await loadCatalog(client);
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

function unbounded(text: string, known = catalog, path: readonly string[] | null = known.searchPath): readonly UnboundedWrite[] {
  return parseStatements(text).flatMap((statement) => unboundedWrites(statement.node, known, path));
}
const advice = (text: string) => unbounded(text).map((write) => write.advice);

/** `p` where nothing else is said. */
const asUpdate = (rest: string) => (/^(WHERE|FROM|$)/.test(rest) ? `UPDATE p SET price = 0 ${rest}` : rest);

describe('bounded by a key of the target', () => {
  it.each([
    'WHERE id = 1',
    'WHERE 1 = id',
    'WHERE p.id = $1',
    'WHERE public.p.id = $1',
    'WHERE id = $1::int AND price > 2',
    'WHERE id = -1 AND true',
    "WHERE id = '5'",
    'WHERE id = 2 + 3 * 4',
    'WHERE id = abs(-5)',
    'WHERE id = coalesce($1, 0)',
    'WHERE id = CASE WHEN $1 THEN 1 ELSE 2 END',
    'WHERE id = NULL',
    'WHERE id IN (1, 2, 3)',
    'WHERE id IN ($1, $2)',
    'WHERE id = ANY ($1)',
    'WHERE id = SOME ($1)',
    "WHERE id = ANY ('{1,2}'::int[])",
    'WHERE id = ANY (ARRAY[1, 2, $1])',
    "WHERE id = ANY (string_to_array($1, ',')::int[])",
    'WHERE id = ANY (ARRAY(SELECT id FROM o LIMIT 5))',
    'WHERE id BETWEEN 1 AND 10',
    'WHERE id BETWEEN SYMMETRIC 10 AND 1',
    'WHERE id IS NOT DISTINCT FROM 3',
    'WHERE (id = 1) IS TRUE',
    'WHERE id OPERATOR(pg_catalog.=) 1',
    "WHERE sku = 'SKU-1'",
    "WHERE ci = 'x'",
    "WHERE dom = 'x'",
    "WHERE sku = 'a' || 'b'",
    'WHERE maybe = 1',
    'WHERE big = 1',
    'WHERE big = $1',
    'WHERE big = $1::bigint',
    'WHERE big = $1 + 1',
    'WHERE big = (SELECT max(big) FROM p)',
    "WHERE vc = 'x'::text",
    "WHERE at = '2024-01-01'::date",
    "WHERE at = timestamp '2024-01-01'",
    'WHERE num = 1.5',
    'WHERE id = 1.5',
    'WHERE id = 1.5::float8',
    "WHERE ctid = '(0,1)'",
    'WHERE ctid = ANY (\'{"(0,1)"}\'::tid[])',
    'WHERE ctid IN (SELECT ctid FROM p WHERE price > 0 LIMIT 100)',
    'WHERE id = 1 OR id = 2',
    "WHERE id = 1 OR sku = 'x'",
    'WHERE (id = 1 AND price > 0) OR (id = 2 AND price < 0)',
    'WHERE id = 1 OR false',
    'WHERE price > 2 AND (id = 1 OR sku = $1)',
    'WHERE ((id = 1) AND ((price > 0)))',
    'WHERE (id, price) = (1, 2)',
    'WHERE (id, price) IN ((1, 2), (3, 4))',
    'WHERE id = (SELECT min(id) FROM p)',
    'WHERE id = (SELECT o.id FROM o WHERE o.p_id = 1)',
    'WHERE id = (SELECT p_id FROM o ORDER BY note LIMIT 1 FOR UPDATE SKIP LOCKED)',
    'WHERE id IN (SELECT id FROM p WHERE price > 0 LIMIT 10)',
    'WHERE id IN (SELECT id FROM p WHERE price > 0 ORDER BY id FETCH FIRST 10 ROWS ONLY)',
    "WHERE id IN (SELECT id FROM p WHERE sku = 'x')",
    'WHERE id IN (SELECT p_id FROM o WHERE o.id = 3)',
    'WHERE id IN (VALUES (1), (2))',
    'WHERE id IN (WITH s AS (SELECT 1 AS k), r AS (SELECT k FROM s) SELECT k FROM r)',
    'WHERE id IN (SELECT 1 UNION SELECT 2)',
    'WHERE id IN (SELECT max(id) FROM p)',
    'WHERE (id, price) IN (SELECT 1, 2)',
    'FROM o WHERE o.id = 3 AND p.id = o.id',
    'FROM o WHERE o.p_id = 3 AND p.id = o.p_id',
    'FROM o WHERE o.id = 3 AND p.id = o.p_id',
    'FROM o JOIN lines l ON l.o_id = o.id WHERE l.o_id = 1 AND l.line = 2 AND p.id = o.id',
    'FROM o LEFT JOIN lines l ON l.o_id = o.id AND l.line = 1 WHERE o.id = 3 AND p.id = l.qty',
    'FROM o JOIN lines l ON true WHERE o.id = 1 AND p.id = o.p_id',
    'FROM o JOIN bare USING (id) WHERE bare.id = 3 AND p.id = o.id',
    "FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name) WHERE p.id = v.id",
    'FROM (SELECT id FROM o LIMIT 10) s WHERE p.id = s.id',
    'FROM (SELECT o.p_id AS k FROM o WHERE o.id = $1) s WHERE p.id = s.k',
    'FROM (SELECT id, p_id FROM o) s WHERE s.id = 1 AND p.id = s.p_id',
    'FROM unnest($1::int[], $2::text[]) AS u(id, title) WHERE p.id = u.id',
    'FROM unnest($1::int[]) AS u WHERE p.id = u',
    'FROM jsonb_to_recordset($1) AS x(id int, price numeric) WHERE p.id = x.id',
    'FROM pv WHERE pv.key = 3 AND p.id = pv.key',
    'FROM mv WHERE mv.id = 3 AND p.id = mv.id',
    'FROM one WHERE p.id = one.id',
    'WITH s AS (SELECT id FROM o LIMIT 5 FOR UPDATE SKIP LOCKED) UPDATE p SET price = 0 FROM s WHERE p.id = s.id',
    'WITH s AS (SELECT 1 AS id) UPDATE p SET price = 0 FROM s WHERE p.id = s.id',
    'WITH s (k) AS (VALUES (1)) UPDATE p SET price = 0 WHERE id IN (SELECT k FROM s)',
    'WITH d AS (DELETE FROM o WHERE id = 1 RETURNING p_id) UPDATE p SET price = 0 FROM d WHERE p.id = d.p_id',
    'WITH a AS (VALUES (1)), b AS (UPDATE p SET price = 0 FROM a WHERE p.id = a.column1 RETURNING 1) SELECT * FROM b',
    'WITH o AS (SELECT 1 AS id), d AS (DELETE FROM p USING o WHERE p.id = o.id RETURNING 1) SELECT * FROM d',
    'PREPARE x AS WITH s AS (SELECT 1 AS id) DELETE FROM p USING s WHERE p.id = s.id',
    'UPDATE p AS t SET price = 0 WHERE t.id = 1',
    'UPDATE lines SET qty = 0 WHERE o_id = 1 AND line = 2',
    'UPDATE lines SET qty = 0 WHERE (o_id, line) IN ((1, 2), (1, 3))',
    'UPDATE lines SET qty = 0 WHERE o_id = 1 AND line BETWEEN 1 AND 9',
    'UPDATE lines SET qty = 0 WHERE (o_id = 1 AND line = 2) OR (o_id = 2 AND line = 1)',
    'UPDATE ONLY parent SET x = 0 WHERE id = 1',
    'UPDATE parent SET x = 0 WHERE id = 1',
    'UPDATE keyed SET x = 0 WHERE id = 1',
    "UPDATE parts SET x = 0 WHERE id = 1 AND at = '2024-05-05'",
    "UPDATE parts_1 SET x = 0 WHERE id = 1 AND at = '2024-05-05'",
    'UPDATE split SET x = 0 WHERE id = 1',
    "UPDATE mixed SET x = 0 WHERE id = 1 AND at = '2024-05-05'",
    'UPDATE mixed_1 SET x = 0 WHERE id = 1',
    'UPDATE empty_parts SET x = 0 WHERE id = 1',
    'UPDATE pv SET price = 0 WHERE key = 1',
    'UPDATE pvv SET name = $1 WHERE key = 1',
    'UPDATE other.only_there SET x = 0 WHERE id = 1',
    'DELETE FROM p WHERE id = 1',
    'DELETE FROM p USING o WHERE o.id = 1 AND p.id = o.p_id',
    "DELETE FROM bare WHERE ctid = '(0,1)'",
    'UPDATE ruled SET x = 0 WHERE id = 1',
    'SELECT 1',
    'INSERT INTO p (id) SELECT id FROM o',
    'INSERT INTO p (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET price = 1',
    'INSERT INTO p (id) SELECT 1, 2 ON CONFLICT (id) DO UPDATE SET price = 1',
    'INSERT INTO p DEFAULT VALUES ON CONFLICT (id) DO UPDATE SET price = 1',
    'INSERT INTO p (id) SELECT id FROM o WHERE id = $1 ON CONFLICT (id) DO UPDATE SET price = 1',
    'INSERT INTO p (id) SELECT id FROM o LIMIT 100 ON CONFLICT (id) DO UPDATE SET price = 1',
    'INSERT INTO p (id) SELECT id FROM o ON CONFLICT (id) DO NOTHING',
    'INSERT INTO p (id) SELECT id FROM o ON CONFLICT (id) DO UPDATE SET price = 1 WHERE p.id = 5',
    'MERGE INTO p USING (SELECT 1 AS id) s ON p.id = s.id WHEN MATCHED THEN UPDATE SET price = 0',
    'MERGE INTO p USING (VALUES (1, 2)) s(id, v) ON p.id = s.id WHEN MATCHED THEN UPDATE SET price = 0 WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)',
    'MERGE INTO p USING o ON p.id = o.p_id AND o.id = 1 WHEN MATCHED THEN DELETE',
    'MERGE INTO p USING o ON p.id = o.p_id WHEN MATCHED AND o.id = 1 THEN DELETE WHEN NOT MATCHED THEN DO NOTHING',
    'EXPLAIN DELETE FROM p',
  ])('%s', (rest) => expect(unbounded(asUpdate(rest))).toEqual([]));
});

describe('not bounded', () => {
  it.each([
    '',
    'WHERE true',
    'WHERE 1 = 1',
    'WHERE id = id',
    'WHERE p.id = id',
    'WHERE id + 0 = id',
    'WHERE id > $1',
    'WHERE id >= 0',
    'WHERE id <> 0',
    'WHERE id IS NOT NULL',
    'WHERE id IS NOT DISTINCT FROM $1',
    'WHERE id IS NOT DISTINCT FROM NULL',
    'WHERE id IS NOT DISTINCT FROM id',
    'WHERE true OR id = 1',
    'WHERE id = 1 OR title LIKE $1',
    'WHERE id = 1 OR $1',
    'WHERE NOT id = 1',
    'WHERE (id = 1) IS NOT TRUE',
    'WHERE (id = 1) IS NOT NULL',
    'WHERE (id = 1) = false',
    'WHERE id NOT IN (1)',
    'WHERE id = ALL ($1)',
    'WHERE id <> ANY ($1)',
    'WHERE id BETWEEN 1 AND 1000000',
    'WHERE id BETWEEN $1 AND $2',
    'WHERE num BETWEEN 1 AND 2',
    'WHERE id::text = $1',
    'WHERE id::bigint = 1',
    'WHERE -id = 1',
    'WHERE coalesce(id, 0) = 1',
    'WHERE coalesce(id, 0) = id',
    'WHERE id = coalesce($1, id)',
    'WHERE CASE WHEN id = 1 THEN true ELSE true END',
    'WHERE id = (random() * 10)::int',
    "WHERE id = nextval('s')",
    'WHERE id = mine(1)',
    'WHERE id = (SELECT id)',
    'WHERE id = (SELECT p.id FROM one o)',
    'WHERE id = (SELECT o.id FROM o WHERE o.id = p.id)',
    'WHERE id = (SELECT o.p_id FROM o WHERE o.p_id = price)',
    'WHERE id = (SELECT (random() * 9)::int)',
    'WHERE EXISTS (SELECT 1)',
    'WHERE EXISTS (SELECT 1 FROM o WHERE o.id = p.id)',
    'WHERE id IN (SELECT id FROM p)',
    'WHERE id IN (SELECT id FROM o)',
    'WHERE id IN (WITH o AS (SELECT 1 AS k), r AS (SELECT id FROM o) SELECT id FROM r)',
    'WHERE id IN (WITH o AS (SELECT 1 AS k), r AS (SELECT price::int AS z FROM o LIMIT 1) SELECT z FROM r)',
    'WHERE id IN (SELECT p.id FROM o LIMIT 1)',
    'WHERE id IN (SELECT id FROM p LIMIT $1)',
    'WHERE id IN (SELECT id FROM p LIMIT 1000000)',
    'WHERE id IN (SELECT id FROM p LIMIT ALL)',
    'WHERE id IN (SELECT id FROM p ORDER BY price FETCH FIRST 3 ROWS WITH TIES)',
    'WHERE id IN (SELECT id FROM p ORDER BY random() LIMIT 10)',
    'WHERE id IN (SELECT id FROM p FOR UPDATE SKIP LOCKED LIMIT 10)',
    'WHERE id IN (SELECT generate_series(1, 1000000))',
    'WHERE id IN (SELECT 1 UNION SELECT id FROM o)',
    'WHERE id = ANY (ARRAY(SELECT id FROM p))',
    'WHERE id = ANY (array_append($1, id))',
    'WHERE id = ANY (ARRAY[id])',
    "WHERE ctid >= '(0,0)'",
    'WHERE ctid = ANY (ARRAY(SELECT ctid FROM p))',
    "WHERE title = 'x'",
    'WHERE ref = 1',
    'WHERE late = 1',
    "WHERE lower(sku) = 'x'",
    "WHERE sku = 'x' COLLATE folding",
    'WHERE big = 1::float8',
    'WHERE big = sqrt(4)',
    'WHERE num = 1::float4',
    "WHERE vc = 'x'::char(3)",
    'WHERE at = now()',
    'WHERE id OPERATOR(public.=) 1',
    'WHERE (id, price) = ANY (SELECT id, price FROM p)',
    'WHERE p = ROW(1)::p',
    'WHERE CURRENT OF c',
    'FROM o WHERE o.id = 3',
    'FROM o WHERE o.id = p.id',
    'FROM o WHERE o.amount = 3 AND p.big = o.amount',
    'FROM p q WHERE p.id = q.id',
    'FROM o LEFT JOIN lines l ON o.id = 1 WHERE p.id = o.id',
    'FROM o FULL JOIN lines l ON o.id = 1 AND l.o_id = 1 AND l.line = 1 WHERE p.id = o.id',
    'FROM (VALUES (1)) v(k) WHERE v.k = 1',
    'FROM (SELECT id FROM o) s WHERE p.id = s.id',
    'FROM (SELECT id FROM o LIMIT 10) s',
    'FROM (SELECT id FROM o ORDER BY random() LIMIT 10) s WHERE p.id = s.id',
    'FROM LATERAL (SELECT p.id LIMIT 1) s WHERE p.id = s.id',
    'FROM generate_series(1, 1000000) g WHERE p.id = g',
    'FROM unnest(array_fill(1, ARRAY[1000000])) AS u(id) WHERE p.id = u.id',
    'FROM bare b, LATERAL (SELECT b.gen AS g LIMIT 5) s WHERE p.id = s.g',
    'FROM nokey WHERE nokey.title = p.title',
    'FROM joined WHERE joined.id = p.id',
    'WITH s AS (SELECT id FROM o) UPDATE p SET price = 0 FROM s WHERE p.id = s.id',
    'WITH RECURSIVE s AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM s) UPDATE p SET price = 0 FROM s WHERE p.id = s.id',
    'WITH p AS (SELECT 1 AS id) UPDATE p SET price = 0 WHERE price = 0',
    'WITH d AS (DELETE FROM o WHERE p_id > 0 RETURNING id) INSERT INTO bare SELECT id FROM d',
    'WITH o AS (SELECT 1 AS id, p.id AS p_id FROM p), d AS (DELETE FROM p USING o WHERE o.id = 1 AND p.id = o.p_id RETURNING 1) SELECT * FROM d',
    'WITH d AS (DELETE FROM p USING o WHERE o.id = 1 AND p.id = o.p_id AND false RETURNING 1), o AS (SELECT 1) DELETE FROM p',
    'WITH RECURSIVE o AS (SELECT 1 AS id, p.id AS p_id FROM p), d AS (DELETE FROM p USING o WHERE o.id = 1 AND p.id = o.p_id RETURNING 1) SELECT 1',
    'SELECT (WITH o AS (SELECT 1 AS id) SELECT 1); WITH s AS (SELECT id FROM p) DELETE FROM p USING s WHERE p.id = s.id',
    'UPDATE lines SET qty = 0 WHERE o_id = 1',
    'UPDATE lines SET qty = 0 WHERE o_id = 1 OR line = 1',
    'UPDATE lines SET qty = 0 WHERE (o_id = 1 AND line = 2) OR o_id = 2',
    'UPDATE bare SET x = 0 WHERE id = 1',
    'UPDATE empty_key SET a = 0 WHERE a = 1',
    "UPDATE parent SET x = 0 WHERE ctid = '(0,1)'",
    'UPDATE parts SET x = 0 WHERE id = 1',
    'UPDATE mixed SET x = 0 WHERE id = 1',
    'UPDATE mixed_2 SET x = 0 WHERE id = 1',
    "UPDATE split SET x = 0 WHERE at = '2024-05-05'",
    'UPDATE empty_parts SET x = 0',
    'UPDATE pv SET price = 0',
    "UPDATE pv SET price = 0 WHERE name = 'x'",
    'UPDATE nokey SET price = 0 WHERE price = 1',
    'UPDATE not_there SET x = 0 WHERE id = 1',
    'UPDATE other.p SET x = 0 WHERE id = 1',
    'DELETE FROM p',
    'DELETE FROM p USING o WHERE p.id = o.id',
    'DELETE FROM ruled WHERE id = 1',
    'TRUNCATE p',
    'TRUNCATE ONLY p, o CASCADE',
    'INSERT INTO p SELECT * FROM p ON CONFLICT (id) DO UPDATE SET price = 0',
    'INSERT INTO p (id) SELECT generate_series(1, 1000000) ON CONFLICT (id) DO UPDATE SET price = 0',
    'INSERT INTO p (id) SELECT b.gen FROM (SELECT x FROM bare LIMIT 1) b ON CONFLICT (id) DO UPDATE SET price = 0',
    'INSERT INTO p (id) SELECT id FROM o ON CONFLICT (id) DO UPDATE SET price = 1 WHERE p.id = excluded.id',
    'MERGE INTO p USING o ON p.id = o.id WHEN MATCHED THEN DELETE',
    'MERGE INTO p USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE',
    'MERGE INTO p USING (SELECT 1 AS id) s ON p.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE',
    'MERGE INTO p USING o ON p.id = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (o.id)',
    'WITH d AS (DELETE FROM p) SELECT 1',
    'COPY (UPDATE p SET price = 0 RETURNING id) TO STDOUT',
    'EXPLAIN ANALYZE DELETE FROM p',
    'PREPARE x AS DELETE FROM p',
  ])('%s', (rest) => expect(unbounded(asUpdate(rest)).length).toBeGreaterThan(0));
});

describe('what would bound it', () => {
  it.each([
    ['UPDATE o SET note = 0', 'nothing bounds the rows that UPDATE changes in public.o: pin o.id to constants or parameters'],
    [
      'DELETE FROM lines WHERE o_id = 1',
      'nothing bounds the rows that DELETE changes in public.lines: pin lines.line to constants or parameters',
    ],
    [
      'UPDATE lines SET qty = 1',
      'nothing bounds the rows that UPDATE changes in public.lines: pin lines.o_id and lines.line to constants or parameters',
    ],
    [
      'UPDATE mv SET id = 1 WHERE CURRENT OF c',
      'nothing bounds the rows that UPDATE changes in public.mv: WHERE CURRENT OF does not say which: pin mv.id to constants or parameters',
    ],
    ['UPDATE pv SET price = 0', 'nothing bounds the rows that UPDATE changes in public.pv: pin pv.key to constants or parameters'],
    ['UPDATE split SET x = 0', 'nothing bounds the rows that UPDATE changes in public.split: pin split.id to constants or parameters'],
    [
      'UPDATE mixed SET x = 0 WHERE id = 1',
      'nothing bounds the rows that UPDATE changes in public.mixed: pin mixed.at to constants or parameters',
    ],
    ['DELETE FROM bare', 'nothing bounds the rows that DELETE changes in public.bare: it has no unique key'],
    ['UPDATE nokey SET price = 0', 'nothing bounds the rows that UPDATE changes in public.nokey: no unique key shows through it'],
    ['UPDATE parent SET x = 1', 'nothing bounds the rows that UPDATE changes in public.parent: pin parent.id to constants or parameters'],
    ['UPDATE nowhere SET x = 1', 'nowhere is not in the catalog, so that no key of it is known'],
    ['DELETE FROM ruled WHERE id = 1', 'a rule of public.ruled makes other statements of it'],
    ['TRUNCATE o', 'TRUNCATE empties public.o'],
    [
      'INSERT INTO o SELECT * FROM o ON CONFLICT (id) DO UPDATE SET note = 1',
      'ON CONFLICT DO UPDATE may change as many rows of public.o as its SELECT gives: use VALUES or a constant LIMIT',
    ],
  ])('%s', (text, expected) => expect(advice(text)).toEqual([expected]));

  it('by a unique key, and by an index', () => {
    const [write] = unbounded('UPDATE o SET note = 0 WHERE p_id = 3');
    expect(write?.advice).toContain('pin o.id');
    expect(write?.indexAdvice).toBeNull();
    expect(unbounded('UPDATE o SET note = 0')[0]?.indexAdvice).toContain('pin o.id or o.p_id');
    expect(unbounded("UPDATE p SET price = 0 WHERE title = 'x'")[0]?.indexAdvice).toBeNull();
    expect(unbounded('UPDATE p SET price = 0 WHERE price = 1')[0]?.indexAdvice).not.toBeNull();
    expect(unbounded('UPDATE p SET price = 0 WHERE late = 1')[0]?.indexAdvice).toBeNull();
    expect(unbounded('UPDATE pv SET price = 0 WHERE name = $1')[0]?.indexAdvice).toBeNull();
  });
});

describe('what is not certain', () => {
  it('a name that may mean several tables is bounded when all of them are', () => {
    expect(unbounded('UPDATE p SET x = 0 WHERE id = 1', catalog, ['public'])).toEqual([]);
    expect(unbounded('UPDATE p SET x = 0 WHERE id = 1', catalog, null).map((write) => write.relation)).toEqual(['other.p']);
    expect(unbounded('UPDATE only_there SET x = 0 WHERE id = 1', catalog, null)).toEqual([]);
  });

  it('with an equality of the user, or collations that fold, less is proved', async () => {
    await client.query(`
      begin;
      create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table folded (name text collate ci unique, other text); create unique index on folded (other collate ci);
      create table named (n text collate ci, id int primary key)`);
    const folding = await loadCatalogHere(client);
    await client.query(`set local search_path = public; create function never(int, int) returns bool language sql as 'select true';
      create operator = (leftarg = int4, rightarg = int4, function = never)`);
    const redefined = await loadCatalogHere(client);
    await client.query('rollback');
    expect(folding.foldingCollations).toBe(true);
    expect(unbounded("UPDATE folded SET other = 1 WHERE name = 'x'", folding)).toEqual([]);
    expect(unbounded("UPDATE folded SET other = 1 WHERE other = 'x'", folding)).toHaveLength(1);
    expect(unbounded('UPDATE p SET price = 1 FROM named WHERE named.id = 1 AND p.sku = named.n', folding)).toHaveLength(1);
    expect(unbounded('UPDATE p SET price = 1 FROM named WHERE named.id = 1 AND p.id = named.id', folding)).toEqual([]);
    expect(unbounded('UPDATE p SET price = 1 WHERE id = 1', redefined)).toHaveLength(1);
    expect(unbounded('UPDATE p SET price = 1 WHERE id OPERATOR(pg_catalog.=) 1', redefined)).toEqual([]);
  });

  it('a hostile condition costs no more than a long one', () => {
    const arms = (n: number) => Array.from({ length: n }, (_, i) => `(price = ${i} OR title = '${i}')`).join(' AND ');
    const nested = (n: number): string => (n === 0 ? 'price = 1' : `(${nested(n - 1)} OR id IN (SELECT id FROM p WHERE ${nested(n - 1)}))`);
    const startedAt = performance.now();
    expect(unbounded(`UPDATE p SET price = 0 WHERE ${arms(300)}`)).toHaveLength(1);
    expect(unbounded(`UPDATE p SET price = 0 WHERE ${nested(9)}`)).toHaveLength(1);
    expect(unbounded(`UPDATE p SET price = 0 WHERE id IN (${Array.from({ length: 5_000 }, (_, i) => i).join(',')})`)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

/** What the open transaction sees. */
async function loadCatalogHere(open: pg.Client): Promise<CatalogSnapshot> {
  const inside = {
    query: (text: string | pg.QueryConfig, values?: unknown[]) => {
      if (typeof text === 'string' && /^(BEGIN|COMMIT)/.test(text)) return Promise.resolve({ rows: [] });
      return open.query(text as string, values);
    },
  };
  return loadCatalog(inside as unknown as pg.ClientBase);
}
