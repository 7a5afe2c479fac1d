import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { type AnyPgColumn, alias } from 'drizzle-orm/pg-core';
import { prepared } from '../../db/prepared';
import { groups, principalGroups, principals } from '../../db/schema/identity';
import type { PrincipalLimits } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import type { Principal } from '../policy/types';

/** A principal as the store knows it now. */
export interface KnownPrincipal extends Principal {
  limits: PrincipalLimits;
}

type PrincipalColumn = 'id' | 'name' | 'kind' | 'role' | 'email' | 'limits';

/** What is read of a principal beside its owner and its groups; the table may go by another name. */
export const principalColumns = <T extends Record<PrincipalColumn, AnyPgColumn>>(table: T): Pick<T, PrincipalColumn> => {
  const { id, name, kind, role, email, limits } = table;
  return { id, name, kind, role, email, limits };
};

/** The names of the groups it is in, whoever says so. */
export const groupNames = ({ id }: { id: AnyPgColumn }): SQL<string[]> => sql<string[]>`array(
  select g.name from ${principalGroups} m join ${groups} g on g.id = m.group_id
  where m.principal_id = ${id} group by g.name order by g.name collate "C"
)`;

const owners = alias(principals, 'owners');
const byId = prepared((store) =>
  store
    .select({ ...principalColumns(principals), owner: { id: owners.id, name: owners.name }, groups: groupNames(principals) })
    .from(principals)
    .leftJoin(owners, eq(owners.id, principals.ownerId))
    .where(and(eq(principals.id, sql.placeholder('id')), isNull(principals.disabledAt)))
    .prepare('gatehouse_principal'),
);

/** Reads a principal with its groups and owner; null when it does not exist or is disabled. */
export async function loadPrincipal(store: StoreHandle, id: string): Promise<KnownPrincipal | null> {
  const [row] = await byId(store).execute({ id });
  return row ?? null;
}
