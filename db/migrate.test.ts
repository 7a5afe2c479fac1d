import pg from 'pg';
import { expect, test } from 'vitest';
import { withPostgres } from './embedded/testing';
import { migrateStore } from './migrate';

test('gateways that start together make one database with one policy state, and a later start changes nothing', async () => {
  const admin = await withPostgres();
  const url = new URL(admin.url);
  url.pathname = `/${admin.database}_store`;
  await Promise.all(Array.from({ length: 8 }, () => migrateStore(url.href)));
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query('UPDATE policy_state SET version = 9');
  await migrateStore(url.href);
  expect((await client.query('SELECT id, version FROM policy_state')).rows).toEqual([{ id: 1, version: '9' }]);
  expect((await client.query("SELECT count(*)::int AS n FROM pg_class WHERE relname = 'approval_requests'")).rows).toEqual([{ n: 1 }]);

  await client.query("CREATE ROLE outsider LOGIN PASSWORD 'x'");
  const outsider = new pg.Client({ connectionString: url.href.replace(/\/\/[^@]+@/, '//outsider:x@') });
  await expect(outsider.connect()).rejects.toMatchObject({ code: '42501' });
  await client.query('DROP ROLE outsider');
  await client.end();
});
