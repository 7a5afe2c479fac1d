import { and, eq, isNull, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
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
  const owners = alias(principals, 'owners');
  const [row] = await store
    .select({
      id: principals.id,
      name: principals.name,
      kind: principals.kind,
      role: principals.role,
      email: principals.email,
      limits: principals.limits,
      owner: { id: owners.id, name: owners.name },
      groups: sql<string[]>`array(
        select g.name from ${principalGroups} m join ${groups} g on g.id = m.group_id
        where m.principal_id = ${principals.id} group by g.name order by g.name collate "C"
      )`,
    })
    .from(principals)
    .leftJoin(owners, eq(owners.id, principals.ownerId))
    .where(and(eq(principals.id, id), isNull(principals.disabledAt)));
  return row ?? null;
}
