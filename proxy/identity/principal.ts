import { eq } from 'drizzle-orm';
import { groups, principalGroups, principals } from '../../db/schema/identity';
import type { PrincipalLimits } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import type { Principal } from '../policy/types';

/** A principal as the store knows it now. */
export interface KnownPrincipal extends Principal {
  limits: PrincipalLimits;
}

/** Reads a principal with its groups and owner; null when it does not exist or is disabled. */
export async function loadPrincipal(store: StoreHandle, id: string): Promise<KnownPrincipal | null> {
  const [row] = await store.select().from(principals).where(eq(principals.id, id));
  if (row === undefined || row.disabledAt !== null) return null;
  const memberOf = await store
    .select({ name: groups.name })
    .from(principalGroups)
    .innerJoin(groups, eq(groups.id, principalGroups.groupId))
    .where(eq(principalGroups.principalId, id));
  const [owner] = row.ownerId === null ? [] : await store.select().from(principals).where(eq(principals.id, row.ownerId));
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    role: row.role,
    email: row.email,
    owner: owner === undefined ? null : { id: owner.id, name: owner.name },
    groups: [...new Set(memberOf.map((group) => group.name))].sort(),
    limits: row.limits,
  };
}
