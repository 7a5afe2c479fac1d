import { randomBytes } from 'node:crypto';
import { withPostgres } from '../db/embedded/testing';
import { newId } from '../db/ids';
import { migrateStore } from '../db/migrate';
import { groups, principalGroups, principals } from '../db/schema/identity';
import type { PrincipalKind, Role } from '../db/schema/shapes';
import { openStore, type Store } from '../db/store';
import type { Actor, Call } from './identity/actor';

/** A fresh store on a real PostgreSQL, with the schema migrated, for one test file. */
export interface TestStore {
  store: Store;
  url: string;
  secretKey: Buffer;
  /** A new principal, and a call as it. */
  as(
    role: Role,
    options?: { name?: string; kind?: PrincipalKind; groups?: string[]; ownerId?: string; via?: Actor['via'] },
  ): Promise<Call & { actor: Actor & { id: string } }>;
  close(): Promise<void>;
}

export async function withStore(): Promise<TestStore> {
  const database = await withPostgres();
  await migrateStore(database.url);
  const { store, close } = openStore(database.url, { max: 12, applicationName: 'gatehouse test' });
  const secretKey = randomBytes(32);
  let count = 0;
  return {
    store,
    url: database.url,
    secretKey,
    async as(role, { name = `${role}-${++count}`, kind = 'human', groups: memberOf = [], ownerId, via = 'console' } = {}) {
      const id = newId('prn');
      await store.insert(principals).values({ id, name, kind, role, ownerId: ownerId ?? null });
      for (const group of memberOf) {
        await store
          .insert(groups)
          .values({ id: newId('grp'), name: group })
          .onConflictDoNothing();
        const row = await store.query.groups.findFirst({ where: (table, { eq }) => eq(table.name, group) });
        if (row !== undefined) await store.insert(principalGroups).values({ principalId: id, groupId: row.id });
      }
      return { store, secretKey, actor: { id, name, kind, role, groups: memberOf, via } };
    },
    async close() {
      await close();
      await database.drop();
    },
  };
}
