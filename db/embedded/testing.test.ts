import pg from 'pg';
import { expect, test } from 'vitest';
import { withPostgres } from './testing';

test('every call gives a database of its own on one cluster', async () => {
  const [one, two] = [await withPostgres(), await withPostgres()];
  expect(one.port).toBe(two.port);
  expect(one.database).not.toBe(two.database);
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  await client.query("CREATE ROLE testing_shop LOGIN PASSWORD 'secret'");
  const as = new pg.Client({ connectionString: one.urlAs('testing_shop', 'secret') });
  await as.connect();
  expect((await as.query('SELECT current_database() AS db, current_user AS role')).rows).toEqual([
    { db: one.database, role: 'testing_shop' },
  ]);
  await as.end();
  await client.query('DROP ROLE testing_shop');
  await client.end();
  await one.drop();
  await two.drop();
});
