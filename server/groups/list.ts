import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { groups, principalGroups, principals } from '../../db/schema/identity';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { GroupRow } from './shape';

export async function listGroups({ store, actor }: Call): Promise<GroupRow[]> {
  demand(actor, 'principals:read');
  return store
    .select({ id: groups.id, name: groups.name, members: sql<number>`count(distinct ${principals.id})::int` })
    .from(groups)
    .leftJoin(principalGroups, eq(principalGroups.groupId, groups.id))
    .leftJoin(principals, and(eq(principals.id, principalGroups.principalId), isNull(principals.disabledAt)))
    .groupBy(groups.id)
    .orderBy(asc(groups.name));
}
