import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { catalogFingerprint, loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { maskedColumnsFor } from '../masking/columns';
import { judge } from '../policy/judge';
import type { ConnectionPolicy, Principal, Rule } from '../policy/types';
import { loadParser } from '../sql/parse';
import { shapeOf } from './shapeOf';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table t (id int primary key, q text); create table u (id int primary key)');
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

const principal = { id: 'pri_1', name: 'bot', kind: 'agent', role: 'member', email: null, owner: null, groups: [] } as unknown as Principal;
const connection = { id: 'con_1', name: 'shop', default: 'hold', opaque: 'hold' } as ConnectionPolicy;
const admins: Rule = {
  ...{ name: 'admins', connections: [], groups: [], match: { effects: ['admin'] }, action: 'hold' },
  ...{ message: null, approval: null, mode: 'enforce' },
};

/** As it is now, read anew where it is another, as a gateway does. */
let kept: CatalogSnapshot | undefined;
async function catalogNow(): Promise<CatalogSnapshot> {
  if (kept === undefined || kept.fingerprint !== (await catalogFingerprint(client))) kept = await loadCatalog(client);
  return kept;
}

async function shape(sql: string) {
  const catalog = await catalogNow();
  const policy = { version: 1, connections: new Map(), access: [], rules: [admins], masking: [] };
  const masks = maskedColumnsFor({ masking: [], connection, principal, catalog });
  const judgement = judge(sql, { connection, principal, policy, catalog, masks, now: new Date() });
  expect(judgement.action).toBe('hold');
  return shapeOf(sql, judgement.statements, { parameters: Buffer.alloc(0), scope: ['pri_1', 'shop'] });
}

test.each([
  ["INSERT INTO t (id, q) VALUES (1, 'x')", "INSERT INTO t (id, q) VALUES (2, 'y')"],
  ['DELETE FROM t WHERE id = 1', 'DELETE FROM t WHERE id = 2'],
  ["UPDATE t SET q = 'x' WHERE id = 1", "UPDATE t SET q = 'y' WHERE id = 2"],
  ['SELECT q FROM t WHERE id = 1 FOR UPDATE', 'SELECT q FROM t WHERE id = 2 FOR UPDATE'],
])('rows: %s covers %s', async (one, other) => {
  expect((await shape(one)).exact).toBe(false);
  expect(await shape(one)).toEqual(await shape(other));
});

test.each([
  ["SELECT pg_read_file(p) FROM (VALUES ('a')) v(p)", "SELECT pg_read_file(p) FROM (VALUES ('b')) v(p)"],
  [
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 1',
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 2',
  ],
  ["UPDATE t SET q = 'a' WHERE id = 1 RETURNING pg_read_file(q)", "UPDATE t SET q = 'b' WHERE id = 1 RETURNING pg_read_file(q)"],
])('beyond rows: %s does not cover %s', async (one, other) => {
  expect((await shape(one)).exact).toBe(true);
  expect((await shape(one)).digest).not.toBe((await shape(other)).digest);
});

test('a trigger that is made later, and another table of the name, are another shape', async () => {
  const sql = 'DELETE FROM t WHERE id = 1';
  const first = await shape(sql);
  await client.query(`
    create function also() returns trigger language plpgsql as 'begin delete from u; return old; end';
    create trigger also before delete on t for each row execute function also()`);
  const triggered = await shape(sql);
  expect(triggered.digest).not.toBe(first.digest);
  await client.query('drop trigger also on t');
  expect(await shape(sql)).toEqual(first);
  const { rows } = await client.query<{ name: string }>('select quote_ident(current_user) as name');
  await client.query(`create schema ${rows[0]?.name}; create table ${rows[0]?.name}.t (id int primary key)`);
  expect((await shape(sql)).digest).not.toBe(first.digest);
});
