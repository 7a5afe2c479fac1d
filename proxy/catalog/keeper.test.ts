import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { type CatalogKeeper, openCatalogKeeper } from './keeper';

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

function keep(connect: () => Promise<pg.Client>, pollMs: number): { keeper: CatalogKeeper; errors: unknown[] } {
  const errors: unknown[] = [];
  const keeper = openCatalogKeeper({ connect, pollMs, onError: (error) => errors.push(error) });
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
