import { asc } from 'drizzle-orm';
import { access } from '../../db/schema/policy';
import type { StoreHandle } from '../../db/store';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { AccessRow } from './shape';

/** Which groups may open sessions on which connections. */
export async function listAccess({ store, actor }: Call): Promise<AccessRow[]> {
  demand(actor, 'access:read');
  return readAccess(store);
}

export async function readAccess(store: StoreHandle): Promise<AccessRow[]> {
  return store
    .select({ id: access.id, connections: access.connections, groups: access.groups })
    .from(access)
    .orderBy(asc(access.position), asc(access.id));
}
