import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { type CatalogKeeper, openCatalogKeeper } from './keeper';
import type { FormerNames } from './types';

let database: TestDatabase;
let admin: pg.Client;
const keepers: CatalogKeeper[] = [];

beforeAll(async () => {
  database = await withPostgres();
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query('create table first (id int primary key, secret text)');
}, 60_000);

afterAll(async () => {
  await Promise.all(keepers.map((keeper) => keeper.close()));
  await admin.end();
  await database.drop();
});

const kept: FormerNames = new Map();

function keep(connect: () => Promise<pg.Client>, pollMs: number): { keeper: CatalogKeeper; errors: unknown[] } {
  const errors: unknown[] = [];
  const keeper = openCatalogKeeper({ connect, pollMs, formerNames: async () => kept, onError: (error) => errors.push(error) });
  keepers.push(keeper);
  return { keeper, errors };
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url, application_name: 'keeper' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('the catalog keeper', () => {
  it('reads nothing until it is asked, then keeps one version while nothing changes', async () => {
    const { keeper } = keep(connect, 50);
    expect(keeper.current()).toBeNull();
    const first = await keeper.ready();
    expect(first.version).toBe(1);
    expect(first.relationsByName.get('first')?.[0]?.columns.map((column) => column.name)).toEqual(['id', 'secret']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(keeper.current()).toBe(first);
  });

  it('sees a change by itself within a poll', async () => {
    const { keeper } = keep(connect, 50);
    await keeper.ready();
    await admin.query('create table second (id int)');
    await expect.poll(() => keeper.current()?.relationsByName.has('second') ?? false, { timeout: 5_000 }).toBe(true);
    expect(keeper.current()?.version).toBe(2);
  });

  it('refreshes on demand, and a refresh that began before a change does not answer for it', async () => {
    const { keeper } = keep(connect, 60_000);
    await keeper.ready();
    const early = keeper.refresh();
    await admin.query('create table third (id int)');
    const late = await keeper.refresh();
    await early;
    expect(late.relationsByName.has('third')).toBe(true);
    const [a, b] = await Promise.all([keeper.refresh(), keeper.refresh()]);
    expect(a).toBe(b);
  });

  it('keeps the names that columns had', async () => {
    await admin.query('create schema old; create table old.people (id int, ssn text, gone text)');
    const { keeper } = keep(connect, 60_000);
    const before = (await keeper.ready()).relationsByName.get('people')?.[0];
    await admin.query(
      'alter table old.people rename ssn to harmless; alter table old.people drop gone; alter table old.people rename to folk',
    );
    await keeper.refresh();
    await admin.query('alter schema old rename to later');
    const { formerNames, relations } = await keeper.refresh();
    expect(relations.get(before?.oid ?? 0)).toMatchObject({ schema: 'later', name: 'folk' });
    expect(formerNames.get(`${before?.oid}.2`)).toEqual([
      ['old', 'people', 'ssn'],
      ['old', 'folk', 'harmless'],
    ]);
    expect(formerNames.has(`${before?.oid}.3`)).toBe(false);
  });

  it('has no snapshot while what columns were called cannot be read', async () => {
    const keeper = openCatalogKeeper({
      connect,
      pollMs: 60_000,
      formerNames: () => Promise.reject(new Error('store')),
      onError: () => undefined,
    });
    keepers.push(keeper);
    await expect(keeper.ready()).rejects.toThrow('store');
    expect(keeper.current()).toBeNull();
  });

  it('vouches for nothing once the upstream is out of reach, and recovers', async () => {
    let reachable = true;
    const { keeper, errors } = keep(async () => {
      if (!reachable) throw new Error('unreachable');
      return connect();
    }, 50);
    await keeper.ready();
    reachable = false;
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'keeper'`);
    await expect.poll(() => keeper.current(), { timeout: 5_000 }).toBeNull();
    const refusal = () => keeper.ready().then(String, (error: Error) => error.message);
    await expect.poll(refusal, { timeout: 5_000 }).toBe('unreachable');
    await expect.poll(() => errors.length, { timeout: 5_000 }).toBeGreaterThan(0);
    reachable = true;
    expect((await keeper.ready()).relationsByName.has('first')).toBe(true);
  });

  it('refuses after it is closed', async () => {
    const { keeper } = keep(connect, 50);
    await keeper.ready();
    await keeper.close();
    expect(keeper.current()).toBeNull();
    await expect(keeper.refresh()).rejects.toThrow('closed');
  });
});
