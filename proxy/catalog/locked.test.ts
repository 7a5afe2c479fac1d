import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { maskedColumnsFor } from '../masking/columns';
import type { ConnectionPolicy, MaskingRule, Principal } from '../policy/types';
import { loadParser } from '../sql/parse';
import { openCatalogKeeper } from './keeper';
import { loadCatalog } from './load';
import type { CatalogSnapshot } from './types';

let database: TestDatabase;
let reader: pg.Client;
let holder: pg.Client;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  reader = new pg.Client({ connectionString: database.url });
  holder = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await holder.connect();
  await holder.query(`
    create table people (id int primary key, ssn text, last4 text generated always as (right(ssn, 4)) stored);
    create table places (id int primary key, city text);
    create view cities as select city from places; create view towns as select city from cities;
    create view names as select id, ssn from people;
    create function how_many() returns bigint language sql begin atomic select count(*) from people; end;
    create function one() returns bigint language sql begin atomic select 1::bigint; end;
  `);
  for (let i = 0; i < 40; i += 1) await holder.query(`create view of_${i} as select city as city_${i} from places`);
}, 60_000);

afterEach(() => holder.query('rollback'));
afterAll(async () => {
  await reader.end();
  await holder.end();
  await database.drop();
});

async function timed(): Promise<{ catalog: CatalogSnapshot; ms: number }> {
  const startedAtMs = performance.now();
  const catalog = await loadCatalog(reader);
  return { catalog, ms: performance.now() - startedAtMs };
}

const relation = (catalog: CatalogSnapshot, name: string) => catalog.relationsByName.get(name)?.[0];

/** The columns that are masked when the rule names one column of a table nobody locks. */
function masked(catalog: CatalogSnapshot): string[] {
  const rule: MaskingRule = {
    ...{ name: 'pii', connections: [], columns: ['public.people.ssn'], detect: [], mask: { type: 'redact' } },
    ...{ inference: 'guarded', exceptGroups: [], mode: 'enforce' },
  };
  const scope = { connection: { name: 'shop' } as ConnectionPolicy, principal: { groups: [] } as Pick<Principal, 'groups'>, catalog };
  return maskedColumnsFor({ ...scope, masking: [rule] }).all.map((mask) => mask.column);
}

describe('a catalog with locked relations', () => {
  it('is read without waiting; a view that is locked is unreadable and tainted whole', async () => {
    await holder.query('begin; create or replace view cities as select city || $$$$ as city from places');
    const { catalog, ms } = await timed();
    expect(ms).toBeLessThan(3_000);
    expect(catalog.unreadable).toEqual(['relation public.cities', 'relation public.towns']);
    expect(relation(catalog, 'cities')?.definition).toBe('');
    expect(relation(catalog, 'of_7')?.definition).toContain('city_7');
    expect(masked(catalog)).toEqual(expect.arrayContaining(['public.cities.city', 'public.towns.city', 'public.names.ssn']));
    expect(masked(catalog)).not.toContain('public.of_7.city_7');
    await holder.query('rollback');
    const after = (await timed()).catalog;
    expect(after.unreadable).toEqual([]);
    expect(relation(after, 'cities')?.definition).toContain('places');
    expect(masked(after)).not.toContain('public.cities.city');
  });

  it('knows what a locked table stands in: views, generated columns, bodies that are trees', async () => {
    await holder.query('begin; lock table people in access exclusive mode');
    const { catalog, ms } = await timed();
    expect(ms).toBeLessThan(3_000);
    expect(catalog.unreadable).toEqual(['relation public.people', 'relation public.names', 'function public.how_many']);
    expect(catalog.functions.get('how_many')?.[0]).toMatchObject({ source: '', unreadable: true });
    expect(catalog.functions.get('one')?.[0]).toMatchObject({ unreadable: false });
    expect(masked(catalog)).toEqual(expect.arrayContaining(['public.people.last4', 'public.names.id', 'public.names.ssn']));
    expect(masked(catalog)).not.toContain('public.of_7.city_7');
  });

  it('is read in time when a table of very many views is locked, and while a DDL only waits', async () => {
    const waiting = new pg.Client({ connectionString: database.url });
    await waiting.connect();
    await holder.query('begin; select from places');
    const ddl = waiting.query('alter table places add column zip text');
    ddl.catch(() => undefined);
    await expect
      .poll(async () => (await reader.query('select from pg_locks where not granted')).rowCount, { timeout: 5_000 })
      .toBeGreaterThan(0);
    const { catalog, ms } = await timed();
    expect(ms).toBeLessThan(3_000);
    expect(catalog.unreadable).toHaveLength(41);
    expect(relation(catalog, 'names')?.definition).toContain('ssn');
    await holder.query('rollback');
    await ddl;
    await waiting.end();
    expect((await timed()).catalog.unreadable).toEqual([]);
  });

  it('leaves the session as it was', async () => {
    await reader.query(`set lock_timeout = '77s'`);
    await holder.query('begin; lock table people in access exclusive mode');
    await loadCatalog(reader);
    expect((await reader.query('show lock_timeout')).rows).toEqual([{ lock_timeout: '77s' }]);
  });
});

describe('the keeper of such a catalog', () => {
  it('vouches for one snapshot as long as the lock is there, and reads again when it is gone', async () => {
    const keeper = openCatalogKeeper({
      connect: async () => {
        const client = new pg.Client({ connectionString: database.url });
        client.on('error', () => undefined);
        await client.connect();
        return client;
      },
      formerNames: async () => new Map(),
      pollMs: 300,
      onError: () => undefined,
    });
    await holder.query('begin; lock table people in access exclusive mode');
    const first = await keeper.ready();
    expect(first.unreadable).not.toEqual([]);
    const second = await keeper.refresh();
    expect(second).toBe(first);
    await holder.query('rollback');
    await expect.poll(() => keeper.current()?.unreadable, { timeout: 5_000 }).toEqual([]);
    expect(keeper.current()?.fingerprint).toBe(first.fingerprint);
    expect(keeper.current()?.version).toBe(first.version + 1);
    await keeper.close();
  });
});
