import { and, eq, inArray } from 'drizzle-orm';
import { groups, principalGroups } from '../../db/schema/identity';
import type { StoreTransaction } from '../../db/store';

/** Makes a principal a member of exactly these groups, which exist, by an administrator's word. What providers say stays. */
export async function setMembership(tx: StoreTransaction, principalId: string, names: readonly string[]): Promise<void> {
  await tx.delete(principalGroups).where(and(eq(principalGroups.principalId, principalId), eq(principalGroups.source, '')));
  if (names.length === 0) return;
  const rows = await tx
    .select({ id: groups.id })
    .from(groups)
    .where(inArray(groups.name, [...names]));
  // What a provider gives goes when the provider takes it: written here as well, it would stay.
  const provided = new Set(
    (await tx.select({ id: principalGroups.groupId }).from(principalGroups).where(eq(principalGroups.principalId, principalId))).map(
      ({ id }) => id,
    ),
  );
  const own = rows.filter(({ id }) => !provided.has(id));
  if (own.length > 0) await tx.insert(principalGroups).values(own.map((group) => ({ principalId, groupId: group.id })));
}
