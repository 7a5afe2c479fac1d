import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { policyState } from '../../db/schema/policy';
import { openStore } from '../../db/store';
import { openPolicyKeeper } from './policyKeeper';

test('hears of a change within 5 s where its notification was lost, as another gateway of the store may lose it', async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const { store, close } = openStore(database.url, { max: 2, applicationName: 'gatehouse test' });
  await store.insert(policyState).values({ id: 1, version: 1 }).onConflictDoNothing();
  let heard: () => void = () => undefined;
  const changed = new Promise<void>((resolve) => (heard = resolve));
  const keeper = await openPolicyKeeper(store, () => heard());
  const startedMs = performance.now();
  await store.update(policyState).set({ accessVersion: sql`access_version + 1` });
  await changed;
  expect(performance.now() - startedMs).toBeLessThan(4_500);
  keeper.close();
  await close();
  await database.drop();
}, 20_000);
