import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Action } from '../../db/schema/shapes';
import { loadCatalog } from '../../proxy/catalog/load';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import { judge } from '../../proxy/policy/judge';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { PolicySnapshot, Principal } from '../../proxy/policy/types';
import { loadParser } from '../../proxy/sql/parse';
import { systemActor } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { applyPolicy } from './apply';

const ENV = { DB_HOST: '127.0.0.1', DB_NAME: 'shop', DB_USER: 'shop_app', DB_PASSWORD: 'made-up' };

let db: TestStore;
let upstream: TestDatabase;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  db = await withStore();
  upstream = await withPostgres();
  const client = new pg.Client({ connectionString: upstream.url });
  await client.connect();
  await client.query(`
    create extension dblink;
    create table items (id int primary key, sku text unique, name text, price numeric); create index on items (name);
    create table lines (item int references items on delete cascade, n int, primary key (item, n));
    create view cheap as select id, price from items where price < 5; create materialized view counts as select count(*) from items;
    create function purge() returns int language plpgsql as 'begin delete from items; return 1; end'`);
  catalog = await loadCatalog(client);
  await client.end();
}, 60_000);

afterAll(async () => {
  await db.close();
  await upstream.drop();
});

async function applied(pack: string): Promise<PolicySnapshot> {
  const yaml = readFileSync(new URL(`../../deploy/policies/${pack}.yaml`, import.meta.url), 'utf8');
  const given = { yaml, env: ENV, actor: systemActor, secretKey: db.secretKey };
  const result = await applyPolicy(db.store, { ...given, dryRun: false });
  expect(result.warnings ?? []).toEqual([]);
  return loadPolicy(db.store);
}

function verdicts(text: string, policy: PolicySnapshot, groups: readonly string[]) {
  const principal: Principal = { id: 'prn_1', name: 'x', kind: 'agent', role: 'member', email: null, owner: null, groups };
  const connection = policy.connections.get('main');
  if (connection === undefined) throw new Error('the pack has no connection main');
  const masks = maskedColumnsFor({ masking: [], connection, principal, catalog });
  return judge(text, { connection, principal, policy, catalog, masks, now: new Date(0) });
}

const READS = [
  'SELECT * FROM items',
  'SELECT count(*) FROM cheap JOIN items USING (id)',
  'WITH x AS (SELECT 1) SELECT * FROM x',
  'EXPLAIN SELECT 1',
  'EXPLAIN DELETE FROM items',
  'SHOW search_path',
  "SET application_name = 'x'",
  'BEGIN',
  'COMMIT',
  'DISCARD ALL',
  'RESET ALL',
  'UNLISTEN *',
  'SELECT pg_advisory_unlock_all()',
  'SET SESSION AUTHORIZATION DEFAULT',
  'COPY items TO STDOUT',
  'DECLARE c CURSOR FOR SELECT 1',
  "SELECT 'DROP TABLE items'",
];
const BOUNDED = [
  "INSERT INTO items VALUES (1, 'a')",
  'UPDATE items SET price = 1 WHERE id = 1',
  "UPDATE items SET price = 1 WHERE sku = $1 AND name <> 'x'",
  'INSERT INTO items (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET price = 1',
  'COPY items FROM STDIN',
  'SELECT 1 FROM items WHERE id = 1 FOR UPDATE',
];
const MASS = ['UPDATE items SET price = 0', 'UPDATE items SET price = 0 WHERE true', "UPDATE items SET price = 0 WHERE name = 'x'"];
const DELETES = [
  'DELETE FROM items WHERE id = 1',
  'WITH d AS (DELETE FROM items RETURNING 1) SELECT 1',
  'EXPLAIN ANALYZE DELETE FROM items',
];
const OPAQUE = ['DO $$ BEGIN END $$', 'SELECT purge()', "SELECT dblink('x', 'y')"];
const DEFINITIONS = [
  'CREATE TABLE n (a int)',
  'CREATE VIEW n AS SELECT 1',
  'ALTER TABLE items ADD c int',
  'CREATE INDEX ON items (price)',
  'ALTER TABLE items RENAME TO things',
  'REFRESH MATERIALIZED VIEW counts',
];
const LOSSES = [
  'DROP TABLE items',
  'DROP VIEW cheap',
  'DROP SCHEMA public CASCADE',
  'TRUNCATE items',
  'ALTER TABLE items DROP COLUMN price',
  'ALTER TABLE items DROP CONSTRAINT items_pkey',
];
const RIGHTS = [
  'GRANT SELECT ON items TO PUBLIC',
  'REVOKE SELECT ON items FROM bob',
  'GRANT a TO b',
  'CREATE ROLE b',
  'ALTER ROLE b SUPERUSER',
  'ALTER TABLE items OWNER TO b',
  'ALTER SCHEMA public OWNER TO b',
  'REASSIGN OWNED BY a TO b',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO b',
  'SET ROLE b',
];
const OUTSIDE = [
  "COPY items TO PROGRAM 'cat'",
  "COPY items FROM '/etc/passwd'",
  'CREATE SERVER s FOREIGN DATA WRAPPER w',
  "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
  "LOAD 'x'",
];
const SERVER = ['ALTER SYSTEM SET work_mem = 1', 'ALTER DATABASE d SET work_mem = 1', 'CHECKPOINT'];

type Expectation = readonly [Action, readonly string[]];

async function expectVerdicts(pack: string, groups: readonly string[], expected: readonly Expectation[]): Promise<void> {
  const policy = await applied(pack);
  const found = expected.flatMap(([, texts]) => texts.map((text) => `${verdicts(text, policy, groups).action} ${text}`));
  expect(found).toEqual(expected.flatMap(([action, texts]) => texts.map((text) => `${action} ${text}`)));
}

describe('starter packs', () => {
  test('read-only agent', async () => {
    await expectVerdicts(
      'read-only-agent',
      ['agents'],
      [
        ['allow', READS],
        ['deny', [...BOUNDED, ...MASS, ...DELETES, ...OPAQUE, ...DEFINITIONS, ...LOSSES, ...RIGHTS, ...OUTSIDE, ...SERVER]],
        ['deny', ["SELECT nextval('s')", 'LOCK TABLE items', 'NOTIFY c', 'SELECT pg_sleep(1)', 'VACUUM', "PREPARE TRANSACTION 'x'"]],
        [
          'deny',
          ['BEGIN; SELECT 1; DELETE FROM items', 'SELECT pg_advisory_lock(1)', "SELECT lo_export(1, 'x')", 'CREATE TEMP TABLE t (a int)'],
        ],
      ],
    );
    const policy = await loadPolicy(db.store);
    expect(verdicts('DELETE FROM items WHERE id = 1', policy, ['dba']).action).toBe('allow');
  });

  test('support', async () => {
    await expectVerdicts(
      'support',
      ['agents'],
      [
        ['allow', [...READS, ...BOUNDED, 'NOTIFY c', 'LISTEN c', "SELECT nextval('s')"]],
        ['hold', [...MASS, ...DELETES, ...DEFINITIONS]],
        [
          'hold',
          ["SELECT setval('s', 1)", 'DO $$ BEGIN END $$', 'SELECT purge()', 'CALL p()', 'LOCK TABLE items', 'CREATE TEMP TABLE t (a int)'],
        ],
        [
          'hold',
          [
            'MERGE INTO items i USING (SELECT 1 AS id) s ON i.id = s.id WHEN MATCHED THEN DELETE',
            'UPDATE items SET price = 1 WHERE CURRENT OF c',
          ],
        ],
        ['hold', ['INSERT INTO items SELECT * FROM items ON CONFLICT (id) DO UPDATE SET price = 0', 'COMMENT ON TABLE items IS NULL']],
        [
          'deny',
          [
            ...LOSSES,
            ...RIGHTS,
            ...OUTSIDE,
            ...SERVER,
            "SELECT dblink('x', 'y')",
            "SELECT lo_from_bytea(1, 'x')",
            "PREPARE TRANSACTION 'x'",
          ],
        ],
      ],
    );
    const policy = await loadPolicy(db.store);
    const [held] = verdicts('UPDATE items SET price = 0', policy, ['agents']).statements;
    expect(held?.verdict).toMatchObject({ rule: 'review-mass-writes', approval: { groups: ['dba'], count: 2 } });
    expect(held?.verdict.why).toContain('pin items.id or items.sku');
  });

  test('migrations', async () => {
    await expectVerdicts(
      'migrations',
      ['deployment'],
      [
        ['allow', [...READS, ...BOUNDED, ...DEFINITIONS, 'DELETE FROM items WHERE id = 1', 'CREATE INDEX CONCURRENTLY ON items (price)']],
        ['allow', ['UPDATE items SET price = 0 WHERE id IN (SELECT id FROM items WHERE price IS NULL LIMIT 1000)']],
        [
          'hold',
          [
            ...MASS,
            ...LOSSES,
            'DO $$ BEGIN END $$',
            'DELETE FROM items',
            'ALTER TABLE items ALTER price TYPE int',
            'LOCK items',
            'VACUUM items',
          ],
        ],
        ['deny', [...RIGHTS, ...OUTSIDE, ...SERVER]],
      ],
    );
    const policy = await loadPolicy(db.store);
    const observed = (text: string) =>
      verdicts(text, policy, ['deployment']).statements[0]?.verdict.tried.find((trial) => trial.rule === 'indexes-concurrently')?.matched;
    expect(observed('CREATE INDEX a_b ON items (price)')).toBe(true);
    expect(observed('CREATE INDEX CONCURRENTLY ON items (price)')).toBe(false);
  });

  test('observe everything: all is allowed, and the record says what would have happened', async () => {
    const everything = [READS, BOUNDED, MASS, DELETES, OPAQUE, DEFINITIONS, LOSSES, RIGHTS, OUTSIDE, SERVER].flat();
    await expectVerdicts('observe-everything', ['everybody'], [['allow', everything]]);
    const policy = await loadPolicy(db.store);
    const seen = (text: string) =>
      verdicts(text, policy, ['everybody'])
        .statements.flatMap(({ verdict }) => verdict.tried)
        .filter((trial) => trial.matched)
        .map((trial) => `${trial.mode} ${trial.rule}`);
    expect(seen('DROP TABLE items')).toEqual(['observe would-deny-destruction']);
    expect(seen('DELETE FROM items')).toEqual([
      ...['observe would-hold-deletes', 'observe would-hold-mass-writes', 'observe would-hold-writes-without-an-index'],
    ]);
    expect(seen("UPDATE items SET price = 0 WHERE name = 'x'")).toEqual(['observe would-hold-mass-writes']);
    expect(seen('SELECT purge()')).toEqual(['observe would-hold-unknown']);
    expect(seen('SELECT 1')).toEqual([]);
    for (const text of [...LOSSES, ...RIGHTS, ...OUTSIDE, ...SERVER, ...DELETES, ...DEFINITIONS, ...OPAQUE])
      expect(seen(text), text).not.toEqual([]);
  });
});
