import { and, eq, inArray, isNull } from 'drizzle-orm';
import { groups, principalGroups, principals } from '../../db/schema/identity';
import type { StoreHandle } from '../../db/store';
import { PERMISSIONS } from '../identity/permission';
import type { Reviewer } from './mayDecide';

/** People who are not disabled and whose role decides requests, with their groups. */
export async function readReviewers(store: StoreHandle): Promise<Reviewer[]> {
  const rows = await store
    .select({ id: principals.id, name: principals.name, role: principals.role, group: groups.name })
    .from(principals)
    .leftJoin(principalGroups, eq(principalGroups.principalId, principals.id))
    .leftJoin(groups, eq(groups.id, principalGroups.groupId))
    .where(
      and(eq(principals.kind, 'human'), isNull(principals.disabledAt), inArray(principals.role, [...PERMISSIONS['approvals:decide']])),
    );
  const people = new Map<string, Reviewer & { groups: string[] }>();
  for (const { group, ...person } of rows) {
    const known = people.get(person.id) ?? { ...person, groups: [] };
    if (group !== null && !known.groups.includes(group)) known.groups.push(group);
    people.set(person.id, known);
  }
  return [...people.values()];
}
